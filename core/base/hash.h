// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace orrery {

/// SHA-256 over data given in pieces; hex() ends it.
class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(const Sha256&) = delete;
    Sha256& operator=(const Sha256&) = delete;
    void add(std::span<const std::byte> bytes);
    void add(std::string_view text);
    /// 64 lower-case hexadecimal digits. Call once.
    std::string hex();

private:
    struct State;
    std::unique_ptr<State> m_state;
};

std::string sha256(std::string_view text);

/// Identity of a file without reading all of it: SHA-256 over its size and up to 64 evenly spaced 64 KiB
/// pieces. Enough to tell checkpoints apart in a record; not a proof against a forger.
std::string fingerprintFile(const std::filesystem::path& file);

} // namespace orrery
