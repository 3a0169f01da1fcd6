// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/decoders/decoder.h"
#include "text/regex.h"

#include <array>
#include <utility>

namespace orrery::text {
namespace {

/// Undoes the spaces that tokenizing puts around English punctuation and contractions.
std::string cleanedUp(std::string text) {
    static const std::array<std::pair<Pattern, std::string>, 11> rules = {{
        {Pattern(" ."), "."},
        {Pattern(" ?"), "?"},
        {Pattern(" !"), "!"},
        {Pattern(" ,"), ","},
        {Pattern(" ' "), "'"},
        {Pattern(" n't"), "n't"},
        {Pattern(" 'm"), "'m"},
        {Pattern(" do not"), " don't"},
        {Pattern(" 's"), "'s"},
        {Pattern(" 've"), "'ve"},
        {Pattern(" 're"), "'re"},
    }};
    for (const auto& [pattern, replacement] : rules)
        text = pattern.replaceAll(text, replacement);
    return text;
}

class WordPiece final : public Decoder {
public:
    explicit WordPiece(const JsonNode& node)
        : m_prefix(node.text("prefix", "##")), m_cleanUp(node.boolean("cleanup", true)) {}
    void apply(std::vector<std::string>& tokens) const override {
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            std::string& token = tokens[i];
            if (i > 0 && token.starts_with(m_prefix))
                token.erase(0, m_prefix.size());
            else if (i > 0)
                token.insert(token.begin(), ' ');
            if (m_cleanUp)
                token = cleanedUp(std::move(token));
        }
    }

private:
    std::string m_prefix;
    bool m_cleanUp;
};

/// Connectionist temporal classification (Graves et al. 2006): repeated tokens are one.
class Ctc final : public Decoder {
public:
    explicit Ctc(const JsonNode& node)
        : m_pad(node.text("pad_token", "<pad>")), m_delimiter(node.text("word_delimiter_token", "|")),
          m_cleanUp(node.boolean("cleanup", true)) {
        if (m_pad.empty() || m_delimiter.empty())
            node.fail("has an empty pad_token or word_delimiter_token");
    }
    void apply(std::vector<std::string>& tokens) const override {
        const Pattern pad(m_pad);
        const Pattern delimiter(m_delimiter);
        std::vector<std::string> result;
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            if (i > 0 && tokens[i] == tokens[i - 1])
                continue;
            std::string token = pad.replaceAll(tokens[i], "");
            if (m_cleanUp)
                token = delimiter.replaceAll(cleanedUp(std::move(token)), " ");
            if (!token.empty())
                result.push_back(std::move(token));
        }
        tokens = std::move(result);
    }

private:
    std::string m_pad;
    std::string m_delimiter;
    bool m_cleanUp;
};

} // namespace

std::unique_ptr<const Decoder> makeWordPieceDecoder(const JsonNode& node) {
    return std::make_unique<WordPiece>(node);
}

std::unique_ptr<const Decoder> makeCtcDecoder(const JsonNode& node) {
    return std::make_unique<Ctc>(node);
}

} // namespace orrery::text
