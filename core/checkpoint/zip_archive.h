// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/storage.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace orrery::checkpoint {

/// A zip archive (with zip64) in memory: the directory is read from its end, so that opening touches neither
/// the entries nor their local headers. Format: PKWARE APPNOTE 6.3.
class ZipArchive {
public:
    struct Entry {
        std::uint64_t localHeader = 0; ///< byte offset in the archive
        std::uint64_t storedBytes = 0; ///< as it lies in the archive
        std::uint64_t bytes = 0;       ///< unpacked
        bool deflated = false;
    };

    /// Bytes of an unpacked entry: where they lie, and what keeps them alive.
    struct Content {
        std::shared_ptr<Storage> storage;
        std::uint64_t offset = 0;
        std::uint64_t bytes = 0;
    };

    /// InputError naming the file for anything that is not a sound archive.
    ZipArchive(std::shared_ptr<Storage> bytes, std::string fileName);

    [[nodiscard]] const std::map<std::string, Entry, std::less<>>& entries() const { return m_entries; }
    /// Null when there is none.
    [[nodiscard]] const Entry* find(std::string_view name) const;
    /// A stored entry is a piece of the archive itself, a deflated one is unpacked into memory of its own.
    [[nodiscard]] Content read(std::string_view name, const Entry& entry) const;

private:
    [[noreturn]] void refuse(const std::string& what) const;
    void readDirectory(std::uint64_t offset, std::uint64_t bytes, std::uint64_t count);

    std::shared_ptr<Storage> m_bytes;
    std::string m_fileName;
    std::map<std::string, Entry, std::less<>> m_entries;
    std::uint64_t m_directory = 0; ///< entries lie before it
};

} // namespace orrery::checkpoint
