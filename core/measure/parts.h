// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/part.h"

#include <functional>
#include <memory>
#include <string_view>

namespace orrery::measure {

/// Finds a registered part by kind ("token_mixer", "attention_kernel", "compressor") and id; throws
/// UsageError when there is none. The registry lives above this room, so those who start a benchmark hand it
/// down:
///     [](auto kind, auto id) { return plugin::registry().requirePart(kind, id).part; }
using PartFinder = std::function<std::shared_ptr<const Part>(std::string_view kind, std::string_view id)>;

} // namespace orrery::measure
