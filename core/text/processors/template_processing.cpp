// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/encoding_editing.h"
#include "text/models/vocabulary.h"
#include "text/processors/post_processor.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace orrery::text {
namespace {

/// A pattern of texts and special tokens: "[CLS] $A [SEP] $B:1 [SEP]:1".
class TemplateProcessing final : public PostProcessor {
public:
    explicit TemplateProcessing(const JsonNode& node) {
        if (const auto tokens = node.find("special_tokens"))
            readTokens(*tokens);
        m_single = readTemplate(node.at("single"), false);
        m_pair = readTemplate(node.at("pair"), true);
    }

    [[nodiscard]] std::int64_t addedTokens(bool pair) const override {
        std::int64_t count = 0;
        for (const Piece& piece : pair ? m_pair : m_single)
            if (piece.sequence < 0)
                count += static_cast<std::int64_t>(m_tokens.at(piece.token).size());
        return count;
    }

    [[nodiscard]] std::vector<Encoding> apply(std::vector<Encoding> encodings,
                                              bool addSpecialTokens) const override {
        std::vector<Encoding> result;
        const std::vector<Piece>& pieces = encodings.size() == 1 ? m_single : m_pair;
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            const Piece& piece = pieces[i];
            if (piece.sequence >= 0) {
                const bool again =
                    std::any_of(pieces.begin() + static_cast<std::ptrdiff_t>(i) + 1, pieces.end(),
                                [&](const Piece& later) { return later.sequence == piece.sequence; });
                Encoding& source = encodings[static_cast<std::size_t>(piece.sequence)];
                Encoding encoding = again ? source : std::move(source);
                setTypeIds(encoding, piece.typeId);
                setSequenceIds(encoding, piece.sequence);
                result.push_back(std::move(encoding));
            } else if (addSpecialTokens) {
                Encoding encoding;
                for (const auto& [token, id] : m_tokens.at(piece.token))
                    appendToken(encoding, id, token, piece.typeId, true);
                result.push_back(std::move(encoding));
            }
        }
        return result;
    }

    [[nodiscard]] std::string description() const override {
        std::string all;
        for (const Piece& piece : m_pair)
            all += (all.empty() ? "" : " ") + (piece.sequence == 0   ? std::string("text")
                                               : piece.sequence == 1 ? "pair"
                                                                     : piece.token);
        return all;
    }
    [[nodiscard]] std::optional<std::string> firstToken() const override {
        return !m_single.empty() && m_single.front().sequence < 0 ? std::optional(m_single.front().token)
                                                                  : std::nullopt;
    }
    [[nodiscard]] std::optional<std::string> separatorToken() const override {
        return !m_single.empty() && m_single.back().sequence < 0 ? std::optional(m_single.back().token)
                                                                 : std::nullopt;
    }

private:
    struct Piece {
        int sequence = -1; ///< 0, 1; -1: a special token
        std::string token;
        std::int64_t typeId = 0;
    };

    void readTokens(const JsonNode& node) {
        if (!node.json().is_object())
            node.fail("must be an object");
        for (const auto& [name, unused] : node.json().items()) {
            const JsonNode token = node.at(name);
            const std::vector<JsonNode> ids = token.at("ids").elements();
            const std::vector<JsonNode> texts = token.at("tokens").elements();
            if (ids.size() != texts.size())
                token.fail("has not as many tokens as ids");
            auto& list = m_tokens[name];
            for (std::size_t i = 0; i < ids.size(); ++i)
                list.emplace_back(texts[i].text(), ids[i].integer(0, Vocabulary::idLimit - 1));
        }
    }

    [[nodiscard]] std::vector<Piece> readTemplate(const JsonNode& node, bool pair) const {
        std::vector<Piece> pieces;
        for (const JsonNode& element : node.elements())
            pieces.push_back(readPiece(element, pair));
        return pieces;
    }

    [[nodiscard]] Piece readPiece(const JsonNode& node, bool pair) const {
        Piece piece;
        if (const auto sequence = node.find("Sequence")) {
            const std::string name = sequence->at("id").text();
            if (name != "A" && !(name == "B" && pair))
                sequence->at("id").fail(fmt::format("names the text \"{}\", which there is not", name));
            piece.sequence = name == "A" ? 0 : 1;
            piece.typeId = sequence->integer("type_id", 0, INT32_MAX, 0);
        } else if (const auto special = node.find("SpecialToken")) {
            piece.token = special->at("id").text();
            if (!m_tokens.contains(piece.token))
                special->at("id").fail(
                    fmt::format("names \"{}\", which is not among special_tokens", piece.token));
            piece.typeId = special->integer("type_id", 0, INT32_MAX, 0);
        } else {
            node.fail("must have the key \"Sequence\" or \"SpecialToken\"");
        }
        return piece;
    }

    std::map<std::string, std::vector<std::pair<std::string, std::int64_t>>> m_tokens;
    std::vector<Piece> m_single;
    std::vector<Piece> m_pair;
};

} // namespace

std::unique_ptr<const PostProcessor> makeTemplateProcessing(const JsonNode& node) {
    return std::make_unique<TemplateProcessing>(node);
}

} // namespace orrery::text
