// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/models/word_cache.h"

#include <cstring>

namespace orrery::text {
namespace {

/// Multiplies and folds eight bytes at a time; words are short, so setting up would cost more than hashing.
std::uint64_t hashOf(std::string_view word) {
    constexpr std::uint64_t factor = 0x9E3779B97F4A7C15ULL;
    std::uint64_t hash = factor ^ word.size();
    std::size_t i = 0;
    for (; i + 8 <= word.size(); i += 8) {
        std::uint64_t part = 0;
        std::memcpy(&part, word.data() + i, 8);
        hash = (hash ^ part) * factor;
        hash ^= hash >> 29U;
    }
    std::uint64_t rest = 0;
    if (i < word.size())
        std::memcpy(&rest, word.data() + i, word.size() - i);
    hash = (hash ^ rest) * factor;
    hash ^= hash >> 32U;
    return hash | 1U;
}

} // namespace

std::size_t WordCache::find(std::string_view word, std::uint64_t hash) const {
    std::size_t index = static_cast<std::size_t>(hash >> 20U) & (slotCount - 1);
    while (m_slots[index].hash != 0) {
        const Slot& slot = m_slots[index];
        if (slot.hash == hash && std::string_view(m_keys).substr(slot.key, slot.keyLength) == word)
            break;
        index = (index + 1) & (slotCount - 1);
    }
    return index;
}

bool WordCache::get(std::string_view word, std::span<const ModelToken>& tokens) const {
    if (m_slots.empty() || word.size() > longestWord)
        return false;
    const Slot& slot = m_slots[find(word, hashOf(word))];
    if (slot.hash == 0)
        return false;
    tokens = std::span(m_tokens).subspan(slot.tokens, slot.tokenCount);
    return true;
}

void WordCache::put(std::string_view word, std::span<const ModelToken> tokens) {
    if (word.size() > longestWord)
        return;
    if (m_slots.empty())
        m_slots.resize(slotCount);
    if (m_count >= mostWords) {
        m_slots.assign(slotCount, Slot{});
        m_keys.clear();
        m_tokens.clear();
        m_count = 0;
    }
    const std::uint64_t hash = hashOf(word);
    Slot& slot = m_slots[find(word, hash)];
    if (slot.hash != 0)
        return;
    slot = {hash, static_cast<std::uint32_t>(m_keys.size()), static_cast<std::uint32_t>(word.size()),
            static_cast<std::uint32_t>(m_tokens.size()), static_cast<std::uint32_t>(tokens.size())};
    m_keys.append(word);
    m_tokens.insert(m_tokens.end(), tokens.begin(), tokens.end());
    ++m_count;
}

} // namespace orrery::text
