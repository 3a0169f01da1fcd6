// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "text/byte_characters.h"
#include "text/models/merging.h"
#include "text/models/model.h"
#include "text/utf8.h"

#include <fmt/format.h>

#include <array>

namespace orrery::text {
namespace {

class Bpe final : public Model {
public:
    Bpe(const JsonNode& node, const std::string& file)
        : Model(Vocabulary(node.at("vocab")), file), m_unknownToken(node.text("unk_token", "")),
          m_prefix(node.text("continuing_subword_prefix", "")), m_suffix(node.text("end_of_word_suffix", "")),
          m_fuseUnknown(node.boolean("fuse_unk", false)),
          m_byteFallback(node.boolean("byte_fallback", false)),
          m_ignoreMerges(node.boolean("ignore_merges", false)),
          m_hasUnknown(node.find("unk_token").has_value()) {
        if (m_hasUnknown)
            m_unknown = vocabulary().find(m_unknownToken);
        if (const auto dropout = node.find("dropout");
            dropout && !(dropout->json().is_number() && dropout->json() == 0))
            dropout->fail(
                "asks for merges to be left out at random, which is for training only: make it null");
        readMerges(node.at("merges"));
        for (unsigned byte = 0; byte < 256; ++byte) {
            m_fallback[byte] = vocabulary().find(fmt::format("<0x{:02X}>", byte));
            std::string character;
            appendCharacter(character, characterOfByte(static_cast<char>(byte)));
            for (unsigned place = 0; place < 4; ++place)
                m_bytes[place][byte] =
                    vocabulary().find(decorated(character, place % 2 == 1, place / 2 == 1));
        }
    }

    [[nodiscard]] bool takesBytes() const override { return true; }
    [[nodiscard]] std::string kind() const override { return "BPE"; }
    [[nodiscard]] std::string description() const override {
        return fmt::format("byte-pair encoding, {} tokens, {} merges", vocabulary().count(), m_merges.size());
    }
    [[nodiscard]] std::string unknownToken() const override { return m_unknownToken; }

protected:
    void cut(std::string_view word, std::vector<ModelToken>& tokens) const override {
        if (m_ignoreMerges) {
            if (const auto id = vocabulary().find(word)) {
                tokens.push_back({*id, 0, static_cast<std::uint32_t>(word.size()), false});
                return;
            }
        }
        Builder builder{*this, word, {}, {}};
        for (std::size_t i = 0; i < word.size();) {
            const std::size_t length = characterLength(word[i]);
            const std::string_view character = word.substr(i, length);
            const bool first = i == 0;
            const bool last = i + length == word.size();
            if ((m_prefix.empty() || first) && (m_suffix.empty() || !last)) {
                builder.add(vocabulary().find(character), character, length);
            } else {
                const std::string symbol = decorated(character, first, last);
                builder.add(vocabulary().find(symbol), symbol, length);
            }
            i += length;
        }
        builder.finish(tokens);
    }

    void cutBytes(std::string_view word, std::vector<ModelToken>& tokens) const override {
        if (m_ignoreMerges) {
            std::string characters;
            for (const char byte : word)
                appendCharacter(characters, characterOfByte(byte));
            if (const auto id = vocabulary().find(characters)) {
                tokens.push_back({*id, 0, static_cast<std::uint32_t>(word.size()), false});
                return;
            }
        }
        Builder builder{*this, word, {}, {}};
        for (std::size_t i = 0; i < word.size(); ++i) {
            const bool first = i == 0;
            const bool last = i + 1 == word.size();
            const auto id =
                m_bytes[(first ? 1U : 0U) + (last ? 2U : 0U)][static_cast<unsigned char>(word[i])];
            if (id) {
                builder.add(id, {}, 1);
            } else {
                std::string character;
                appendCharacter(character, characterOfByte(word[i]));
                builder.add(id, decorated(character, first, last), 1);
            }
        }
        builder.finish(tokens);
    }

private:
    struct Unknown {
        std::uint32_t id;
        std::uint32_t length;
    };

    /// Collects the symbols that a word starts from.
    struct Builder {
        const Bpe& model;
        std::string_view word;
        std::vector<Symbol> symbols;
        std::optional<Unknown> unknown; ///< not put yet, because the next may be fused with it

