// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/progress.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace orrery::checkpoint {

/// A file that takes its name only when it is whole: written under a temporary name next to it and renamed
/// by finish(). A crash, a full disk or a cancelled job never leaves half a checkpoint; of two jobs that
/// write the same file the later one wins. Error naming file and reason.
class AtomicFile {
public:
    explicit AtomicFile(std::filesystem::path file);
    ~AtomicFile(); ///< removes the temporary file unless finished
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;

    [[nodiscard]] const std::filesystem::path& file() const { return m_file; }
    /// Looks at the cancel token every few MiB.
    void put(std::uint64_t position, const void* data, std::size_t bytes, const Progress& progress = {});
    void resize(std::uint64_t bytes);
    void finish();

private:
    [[noreturn]] void fail(const char* what) const;

    std::filesystem::path m_file;
    std::string m_temporary;
    int m_handle = -1;
};

} // namespace orrery::checkpoint
