// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::text {

/// A token that a model found in a word.
struct ModelToken {
    std::uint32_t id = 0;
    std::uint32_t start = 0; ///< bytes in the word
    std::uint32_t end = 0;
    bool literal = false; ///< shown as the piece of the word, not as the vocabulary writes the id
};

/// Remembers what became of words, because text repeats its words: most of English comes from here. Bounded:
/// a full cache starts again. For one thread at a time.
class WordCache {
public:
    static constexpr std::size_t longestWord = 96;

    /// Null when the word is not there. Valid until the next put.
    [[nodiscard]] bool get(std::string_view word, std::span<const ModelToken>& tokens) const;
    /// Does nothing with words longer than longestWord.
    void put(std::string_view word, std::span<const ModelToken> tokens);

private:
    static constexpr std::size_t slotCount = std::size_t{1} << 15U;
    static constexpr std::size_t mostWords = slotCount / 2;

    struct Slot {
        std::uint64_t hash = 0; ///< 0: free
        std::uint32_t key = 0;
        std::uint32_t keyLength = 0;
        std::uint32_t tokens = 0;
        std::uint32_t tokenCount = 0;
    };
    [[nodiscard]] std::size_t find(std::string_view word, std::uint64_t hash) const;

    std::vector<Slot> m_slots;
    std::string m_keys;
    std::vector<ModelToken> m_tokens;
    std::size_t m_count = 0;
};

} // namespace orrery::text
