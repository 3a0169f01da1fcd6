// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/pre_tokenizers/pre_tokenizer.h"

#include "text/regex.h"
#include "text/unicode.h"

#include <fmt/format.h>

namespace orrery::text {
namespace {

SplitBehavior behaviorOf(const JsonNode& node) {
    const std::string name = node.text();
    if (name == "Removed")
        return SplitBehavior::Removed;
    if (name == "Isolated")
        return SplitBehavior::Isolated;
    if (name == "MergedWithPrevious")
        return SplitBehavior::MergedWithPrevious;
    if (name == "MergedWithNext")
        return SplitBehavior::MergedWithNext;
    if (name == "Contiguous")
        return SplitBehavior::Contiguous;
    node.fail(fmt::format("is \"{}\", which is not a known behaviour", name));
}

/// Every character that the predicate holds for is a match of its own.
template <class Is>
void findCharacters(std::string_view text, const Is& is, std::vector<Match>& matches) {
    matches.clear();
    std::size_t done = 0;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t start = i;
        if (!is(nextCharacter(text, i)))
            continue;
        if (done < start)
            matches.push_back({done, start, false});
        matches.push_back({start, i, true});
        done = i;
    }
    if (done < text.size())
        matches.push_back({done, text.size(), false});
}

class Sequence final : public PreTokenizer {
public:
    explicit Sequence(const JsonNode& node) {
        for (const JsonNode& child : node.at("pretokenizers").elements())
            m_parts.push_back(makePreTokenizer(child));
    }
    void apply(PreTokenized& text) const override {
        for (const auto& part : m_parts)
            part->apply(text);
    }
    [[nodiscard]] std::string description() const override {
        std::string all;
        for (const auto& part : m_parts)
            all += (all.empty() ? "" : ", ") + part->description();
        return all;
    }

private:
    std::vector<std::unique_ptr<const PreTokenizer>> m_parts;
};

/// Words between white space, with every punctuation character on its own.
class Bert final : public PreTokenizer {
public:
    void apply(PreTokenized& text) const override {
        text.cut([](std::string_view piece, const auto& emit) {
            std::size_t word = 0;
            for (std::size_t i = 0; i < piece.size();) {
                const std::size_t start = i;
                const char32_t c = nextCharacter(piece, i);
                const bool space = isWhiteSpace(c);
                if (!space && !isPunctuation(c))
                    continue;
                emit(word, start);
                if (!space)
                    emit(start, i);
                word = i;
            }
            emit(word, piece.size());
        });
    }
    [[nodiscard]] std::string description() const override { return "white space and punctuation"; }
};

/// Runs of word characters, and runs of what is neither word nor space.
class Whitespace final : public PreTokenizer {
public:
    void apply(PreTokenized& text) const override {
        text.cut([](std::string_view piece, const auto& emit) {
            enum class Kind { Space, Word, Other };
            Kind kind = Kind::Space;
            std::size_t begin = 0;
            for (std::size_t i = 0; i < piece.size();) {
                const std::size_t start = i;
                const char32_t c = nextCharacter(piece, i);
                const Kind next = isWordCharacter(c) ? Kind::Word
                                  : isWhiteSpace(c)  ? Kind::Space
                                                     : Kind::Other;
                if (next == kind)
                    continue;
                if (kind != Kind::Space)
                    emit(begin, start);
                begin = start;
                kind = next;
            }
            if (kind != Kind::Space)
                emit(begin, piece.size());
        });
    }
    [[nodiscard]] std::string description() const override { return "words and runs of other characters"; }
};

class WhitespaceSplit final : public PreTokenizer {
public:
    void apply(PreTokenized& text) const override {
        text.cut([](std::string_view piece, const auto& emit) {
            std::size_t word = 0;
            for (std::size_t i = 0; i < piece.size();) {
                const std::size_t start = i;
                if (!isWhiteSpace(nextCharacter(piece, i)))
                    continue;
                emit(word, start);
                word = i;
            }
            emit(word, piece.size());
        });
    }
    [[nodiscard]] std::string description() const override { return "white space"; }
};

class Punctuation final : public PreTokenizer {
public:
    explicit Punctuation(const JsonNode& node)
        : m_behavior(node.find("behavior") ? behaviorOf(node.at("behavior")) : SplitBehavior::Isolated) {}
    void apply(PreTokenized& text) const override {
        text.cutAt(m_behavior, [](std::string_view piece, std::vector<Match>& matches) {
            findCharacters(piece, isPunctuation, matches);
        });
    }
    [[nodiscard]] std::string description() const override { return "punctuation"; }

private:
    SplitBehavior m_behavior;
};

class Digits final : public PreTokenizer {
public:
    explicit Digits(const JsonNode& node) : m_individual(node.boolean("individual_digits", false)) {}
    void apply(PreTokenized& text) const override {
        text.cutAt(m_individual ? SplitBehavior::Isolated : SplitBehavior::Contiguous,
                   [](std::string_view piece, std::vector<Match>& matches) {
                       findCharacters(piece, isNumber, matches);
                   });
    }
    [[nodiscard]] std::string description() const override {
        return m_individual ? "single digits" : "digits";
    }

private:
    bool m_individual;
};

class CharacterDelimiter final : public PreTokenizer {
public:
    explicit CharacterDelimiter(const JsonNode& node) : m_delimiter(node.at("delimiter").character()) {}
    void apply(PreTokenized& text) const override {
        text.cutAt(SplitBehavior::Removed, [this](std::string_view piece, std::vector<Match>& matches) {
            findCharacters(
                piece, [this](char32_t c) { return c == m_delimiter; }, matches);
        });
    }
    [[nodiscard]] std::string description() const override {
        std::string character;
        appendCharacter(character, m_delimiter);
        return fmt::format("at \"{}\"", character);
    }

private:
    char32_t m_delimiter;
};

class PatternSplit final : public PreTokenizer {
public:
    explicit PatternSplit(const JsonNode& node)
        : m_pattern(node.at("pattern")), m_behavior(behaviorOf(node.at("behavior"))),
          m_invert(node.boolean("invert", false)) {}
    void apply(PreTokenized& text) const override {
        text.cutAt(m_behavior, [this](std::string_view piece, std::vector<Match>& matches) {
            m_pattern.find(piece, matches);
            if (m_invert)
                for (Match& match : matches)
                    match.matched = !match.matched;
        });
    }
    [[nodiscard]] std::string description() const override { return "pattern " + m_pattern.description(); }

private:
    Pattern m_pattern;
    SplitBehavior m_behavior;
    bool m_invert;
};

class FixedLength final : public PreTokenizer {
public:
    explicit FixedLength(const JsonNode& node) : m_length(node.integer("length", 1, INT32_MAX, 5)) {}
    void apply(PreTokenized& text) const override {
        text.cut([this](std::string_view piece, const auto& emit) {
            std::size_t begin = 0;
            std::int64_t count = 0;
            for (std::size_t i = 0; i < piece.size();) {
                i += characterLength(piece[i]);
                if (++count % m_length == 0) {
                    emit(begin, i);
                    begin = i;
                }
            }
            emit(begin, piece.size());
        });
    }
    [[nodiscard]] std::string description() const override {
        return fmt::format("every {} characters", m_length);
    }

private:
    std::int64_t m_length;
};

} // namespace

std::unique_ptr<const PreTokenizer> makePreTokenizer(const JsonNode& node) {
    const std::string type = node.at("type").text();
    if (type == "Sequence")
        return std::make_unique<Sequence>(node);
    if (type == "BertPreTokenizer")
        return std::make_unique<Bert>();
    if (type == "ByteLevel")
        return makeByteLevelPreTokenizer(node);
    if (type == "Metaspace")
        return makeMetaspacePreTokenizer(node);
    if (type == "Split")
        return std::make_unique<PatternSplit>(node);
    if (type == "Whitespace")
        return std::make_unique<Whitespace>();
    if (type == "WhitespaceSplit")
        return std::make_unique<WhitespaceSplit>();
    if (type == "Punctuation")
        return std::make_unique<Punctuation>(node);
    if (type == "Digits")
        return std::make_unique<Digits>(node);
    if (type == "CharDelimiterSplit" || type == "Delimiter")
        return std::make_unique<CharacterDelimiter>(node);
    if (type == "UnicodeScripts")
        return makeUnicodeScripts();
    if (type == "FixedLength")
        return std::make_unique<FixedLength>(node);
    node.at("type").fail(fmt::format("is \"{}\", which is not a known pre-tokenizer", type));
}

} // namespace orrery::text
