// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "text/byte_trie.h"
#include "text/json_node.h"
#include "text/models/model.h"
#include "text/normalizers/normalizer.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace orrery::text {

/// Tokens that are found in a text before anything else is done with it: special tokens, and whole words that
/// were added to a vocabulary after training.
class AddedTokens {
public:
    struct Found {
        std::size_t start = 0;
        std::size_t end = 0;
        std::int64_t id = -1; ///< -1: text between tokens
    };

    AddedTokens() = default;
    /// Reads "added_tokens". Normalized tokens are looked for as the normalizer (may be null) writes them.
    AddedTokens(const JsonNode& node, const Model& model, const Normalizer* normalizer);

    /// Covers the text with tokens and what is between them. normalized: those that are looked for in the
    /// normalized text instead of the original one.
    void find(std::string_view text, bool normalized, std::vector<Found>& found) const;

    [[nodiscard]] std::optional<std::int64_t> idOf(std::string_view token) const;
    /// As it is found in a text; null when there is no such token.
    [[nodiscard]] const std::string* tokenOf(std::int64_t id) const;
    [[nodiscard]] bool isSpecial(std::string_view token) const {
        return m_special.contains(std::string(token));
    }
    [[nodiscard]] std::int64_t highestId() const { return m_byId.empty() ? -1 : m_byId.rbegin()->first; }
    [[nodiscard]] std::size_t count() const { return m_byId.size(); }

private:
    struct Token {
        std::string content;
        std::string shown; ///< normalized, when that is how it is looked for
        bool singleWord = false;
        bool stripLeft = false;
        bool stripRight = false;
        bool normalized = false;
        bool special = false;
    };

    std::map<std::int64_t, Token> m_byId;
    std::map<std::string, std::int64_t, std::less<>> m_ids;
    std::unordered_set<std::string> m_special;
    ByteTrie m_inOriginal;
    ByteTrie m_inNormalized;
};

} // namespace orrery::text
