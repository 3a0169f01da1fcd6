// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace orrery::checkpoint {

/// A name from a file as a sentence may show it: no control characters (a terminal would obey them), valid
/// UTF-8, and at most about a hundred bytes.
std::string shownText(std::string_view text);

} // namespace orrery::checkpoint
