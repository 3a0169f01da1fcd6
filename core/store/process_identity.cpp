// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/process_identity.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace orrery::store {
namespace {

std::string firstLine(const std::string& file) {
    std::ifstream stream(file);
    std::string line;
    std::getline(stream, line);
    return line;
}

/// Field 22 of /proc/PID/stat: clock ticks since boot; "" when there is no such process or it is a zombie.
std::string startTime(long pid) {
    const std::string line = firstLine(fmt::format("/proc/{}/stat", pid));
    const auto name = line.rfind(')'); // the name may hold anything, also spaces and parentheses
    if (name == std::string::npos)
        return {};
    std::istringstream rest(line.substr(name + 1));
    std::vector<std::string> fields;
    for (std::string field; rest >> field;)
        fields.push_back(field);
    if (fields.size() < 20 || fields[0] == "Z" || fields[0] == "X")
        return {};
    return fields[19];
}

std::string hostName() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string();
}

std::string bootId() {
    return firstLine("/proc/sys/kernel/random/boot_id");
}

std::string namespaceId() {
    std::error_code failure;
    return std::filesystem::read_symlink("/proc/self/ns/pid", failure).string();
}

} // namespace

std::string processIdentity() {
    return fmt::format("{}|{}|{}|{}|{}", ::getpid(), startTime(::getpid()), bootId(), namespaceId(),
                       hostName());
}

Liveness livenessOf(std::string_view identity) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto end = identity.find('|');
        parts.push_back(identity.substr(0, end));
        if (end == std::string_view::npos || parts.size() == 4)
            break;
        identity.remove_prefix(end + 1);
    }
    if (parts.size() == 4 && identity.find('|') != std::string_view::npos)
        parts.push_back(identity.substr(identity.find('|') + 1));
    long pid = 0;
    if (parts.size() != 5 ||
        std::from_chars(parts[0].data(), parts[0].data() + parts[0].size(), pid).ec != std::errc())
        return Liveness::Unknown;
    if (parts[2] != bootId())
        return parts[4] == hostName() ? Liveness::Gone : Liveness::Unknown;
    if (parts[3] != namespaceId())
        return Liveness::Unknown;
    return !parts[1].empty() && startTime(pid) == parts[1] ? Liveness::Alive : Liveness::Gone;
}

} // namespace orrery::store
