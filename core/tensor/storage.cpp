// SPDX-License-Identifier: GPL-3.0-or-later
#include "tensor/storage.h"

#include "base/error.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <new>
#include <vector>

namespace orrery {
namespace {

std::atomic<std::size_t> currentBytes{0};
std::atomic<std::size_t> mostBytes{0};

void countAllocation(std::size_t bytes) {
    const std::size_t now = currentBytes.fetch_add(bytes) + bytes;
    std::size_t most = mostBytes.load();
    while (now > most && !mostBytes.compare_exchange_weak(most, now)) {
    }
}

class OwnedStorage final : public Storage {
public:
    OwnedStorage(std::byte* data, std::size_t bytes) : Storage(data, bytes, true) { countAllocation(bytes); }
    ~OwnedStorage() override {
        currentBytes.fetch_sub(bytes());
        ::operator delete (data(), std::align_val_t{64});
    }
};

class MappedStorage final : public Storage {
public:
    MappedStorage(std::byte* data, std::size_t bytes) : Storage(data, bytes, false) {}
    ~MappedStorage() override {
        if (bytes() > 0)
            ::munmap(data(), bytes());
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
    const std::size_t rounded = std::max<std::size_t>(64, (bytes + 63) / 64 * 64);
    void* memory = rounded < bytes ? nullptr : ::operator new (rounded, std::align_val_t{64}, std::nothrow);
    if (!memory)
        throw Error(fmt::format(
            "There is not enough memory for another {:.1f} MB; use a smaller input, batch or dtype.",
            static_cast<double>(bytes) / 1e6));
    return std::make_shared<OwnedStorage>(static_cast<std::byte*>(memory), bytes);
}

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

std::size_t ownedBytes() noexcept {
    return currentBytes.load();
}
std::size_t peakOwnedBytes() noexcept {
    return mostBytes.load();
}
void resetPeakBytes() noexcept {
    mostBytes.store(currentBytes.load());
}

} // namespace orrery
