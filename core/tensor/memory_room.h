// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <filesystem>
#include <limits>
#include <string_view>

namespace orrery {

/// How much more memory this process can take before something refuses or kills it.
struct MemoryRoom {
    static constexpr std::size_t unknown = std::numeric_limits<std::size_t>::max();
    std::size_t bytes = unknown; ///< the least of what the limits leave; unknown when none can be read
    std::size_t total = unknown; ///< of the machine, or of the control group where that is less
    /// Which limit is the least: "the machine's free memory", "the memory limit of the control group", "the
    /// limit of the address space (ulimit -v)", "the limit of the data segment (ulimit -d)"; "" when unknown.
    std::string_view limit;
};

/// Reads it now (some tens of microseconds): MemAvailable, the control groups of this process (version 1 and
/// 2, with what they could give back of the page cache), RLIMIT_AS and RLIMIT_DATA.
[[nodiscard]] MemoryRoom memoryRoom();
/// The same from other places than /proc and /sys/fs/cgroup, for its tests; without the limits of the
/// process.
[[nodiscard]] MemoryRoom memoryRoom(const std::filesystem::path& proc, const std::filesystem::path& groups);

} // namespace orrery
