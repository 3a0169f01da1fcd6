// SPDX-License-Identifier: GPL-3.0-or-later
#include "tensor/memory_room.h"

#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>

namespace orrery {
namespace {

namespace fs = std::filesystem;

/// A number in a file of its own; nothing for "max" or where there is no such file.
std::optional<std::size_t> numberIn(const fs::path& file) {
    std::ifstream stream(file);
    std::size_t number = 0;
    return stream >> number ? std::optional(number) : std::nullopt;
}

/// The number after a key at the start of a line.
std::optional<std::size_t> numberAfter(const fs::path& file, std::string_view key) {
    std::ifstream stream(file);
    for (std::string line; std::getline(stream, line);)
        if (line.size() > key.size() && line.starts_with(key)) {
            const std::size_t digit = line.find_first_of("0123456789", key.size());
            if (digit == std::string::npos || digit + 20 < line.size())
                return std::nullopt;
            return std::stoull(line.substr(digit));
        }
    return std::nullopt;
}

std::size_t less(std::size_t limit, std::size_t used) {
    return limit > used ? limit - used : 0;
}

void consider(MemoryRoom& room, std::size_t bytes, std::string_view limit) {
    if (bytes < room.bytes) {
        room.bytes = bytes;
        room.limit = limit;
    }
}

/// Limits of a group and of those it is in.
void considerGroups(MemoryRoom& room, const fs::path& root, const std::string& path, const char* limitName,
                    const char* usedName, const char* cacheKey) {
    // The files may be mounted so that the group of this process is the root: then only that is there.
    fs::path group = (root / fs::path(path).relative_path()).lexically_normal();
    for (int depth = 0; depth < 64; ++depth) {
        const auto limit = numberIn(group / limitName);
        const auto used = numberIn(group / usedName);
        // Version 1 writes "no limit" as a number that no machine has.
        if (limit && used && *limit < (std::size_t{1} << 60U)) {
            // The page cache of the group, mapped weights among it, is given back before anyone is killed.
            const std::size_t cache = numberAfter(group / "memory.stat", cacheKey).value_or(0);
            consider(room, less(*limit, less(*used, cache)), "the memory limit of the control group");
            room.total = std::min(room.total, *limit);
        }
        if (group == root || !group.has_relative_path() || group == group.parent_path())
            break;
        group = group.parent_path();
    }
}

void considerProcess(MemoryRoom& room, const fs::path& proc) {
    const auto check = [&](auto resource, std::string_view key, std::string_view limit) {
        struct rlimit values {};
        if (::getrlimit(resource, &values) != 0 || values.rlim_cur == RLIM_INFINITY)
            return;
        const auto used = numberAfter(proc / "self" / "status", key);
        consider(room, less(values.rlim_cur, used.value_or(0) * 1024), limit);
    };
    check(RLIMIT_AS, "VmSize:", "the limit of the address space (ulimit -v)");
    check(RLIMIT_DATA, "VmData:", "the limit of the data segment (ulimit -d)");
}

} // namespace

MemoryRoom memoryRoom(const fs::path& proc, const fs::path& groups) {
    MemoryRoom room;
    if (const auto total = numberAfter(proc / "meminfo", "MemTotal:"))
        room.total = *total * 1024;
    if (const auto available = numberAfter(proc / "meminfo", "MemAvailable:"))
        consider(room, *available * 1024, "the machine's free memory");
    std::ifstream stream(proc / "self" / "cgroup");
    for (std::string line; std::getline(stream, line);) { // "4:memory:/a/b" or, of version 2, "0::/a/b"
        const std::size_t first = line.find(':');
        const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
        if (second == std::string::npos)
            continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const std::string path = line.substr(second + 1);
        if (controllers.empty())
            considerGroups(room, groups, path, "memory.max", "memory.current", "file ");
        else if (controllers == "memory")
            considerGroups(room, groups / "memory", path, "memory.limit_in_bytes", "memory.usage_in_bytes",
                           "total_cache ");
    }
    return room;
}

MemoryRoom memoryRoom() {
    MemoryRoom room = memoryRoom("/proc", "/sys/fs/cgroup");
    considerProcess(room, "/proc");
    return room;
}

} // namespace orrery
