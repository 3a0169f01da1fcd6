// SPDX-License-Identifier: GPL-3.0-or-later
#include "tensor/memory.h"

#include "base/error.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <limits>
#include <list>
#include <map>
#include <mutex>
#include <new>
#include <utility>

namespace orrery {
namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t page = 4096;
#if defined(__has_feature)
#define ORRERY_HAS_FEATURE(feature) __has_feature(feature)
#else
#define ORRERY_HAS_FEATURE(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || ORRERY_HAS_FEATURE(address_sanitizer)
/// The sanitizer watches the ends of what it has given out itself: nothing is kept.
constexpr std::size_t smallestKept = std::numeric_limits<std::size_t>::max();
#else
/// Smaller blocks are malloc's business, which keeps them itself.
constexpr std::size_t smallestKept = std::size_t{64} << 10U;
#endif
/// Before blocks of this size are taken from the system, it is asked whether it has them.
constexpr std::size_t large = std::size_t{16} << 20U;
/// Room that is left to others.
constexpr std::size_t reserve = std::size_t{32} << 20U;

void raise(std::atomic<std::size_t>& most, std::size_t now) noexcept {
    std::size_t before = most.load(std::memory_order_relaxed);
    while (now > before && !most.compare_exchange_weak(before, now, std::memory_order_relaxed)) {
    }
}

[[noreturn]] void throwNoRoom(std::size_t bytes, const MemoryRoom& room) {
    throw Error(fmt::format("There is not enough memory for another {}: {} leaves {}. Use a shorter input, a "
                            "smaller batch, fewer traced sites or bf16.",
                            memoryText(bytes), room.limit.empty() ? "the system" : room.limit,
                            room.bytes == MemoryRoom::unknown ? "less" : memoryText(room.bytes)));
}

/// The blocks that wait for the next who asks, least recently used last. Part of the engine's state.
class BlockCache {
public:
    MemoryBlock take(std::size_t bytes) {
        const std::lock_guard lock(m_mutex);
        // The smallest that is large enough and does not waste more than an eighth.
        if (const auto found = m_bySize.lower_bound(bytes);
            found != m_bySize.end() && found->first <= bytes + bytes / 8) {
            const auto latest = std::prev(m_bySize.upper_bound(found->first));
            const MemoryBlock block = *latest->second;
            m_order.erase(latest->second);
            m_bySize.erase(latest);
            m_kept.fetch_sub(block.bytes, std::memory_order_relaxed);
            add(block.bytes);
            return block;
        }
        makeWay(bytes);
        void* memory = fresh(bytes);
        if (memory == MAP_FAILED) {
            clear();
            memory = fresh(bytes);
        }
        if (memory == MAP_FAILED)
            throwNoRoom(bytes, memoryRoom());
        add(bytes);
        return {static_cast<std::byte*>(memory), bytes};
    }

    void give(const MemoryBlock& block) noexcept {
        const std::lock_guard lock(m_mutex);
        m_owned.fetch_sub(block.bytes, std::memory_order_relaxed);
        if (block.bytes > m_limit || scarce()) {
            ::munmap(block.data, block.bytes);
            return;
        }
        try {
            m_order.push_front(block);
            m_bySize.emplace(block.bytes, m_order.begin());
        } catch (const std::bad_alloc&) { // of the list's node
            if (!m_order.empty() && m_order.front().data == block.data)
                m_order.pop_front();
            ::munmap(block.data, block.bytes);
            return;
        }
        m_kept.fetch_add(block.bytes, std::memory_order_relaxed);
        trim(m_limit);
    }

    void account(std::size_t bytes) {
        if (bytes >= large) {
            const std::lock_guard lock(m_mutex);
            makeWay(bytes);
        }
        add(bytes);
    }
    void discount(std::size_t bytes) noexcept { m_owned.fetch_sub(bytes, std::memory_order_relaxed); }

    void setLimit(std::size_t bytes) noexcept {
        const std::lock_guard lock(m_mutex);
        m_limit = bytes;
        trim(bytes);
    }
    std::size_t limit() noexcept {
        const std::lock_guard lock(m_mutex);
        return m_limit;
    }
    void release() noexcept {
        const std::lock_guard lock(m_mutex);
        clear();
    }

    std::size_t owned() const noexcept { return m_owned.load(std::memory_order_relaxed); }
    std::size_t kept() const noexcept { return m_kept.load(std::memory_order_relaxed); }
    std::size_t mostOwned() const noexcept { return m_mostOwned.load(std::memory_order_relaxed); }
    std::size_t mostHeld() const noexcept { return m_mostHeld.load(std::memory_order_relaxed); }
    void resetMost() noexcept {
        m_mostOwned.store(owned(), std::memory_order_relaxed);
        m_mostHeld.store(owned() + kept(), std::memory_order_relaxed);
    }

private:
    static void* fresh(std::size_t bytes) {
        return ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }

    void add(std::size_t bytes) noexcept {
        const std::size_t now = m_owned.fetch_add(bytes, std::memory_order_relaxed) + bytes;
        raise(m_mostOwned, now);
        raise(m_mostEver, now);
        raise(m_mostHeld, now + kept());
    }

    /// Before fresh memory is taken: what is kept shall not make the process hold much more than it ever
    /// needed at once, and there must be room.
    void makeWay(std::size_t bytes) {
        const std::size_t needed = owned() + bytes;
        const std::size_t most = std::max(needed, m_mostEver.load(std::memory_order_relaxed));
        const std::size_t allowed = most + std::max<std::size_t>(most / 16, std::size_t{32} << 20U);
        trim(allowed - needed);
        if (bytes < large)
            return;
        MemoryRoom room = memoryRoom();
        const auto fits = [&] { return room.bytes >= reserve && room.bytes - reserve >= bytes; };
        if (fits())
            return;
        clear();
        room = memoryRoom();
        if (!fits())
            throwNoRoom(bytes, room);
    }

