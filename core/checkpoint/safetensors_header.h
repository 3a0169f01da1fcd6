// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "checkpoint/source.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::checkpoint {

/// One entry of a safetensors header, as it stands there; only its form has been checked.
struct SafetensorsEntry {
    std::string name;
    std::string dtype;
    std::vector<std::uint64_t> shape;
    std::vector<std::uint64_t> offsets; ///< two: begin and end, from the end of the header
};

struct SafetensorsHeader {
    std::vector<SafetensorsEntry> entries; ///< in the order of the header
    Metadata metadata;
};

/// Reads the JSON in one pass, refusing doubled names, unknown fields and any nesting beyond the format's.
SafetensorsHeader parseSafetensorsHeader(std::string_view json, const std::string& fileName);

} // namespace orrery::checkpoint
