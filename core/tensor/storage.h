// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/memory.h"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

namespace orrery {

/// Bytes that tensors look at: owned (64-byte aligned), mapped from a file, or borrowed with a keeper.
class Storage {
public:
    virtual ~Storage() = default;
    Storage(const Storage&) = delete;
    Storage& operator=(const Storage&) = delete;

    [[nodiscard]] std::byte* data() const noexcept { return m_data; }
    [[nodiscard]] std::size_t bytes() const noexcept { return m_bytes; }
    /// False for mapped files: writing is a defect (the pages are read-only).
    [[nodiscard]] bool writable() const noexcept { return m_writable; }

    /// Uninitialised memory (tensor/memory.h); Error naming the numbers when there is none left. In a
    /// SizingScope: zeros.
    static std::shared_ptr<Storage> allocate(std::size_t bytes);
    /// Maps a whole file read-only; nothing is read until it is looked at. InputError when it cannot be
    /// opened. A file that shrinks while mapped raises a bus error in the operating system: keep checkpoints
    /// in place.
    static std::shared_ptr<Storage> mapFile(const std::filesystem::path& file);
    /// Looks at foreign memory kept alive by keeper.
    static std::shared_ptr<Storage> borrow(std::span<std::byte> bytes, std::shared_ptr<void> keeper);

    /// Lets the system take back the memory in which a part of a mapped file lies; it is read again when it
    /// is looked at again. Nothing happens to other storage.
    virtual void forget(std::size_t offset, std::size_t bytes) const noexcept;

protected:
    Storage(std::byte* data, std::size_t bytes, bool writable)
        : m_data(data), m_bytes(bytes), m_writable(writable) {}

private:
    std::byte* m_data;
    std::size_t m_bytes;
    bool m_writable;
};

} // namespace orrery
