// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

namespace orrery {

[[nodiscard]] std::string version(); ///< "0.1.0"

/// Now in UTC as ISO 8601, "2026-05-04T10:11:12Z".
[[nodiscard]] std::string timestamp();

} // namespace orrery
