// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/atomic_file.h"

#include "base/error.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

namespace orrery::checkpoint {
namespace {

constexpr std::size_t pieceBytes = std::size_t{8} << 20U; ///< between two looks at the cancel token

} // namespace

AtomicFile::AtomicFile(std::filesystem::path file) : m_file(std::move(file)) {
    static std::atomic<unsigned> serial{0};
    m_temporary = fmt::format("{}.part-{}-{}", m_file.string(), ::getpid(), serial++);
    m_handle = ::open(m_temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (m_handle < 0)
        fail("created");
}

AtomicFile::~AtomicFile() {
    if (m_handle >= 0) {
        ::close(m_handle);
        ::unlink(m_temporary.c_str());
    }
}

void AtomicFile::fail(const char* what) const {
    throw Error(fmt::format("{} could not be {} ({}); check the folder's permissions and free space.",
                            m_file.string(), what, std::strerror(errno)));
}

void AtomicFile::put(std::uint64_t position, const void* data, std::size_t bytes, const Progress& progress) {
    const auto* at = static_cast<const char*>(data);
    while (bytes > 0) {
        progress.check();
        const ssize_t count =
            ::pwrite(m_handle, at, std::min(bytes, pieceBytes), static_cast<off_t>(position));
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            fail("written");
        at += count;
        position += static_cast<std::uint64_t>(count);
        bytes -= static_cast<std::size_t>(count);
    }
}

void AtomicFile::resize(std::uint64_t bytes) {
    if (::ftruncate(m_handle, static_cast<off_t>(bytes)) != 0)
        fail("written");
}

void AtomicFile::finish() {
    if (::fsync(m_handle) != 0)
        fail("written");
    if (::rename(m_temporary.c_str(), m_file.c_str()) != 0)
        fail("put in place");
    ::close(m_handle);
    m_handle = -1;
}

} // namespace orrery::checkpoint
