// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/byte_trie.h"
#include "text/models/model.h"
#include "text/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

namespace orrery::text {
namespace {

Vocabulary vocabularyOf(const JsonNode& node) {
    const Json& pieces = node.json();
    if (!pieces.is_array())
        node.fail("must be a list of pieces and scores");
    if (static_cast<std::int64_t>(pieces.size()) > Vocabulary::idLimit)
        node.fail(fmt::format("has {} pieces, more than {}", pieces.size(), Vocabulary::idLimit));
    Vocabulary vocabulary;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        const Json& piece = pieces[i];
        if (!piece.is_array() || piece.size() != 2 || !piece[0].is_string() || !piece[1].is_number())
            node.fail(fmt::format("has an entry {} that is not a piece and its score", i));
        vocabulary.add(piece[0].get_ref<const std::string&>(), static_cast<std::uint32_t>(i));
    }
    return vocabulary;
}

/// The most probable way to cut a word into pieces (Kudo 2018), by dynamic programming.
class Unigram final : public Model {
public:
    Unigram(const JsonNode& node, const std::string& file)
        : Model(vocabularyOf(node.at("vocab")), file), m_byteFallback(node.boolean("byte_fallback", false)) {
        const Json& pieces = node.at("vocab").json();
        m_scores.reserve(pieces.size());
        double lowest = std::numeric_limits<double>::infinity();
        for (const Json& piece : pieces) {
            m_scores.push_back(piece[1].get<double>());
            lowest = std::min(lowest, m_scores.back());
        }
        for (const auto& [piece, id] : vocabulary().ids())
            m_pieces.add(piece, id);
        constexpr double penalty = 10.0; // of an unknown character below the least probable piece
        m_unknownScore = lowest - penalty;
        if (const auto unknown = node.find("unk_id"))
            m_unknown = static_cast<std::uint32_t>(
                unknown->integer(0, static_cast<std::int64_t>(m_scores.size()) - 1));
        for (unsigned byte = 0; byte < 256; ++byte)
            m_fallback[byte] = vocabulary().find(fmt::format("<0x{:02X}>", byte));
    }

    [[nodiscard]] std::string kind() const override { return "Unigram"; }
    [[nodiscard]] std::string description() const override {
        return fmt::format("most probable of {} pieces", vocabulary().count());
    }
    [[nodiscard]] std::string unknownToken() const override {
        return m_unknown && vocabulary().token(*m_unknown) != nullptr ? *vocabulary().token(*m_unknown)
                                                                      : std::string();
    }

protected:
    void cut(std::string_view word, std::vector<ModelToken>& tokens) const override {
        struct Node {
            double score = 0;
            std::uint32_t start = 0;
            std::uint32_t id = 0;
            bool reached = false;
        };
        std::vector<Node> best(word.size() + 1); // of all ways to cut what ends at a byte
        const auto offer = [&](std::size_t start, std::size_t end, std::uint32_t id, double score) {
            Node& node = best[end];
            if (!node.reached || score > node.score)
                node = {score, static_cast<std::uint32_t>(start), id, true};
        };
        for (std::size_t start = 0; start < word.size();) {
            const std::size_t length = characterLength(word[start]);
            const double soFar = best[start].score;
            bool character = false;
            m_pieces.prefixes(word.substr(start), [&](std::size_t size, std::uint32_t id) {
                offer(start, start + size, id, m_scores[id] + soFar);
                character = character || size == length;
            });
            if (!character) {
                if (!m_unknown)
                    failUnknown(word);
                offer(start, start + length, *m_unknown, m_unknownScore + soFar);
            }
            start += length;
        }
        std::vector<std::pair<std::uint32_t, std::uint32_t>> parts; // from the end
        bool fusing = false;
        for (auto end = static_cast<std::uint32_t>(word.size()); end > 0; end = best[end].start) {
            const bool unknown = m_unknown && best[end].id == *m_unknown;
            if (unknown && fusing)
                parts.back().first = best[end].start;
            else
                parts.emplace_back(best[end].start, end);
            fusing = unknown;
        }
        for (auto part = parts.rbegin(); part != parts.rend(); ++part)
            put(word, part->first, part->second, tokens);
    }

private:
    void put(std::string_view word, std::uint32_t start, std::uint32_t end,
             std::vector<ModelToken>& tokens) const {
        const std::string_view piece = word.substr(start, end - start);
        if (const auto id = vocabulary().find(piece)) {
            tokens.push_back({*id, start, end, false});
            return;
        }
        if (m_byteFallback && std::all_of(piece.begin(), piece.end(), [this](char byte) {
                return m_fallback[static_cast<unsigned char>(byte)].has_value();
            })) {
            for (const char byte : piece)
                tokens.push_back({*m_fallback[static_cast<unsigned char>(byte)], start, end, false});
            return;
        }
        if (!m_unknown)
            failUnknown(word);
        tokens.push_back({*m_unknown, start, end, true});
    }

    bool m_byteFallback;
    std::vector<double> m_scores;
    ByteTrie m_pieces;
    double m_unknownScore = 0;
    std::optional<std::uint32_t> m_unknown;
    std::array<std::optional<std::uint32_t>, 256> m_fallback;
};

} // namespace

std::unique_ptr<const Model> makeUnigram(const JsonNode& node, const std::string& file) {
    return std::make_unique<Unigram>(node, file);
}

} // namespace orrery::text
