// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/models/model.h"
#include "text/utf8.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::text {
namespace {

/// Takes the longest piece of the vocabulary again and again (Wu et al. 2016; Devlin et al. 2018).
class WordPiece final : public Model {
public:
    WordPiece(const JsonNode& node, const std::string& file)
        : Model(Vocabulary(node.at("vocab")), file), m_unknownToken(node.text("unk_token", "[UNK]")),
          m_prefix(node.text("continuing_subword_prefix", "##")),
          m_longestWord(node.integer("max_input_chars_per_word", 0, INT64_MAX, 100)) {
        m_unknown = vocabulary().find(m_unknownToken);
        for (const auto& [token, id] : vocabulary().ids()) {
            m_longestPiece = std::max(m_longestPiece, token.size());
            if (token.starts_with(m_prefix))
                m_continuing.emplace(std::string_view(token).substr(m_prefix.size()), id);
        }
    }

    [[nodiscard]] std::string kind() const override { return "WordPiece"; }
    [[nodiscard]] std::string description() const override {
        return fmt::format("WordPiece, {} tokens, longest first, \"{}\" inside words", vocabulary().count(),
                           m_prefix);
    }
    [[nodiscard]] std::string unknownToken() const override { return m_unknownToken; }

protected:
    void cut(std::string_view word, std::vector<ModelToken>& tokens) const override {
        const auto size = static_cast<std::uint32_t>(word.size());
        if (static_cast<std::int64_t>(countCharacters(word)) > m_longestWord) {
            tokens.push_back({unknown(word), 0, size, false});
            return;
        }
        std::size_t start = 0;
        while (start < word.size()) {
            std::size_t end = std::min(word.size(), start + m_longestPiece);
            while (end < word.size() && isContinuationByte(word[end]))
                --end;
            std::optional<std::uint32_t> id;
            for (; end > start; end = characterBefore(word, end)) {
                id = find(word.substr(start, end - start), start > 0);
                if (id)
                    break;
            }
            if (!id) {
                tokens.assign(1, {unknown(word), 0, size, false});
                return;
            }
            tokens.push_back(
                {*id, static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(end), false});
            start = end;
        }
    }

private:
    [[nodiscard]] std::optional<std::uint32_t> find(std::string_view piece, bool continuing) const {
        if (!continuing)
            return vocabulary().find(piece);
        const auto found = m_continuing.find(piece);
        return found == m_continuing.end() ? std::nullopt : std::optional(found->second);
    }
    [[nodiscard]] std::uint32_t unknown(std::string_view word) const {
        if (!m_unknown)
            failUnknown(word);
        return *m_unknown;
    }

    std::string m_unknownToken;
    std::string m_prefix;
    std::int64_t m_longestWord; ///< characters
    std::optional<std::uint32_t> m_unknown;
    std::size_t m_longestPiece = 0;                                   ///< bytes
    std::unordered_map<std::string_view, std::uint32_t> m_continuing; ///< without the prefix
};

class WordLevel final : public Model {
public:
    WordLevel(const JsonNode& node, const std::string& file)
        : Model(Vocabulary(node.at("vocab")), file), m_unknownToken(node.text("unk_token", "<unk>")),
          m_unknown(vocabulary().find(m_unknownToken)) {}

    [[nodiscard]] std::string kind() const override { return "WordLevel"; }
    [[nodiscard]] std::string description() const override {
        return fmt::format("whole words, {} of them", vocabulary().count());
    }
    [[nodiscard]] std::string unknownToken() const override { return m_unknownToken; }

protected:
    void cut(std::string_view word, std::vector<ModelToken>& tokens) const override {
        auto id = vocabulary().find(word);
        if (!id)
            id = m_unknown;
        if (!id)
            failUnknown(word);
        tokens.push_back({*id, 0, static_cast<std::uint32_t>(word.size()), false});
    }

private:
    std::string m_unknownToken;
    std::optional<std::uint32_t> m_unknown;
};

} // namespace

std::unique_ptr<const Model> makeWordPiece(const JsonNode& node, const std::string& file) {
    return std::make_unique<WordPiece>(node, file);
}

std::unique_ptr<const Model> makeWordLevel(const JsonNode& node, const std::string& file) {
    return std::make_unique<WordLevel>(node, file);
}

} // namespace orrery::text