    /// Whether the system has little left, asked now and then; nothing is kept any more then.
    bool scarce() noexcept {
        const auto now = std::chrono::steady_clock::now();
        if (now - m_asked < std::chrono::milliseconds(100))
            return m_scarce;
        m_asked = now;
        try {
            const MemoryRoom room = memoryRoom();
            m_scarce =
                room.bytes != MemoryRoom::unknown &&
                room.bytes < std::max<std::size_t>(2 * reserve, std::min(room.total / 16, 2 * m_limit));
        } catch (const std::exception&) {
            m_scarce = true; // not even the files of /proc could be read
        }
        if (m_scarce)
            clear();
        return m_scarce;
    }

    void trim(std::size_t bytes) noexcept {
        while (kept() > bytes && !m_order.empty()) {
            const auto last = std::prev(m_order.end());
            const auto [first, end] = m_bySize.equal_range(last->bytes);
            m_bySize.erase(std::find_if(first, end, [&](const auto& entry) { return entry.second == last; }));
            m_kept.fetch_sub(last->bytes, std::memory_order_relaxed);
            ::munmap(last->data, last->bytes);
            m_order.erase(last);
        }
    }
    void clear() noexcept { trim(0); }

    static std::size_t defaultLimit() {
        const MemoryRoom room = memoryRoom();
        return std::min<std::size_t>(std::size_t{512} << 20U,
                                     room.total == MemoryRoom::unknown ? room.total : room.total / 16);
    }

    std::mutex m_mutex;
    std::list<MemoryBlock> m_order;
    std::multimap<std::size_t, std::list<MemoryBlock>::iterator> m_bySize;
    std::size_t m_limit = defaultLimit();
    std::chrono::steady_clock::time_point m_asked{};
    bool m_scarce = false;
    std::atomic<std::size_t> m_owned{0};
    std::atomic<std::size_t> m_kept{0};
    std::atomic<std::size_t> m_mostOwned{0};
    std::atomic<std::size_t> m_mostHeld{0};
    std::atomic<std::size_t> m_mostEver{0}; ///< owned; never reset
};

/// Never destroyed: statics and the buffers of other threads give memory back until the very end.
BlockCache& cache() {
    static auto* instance = new BlockCache;
    return *instance;
}

} // namespace

MemoryBlock takeMemory(std::size_t bytes) {
    const std::size_t unit = bytes >= smallestKept ? page : alignment;
    const std::size_t rounded = std::max(alignment, (bytes + unit - 1) / unit * unit);
    if (rounded < bytes || bytes > PTRDIFF_MAX / 2)
        throw Error(fmt::format("No machine has memory for {} more bytes; the sizes are wrong.", bytes));
    if (bytes >= smallestKept)
        return cache().take(rounded);
    cache().account(bytes);
    auto* memory =
        static_cast<std::byte*>(::operator new (rounded, std::align_val_t{alignment}, std::nothrow));
    if (memory != nullptr)
        return {memory, bytes};
    cache().discount(bytes);
    throwNoRoom(bytes, memoryRoom());
}

void giveMemory(const MemoryBlock& block) noexcept {
    if (block.data == nullptr)
        return;
    if (block.bytes >= smallestKept) {
        cache().give(block);
        return;
    }
    cache().discount(block.bytes);
    ::operator delete (block.data, std::align_val_t{alignment});
}

void accountMemory(std::size_t bytes) {
    cache().account(bytes);
}
void discountMemory(std::size_t bytes) noexcept {
    cache().discount(bytes);
}
std::size_t ownedBytes() noexcept {
    return cache().owned();
}
std::size_t peakOwnedBytes() noexcept {
    return cache().mostOwned();
}
void resetPeakBytes() noexcept {
    cache().resetMost();
}
std::size_t cachedBytes() noexcept {
    return cache().kept();
}
std::size_t peakHeldBytes() noexcept {
    return cache().mostHeld();
}
void setCacheLimit(std::size_t bytes) {
    cache().setLimit(bytes);
}
std::size_t cacheLimit() noexcept {
    return cache().limit();
}
void releaseCachedBytes() noexcept {
    cache().release();
}

std::string memoryText(std::size_t bytes) {
    const auto number = static_cast<double>(bytes);
    if (number >= 1e9)
        return fmt::format("{:.2f} GB", number / 1e9);
    return number >= 1e6 ? fmt::format("{:.1f} MB", number / 1e6) : fmt::format("{:.1f} kB", number / 1e3);
}

struct SizingScope::Count {
    std::atomic<std::size_t> bytes{0};
    std::atomic<std::size_t> most{0};
};

namespace {
thread_local std::shared_ptr<SizingScope::Count> sizing;
} // namespace

SizingScope::SizingScope() : m_count(std::make_shared<Count>()), m_outer(std::exchange(sizing, m_count)) {}
SizingScope::~SizingScope() {
    sizing = m_outer;
}
std::size_t SizingScope::bytes() const noexcept {
    return m_count->bytes.load(std::memory_order_relaxed);
}
std::size_t SizingScope::peakBytes() const noexcept {
    return m_count->most.load(std::memory_order_relaxed);
}
const std::shared_ptr<SizingScope::Count>& SizingScope::current() noexcept {
    return sizing;
}
void SizingScope::add(Count& count, std::size_t bytes) noexcept {
    raise(count.most, count.bytes.fetch_add(bytes, std::memory_order_relaxed) + bytes);
}
void SizingScope::remove(Count& count, std::size_t bytes) noexcept {
    count.bytes.fetch_sub(bytes, std::memory_order_relaxed);
}

} // namespace orrery
