// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/memory_room.h"

#include <cstddef>
#include <memory>
#include <string>

// Where the memory of tensors comes from. Large blocks that are given back are kept for the next who asks, so
// that a run does not pay for fresh pages; what is kept is bounded, and goes back to the system when memory
// becomes scarce.
namespace orrery {

struct MemoryBlock {
    std::byte* data = nullptr;
    std::size_t bytes = 0; ///< what is really taken: whole pages for large blocks
};

/// Uninitialised, 64-byte aligned. Error naming the numbers when there is no room for it (the process would
/// be killed sooner or later).
[[nodiscard]] MemoryBlock takeMemory(std::size_t bytes);
void giveMemory(const MemoryBlock& block) noexcept;

/// Memory that someone takes from the system himself and that counts as owned (packed weights, work buffers).
/// Error as above.
void accountMemory(std::size_t bytes);
void discountMemory(std::size_t bytes) noexcept;

/// Bytes in owned storage of this process now (views and mapped files not counted), and the most there ever
/// were since resetPeakBytes().
[[nodiscard]] std::size_t ownedBytes() noexcept;
[[nodiscard]] std::size_t peakOwnedBytes() noexcept;
void resetPeakBytes() noexcept;

/// Bytes kept for reuse, beyond those owned, and the most that was owned and kept together.
[[nodiscard]] std::size_t cachedBytes() noexcept;
[[nodiscard]] std::size_t peakHeldBytes() noexcept;
/// At most this much is kept (by default 512 MB, or a sixteenth of the memory where that is less); 0:
/// nothing.
void setCacheLimit(std::size_t bytes);
[[nodiscard]] std::size_t cacheLimit() noexcept;
/// Gives all of it back to the system.
void releaseCachedBytes() noexcept;

/// "3.20 GB"
[[nodiscard]] std::string memoryText(std::size_t bytes);

/// While one lives, what the calling thread allocates reads as zeros and takes memory only where something is
/// written to it; it is not owned memory, but counted here. For runs that only find out what they would need.
class SizingScope {
public:
    SizingScope();
    ~SizingScope();
    SizingScope(const SizingScope&) = delete;
    SizingScope& operator=(const SizingScope&) = delete;
    [[nodiscard]] std::size_t bytes() const noexcept;     ///< allocated and still in use
    [[nodiscard]] std::size_t peakBytes() const noexcept; ///< the most of them
    struct Count;
    /// Of the scope in which the calling thread is; null outside of any.
    [[nodiscard]] static const std::shared_ptr<Count>& current() noexcept;
    static void add(Count& count, std::size_t bytes) noexcept;
    static void remove(Count& count, std::size_t bytes) noexcept;

private:
    std::shared_ptr<Count> m_count;
    std::shared_ptr<Count> m_outer;
};

} // namespace orrery
