// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace orrery::store {

/// Tells SQLite files of Orrery from others: "Orry".
constexpr std::int64_t applicationId = 0x4f727279;

/// SQL that takes a file from user_version i to i + 1. Entries are never changed once released, only added.
[[nodiscard]] const std::vector<std::string_view>& migrations();

} // namespace orrery::store
