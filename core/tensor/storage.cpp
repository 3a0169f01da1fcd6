// SPDX-License-Identifier: GPL-3.0-or-later
#include "tensor/storage.h"

#include "base/error.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace orrery {
namespace {

class OwnedStorage final : public Storage {
public:
    explicit OwnedStorage(std::size_t bytes) : OwnedStorage(takeMemory(bytes), bytes) {}
    ~OwnedStorage() override { giveMemory(m_block); }

private:
    OwnedStorage(const MemoryBlock& block, std::size_t bytes)
        : Storage(block.data, bytes, true), m_block(block) {}
    MemoryBlock m_block;
};

/// Pages that nobody has written to are one page of zeros, shared by all.
class SizedStorage final : public Storage {
public:
    SizedStorage(std::size_t bytes, std::shared_ptr<SizingScope::Count> count)
        : Storage(zeros(bytes), bytes, true), m_count(std::move(count)) {
        SizingScope::add(*m_count, bytes);
    }
    ~SizedStorage() override {
        SizingScope::remove(*m_count, bytes());
        ::munmap(data(), std::max<std::size_t>(bytes(), 1));
    }

private:
    static std::byte* zeros(std::size_t bytes) {
        void* memory = ::mmap(nullptr, std::max<std::size_t>(bytes, 1), PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED)
            throw Error(
                fmt::format("There is not enough address space for another {}; use a shorter input or a "
                            "smaller batch.",
                            memoryText(bytes)));
        return static_cast<std::byte*>(memory);
    }
    std::shared_ptr<SizingScope::Count> m_count;
};

class MappedStorage final : public Storage {
public:
    MappedStorage(std::byte* data, std::size_t bytes) : Storage(data, bytes, false) {}
    ~MappedStorage() override {
        if (bytes() > 0)
            ::munmap(data(), bytes());
    }
    void forget(std::size_t offset, std::size_t count) const noexcept override {
        constexpr std::size_t page = 4096; // of larger pages the call refuses a part, and nothing happens
        const std::size_t begin = (offset + page - 1) / page * page;
        const std::size_t end = std::min(offset + count, bytes()) / page * page;
        if (count <= bytes() && offset <= bytes() && end > begin)
            ::madvise(data() + begin, end - begin, MADV_DONTNEED);
    }
};

class BorrowedStorage final : public Storage {
public:
    BorrowedStorage(std::span<std::byte> bytes, std::shared_ptr<void> keeper)
        : Storage(bytes.data(), bytes.size(), true), m_keeper(std::move(keeper)) {}

private:
    std::shared_ptr<void> m_keeper;
};

} // namespace

std::shared_ptr<Storage> Storage::allocate(std::size_t bytes) {
    if (const auto& count = SizingScope::current())
        return std::make_shared<SizedStorage>(bytes, count);
    return std::make_shared<OwnedStorage>(bytes);
}

void Storage::forget(std::size_t /*offset*/, std::size_t /*bytes*/) const noexcept {}

std::shared_ptr<Storage> Storage::mapFile(const std::filesystem::path& file) {
    const int handle = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (handle < 0 || ::fstat(handle, &status) != 0 || !S_ISREG(status.st_mode)) {
        const std::string reason = handle < 0 ? std::strerror(errno) : "it is not a regular file";
        if (handle >= 0)
            ::close(handle);
        throw InputError(fmt::format("The file {} cannot be opened ({}).", file.string(), reason));
    }
    const auto bytes = static_cast<std::size_t>(status.st_size);
    void* memory = bytes == 0 ? nullptr : ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, handle, 0);
    const int reason = errno;
    ::close(handle);
    if (memory == MAP_FAILED)
        throw InputError(
            fmt::format("The file {} cannot be mapped ({}).", file.string(), std::strerror(reason)));
    return std::make_shared<MappedStorage>(static_cast<std::byte*>(memory), bytes);
}

std::shared_ptr<Storage> Storage::borrow(std::span<std::byte> bytes, std::shared_ptr<void> keeper) {
    return std::make_shared<BorrowedStorage>(bytes, std::move(keeper));
}

} // namespace orrery
