// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace orrery::text {

/// An open-addressed hash map from 64-bit keys to 64-bit values: one probe and one cache line for a typical
/// lookup, which is what merging pairs of symbols does most. The key of all ones is reserved.
class FlatMap {
public:
    explicit FlatMap(std::size_t expected = 0) { rehash(expected * 2 + 16); }

    /// Inserts or replaces.
    void set(std::uint64_t key, std::uint64_t value) {
        if ((m_size + 1) * 2 > m_slots.size())
            rehash(m_slots.size() * 2);
        Slot& slot = m_slots[find(key)];
        if (slot.key == unused) {
            slot.key = key;
            ++m_size;
        }
        slot.value = value;
    }

    /// The value of a key, or null.
    [[nodiscard]] const std::uint64_t* get(std::uint64_t key) const {
        const Slot& slot = m_slots[find(key)];
        return slot.key == unused ? nullptr : &slot.value;
    }

    [[nodiscard]] std::size_t size() const { return m_size; }

private:
    static constexpr std::uint64_t unused = std::numeric_limits<std::uint64_t>::max();
    struct Slot {
        std::uint64_t key = unused;
        std::uint64_t value = 0;
    };

    [[nodiscard]] std::size_t find(std::uint64_t key) const {
        std::uint64_t hash = key * 0x9E3779B97F4A7C15ULL;
        hash ^= hash >> 32U;
        const std::size_t mask = m_slots.size() - 1;
        std::size_t index = static_cast<std::size_t>(hash) & mask;
        while (m_slots[index].key != key && m_slots[index].key != unused)
            index = (index + 1) & mask;
        return index;
    }

    void rehash(std::size_t wanted) {
        std::size_t size = 16;
        while (size < wanted)
            size *= 2;
        std::vector<Slot> old(size);
        old.swap(m_slots);
        for (const Slot& slot : old)
            if (slot.key != unused)
                m_slots[find(slot.key)] = slot;
    }

    std::vector<Slot> m_slots;
    std::size_t m_size = 0;
};

} // namespace orrery::text