        /// A character of `length` bytes whose symbol may have an id.
        void add(std::optional<std::uint32_t> id, std::string_view symbol, std::size_t length) {
            const auto bytes = static_cast<std::uint32_t>(length);
            if (id) {
                flush();
                symbols.push_back({*id, bytes});
                return;
            }
            if (model.m_byteFallback && addBytes(symbol))
                return;
            if (!model.m_hasUnknown)
                return; // the reference leaves such characters out
            if (unknown && model.m_fuseUnknown) {
                unknown->length += bytes;
                return;
            }
            flush();
            if (!model.m_unknown)
                model.failUnknown(word);
            unknown = Unknown{*model.m_unknown, bytes};
        }
        bool addBytes(std::string_view symbol) {
            for (const char byte : symbol)
                if (!model.m_fallback[static_cast<unsigned char>(byte)])
                    return false;
            for (const char byte : symbol)
                symbols.push_back({*model.m_fallback[static_cast<unsigned char>(byte)], 1});
            return true;
        }
        void flush() {
            if (unknown)
                symbols.push_back({unknown->id, unknown->length});
            unknown.reset();
        }
        void finish(std::vector<ModelToken>& tokens) {
            flush();
            model.m_merges.apply(symbols);
            std::uint32_t position = 0;
            for (const Symbol& symbol : symbols) {
                tokens.push_back({symbol.id, position, position + symbol.length, false});
                position += symbol.length;
            }
        }
    };

    [[nodiscard]] std::string decorated(std::string_view character, bool first, bool last) const {
        std::string symbol = first ? std::string() : m_prefix;
        symbol.append(character);
        if (last)
            symbol.append(m_suffix);
        return symbol;
    }

    void readMerges(const JsonNode& node) {
        const Json& merges = node.json();
        if (!merges.is_array())
            node.fail("must be a list");
        std::uint32_t rank = 0;
        for (const Json& merge : merges) {
            std::string_view left;
            std::string_view right;
            if (merge.is_string()) {
                const std::string_view both = merge.get_ref<const std::string&>();
                const std::size_t space = both.find(' ');
                if (space == std::string_view::npos || both.find(' ', space + 1) != std::string_view::npos)
                    failMerge(node, rank, "is not two tokens with a space between them");
                left = both.substr(0, space);
                right = both.substr(space + 1);
            } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
                       merge[1].is_string()) {
                left = merge[0].get_ref<const std::string&>();
                right = merge[1].get_ref<const std::string&>();
            } else {
                failMerge(node, rank, "is not a pair of tokens");
            }
            const auto idOf = [&](std::string_view token) {
                const auto id = vocabulary().find(token);
                if (!id)
                    failMerge(node, rank, fmt::format("names \"{}\", which is not in the vocabulary", token));
                return *id;
            };
            if (right.size() < m_prefix.size())
                failMerge(node, rank, "has a second token that is shorter than continuing_subword_prefix");
            const std::string result = std::string(left).append(right.substr(m_prefix.size()));
            const std::uint32_t first = idOf(left);
            const std::uint32_t second = idOf(right);
            m_merges.add(first, second, rank, idOf(result));
            ++rank;
        }
    }

    [[noreturn]] static void failMerge(const JsonNode& node, std::uint32_t rank, const std::string& problem) {
        throw InputError(fmt::format("Rule {} of {} {}; download the file again or correct it.", rank + 1,
                                     node.where(), problem));
    }

    std::string m_unknownToken;
    std::string m_prefix;
    std::string m_suffix;
    bool m_fuseUnknown;
    bool m_byteFallback;
    bool m_ignoreMerges;
    bool m_hasUnknown;
    std::optional<std::uint32_t> m_unknown;
    Merges m_merges;
    std::array<std::optional<std::uint32_t>, 256> m_fallback;
    /// Ids of the characters of bytes inside a word, at its start, at its end, and alone.
    std::array<std::array<std::optional<std::uint32_t>, 256>, 4> m_bytes;
};

} // namespace

std::unique_ptr<const Model> makeBpe(const JsonNode& node, const std::string& file) {
    return std::make_unique<Bpe>(node, file);
}

} // namespace orrery::text
