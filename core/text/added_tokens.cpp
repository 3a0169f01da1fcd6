// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/added_tokens.h"

#include "text/unicode.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::text {
namespace {

/// Tokens are looked for at every place of a text, so their length bounds the time that takes.
constexpr std::size_t longestToken = 4096;

bool endsWithWord(std::string_view text) {
    if (text.empty())
        return false;
    std::size_t at = characterBefore(text, text.size());
    return isWordCharacter(nextCharacter(text, at));
}

bool startsWithWord(std::string_view text) {
    std::size_t at = 0;
    return !text.empty() && isWordCharacter(nextCharacter(text, at));
}

std::size_t withoutSpacesAtEnd(std::string_view text) {
    std::size_t end = text.size();
    while (end > 0) {
        const std::size_t start = characterBefore(text, end);
        std::size_t at = start;
        if (!isWhiteSpace(nextCharacter(text, at)))
            break;
        end = start;
    }
    return end;
}

std::size_t spacesAtStart(std::string_view text) {
    std::size_t end = 0;
    while (end < text.size()) {
        std::size_t at = end;
        if (!isWhiteSpace(nextCharacter(text, at)))
            break;
        end = at;
    }
    return end;
}

} // namespace

AddedTokens::AddedTokens(const JsonNode& node, const Model& model, const Normalizer* normalizer) {
    for (const JsonNode& element : node.elements()) {
        Token token;
        token.content = element.at("content").text();
        if (token.content.empty())
            continue;
        if (token.content.size() > longestToken)
            element.at("content").fail(fmt::format("is longer than {} bytes", longestToken));
        token.singleWord = element.boolean("single_word", false);
        token.stripLeft = element.boolean("lstrip", false);
        token.stripRight = element.boolean("rstrip", false);
        token.special = element.boolean("special", false);
        token.normalized = element.boolean("normalized", !token.special);
        token.shown = token.content;
        const std::int64_t written = element.at("id").integer(0, Vocabulary::idLimit - 1);
        const auto known = model.vocabulary().find(token.content);
        const std::int64_t id = known ? std::int64_t{*known} : written;
        if (token.normalized && normalizer != nullptr) {
            AlignedText text(token.content, 0);
            normalizer->apply(text);
            token.shown = text.text();
        }
        (token.normalized ? m_inNormalized : m_inOriginal).add(token.shown, static_cast<std::uint32_t>(id));
        if (token.special)
            m_special.insert(token.content);
        m_ids[token.content] = id;
        m_byId[id] = std::move(token);
    }
}

void AddedTokens::find(std::string_view text, bool normalized, std::vector<Found>& found) const {
    found.clear();
    const ByteTrie& trie = normalized ? m_inNormalized : m_inOriginal;
    std::size_t done = 0;
    for (std::size_t i = 0; !trie.empty() && i < text.size();) {
        if (!trie.begins(text[i])) {
            ++i;
            continue;
        }
        std::size_t length = 0;
        std::uint32_t value = 0;
        trie.prefixes(text.substr(i), [&](std::size_t size, std::uint32_t id) {
            length = size; // the longest comes last
            value = id;
        });
        if (length == 0) {
            ++i;
            continue;
        }
        std::size_t start = i;
        std::size_t end = i + length;
        i = end;
        const auto entry = m_byId.find(value);
        if (entry == m_byId.end()) // replaced by a later token of the same id
            continue;
        const Token& token = entry->second;
        if (token.singleWord && (endsWithWord(text.substr(0, start)) || startsWithWord(text.substr(end))))
            continue;
        if (token.stripLeft)
            start = std::max(withoutSpacesAtEnd(text.substr(0, start)), done);
        if (token.stripRight)
            end += spacesAtStart(text.substr(end));
        if (done < start)
            found.push_back({done, start, -1});
        found.push_back({start, end, entry->first});
        done = end;
    }
    if (done < text.size() || text.empty())
        found.push_back({done, text.size(), -1});
}

std::optional<std::int64_t> AddedTokens::idOf(std::string_view token) const {
    const auto entry = m_ids.find(token);
    return entry == m_ids.end() ? std::nullopt : std::optional(entry->second);
}

const std::string* AddedTokens::tokenOf(std::int64_t id) const {
    const auto entry = m_byId.find(id);
    return entry == m_byId.end() ? nullptr : &entry->second.shown;
}

} // namespace orrery::text
