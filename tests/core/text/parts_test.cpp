// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "text/byte_characters.h"
#include "text/decoders/decoder.h"
#include "text/encoding_editing.h"
#include "text/models/merging.h"
#include "text/normalizers/normalizer.h"
#include "text/pre_tokenizers/pre_tokenizer.h"
#include "text/regex.h"
#include "text/unicode.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace orrery::text {
namespace {

const std::string file = "test.json";

using Words = std::vector<std::string>;

Words cut(const char* json, const std::string& text) {
    const Json parsed = Json::parse(json);
    PreTokenized pieces;
    pieces.addSlice(pieces.addText(AlignedText(text, 0)), 0, text.size());
    makePreTokenizer(JsonNode(parsed, file))->apply(pieces);
    pieces.encodePendingBytes();
    Words words;
    for (const Split& split : pieces.splits())
        words.emplace_back(pieces.view(split));
    return words;
}

std::string normalized(const char* json, const std::string& text) {
    const Json parsed = Json::parse(json);
    AlignedText aligned(text, 0);
    makeNormalizer(JsonNode(parsed, file))->apply(aligned);
    return aligned.text();
}

std::string decoded(const char* json, std::vector<std::string> tokens) {
    const Json parsed = Json::parse(json);
    makeDecoder(JsonNode(parsed, file))->apply(tokens);
    std::string text;
    for (const std::string& token : tokens)
        text += token;
    return text;
}

TEST(PreTokenizers, SplitBehaviours) {
    // The example of the reference's documentation.
    const auto split = [](const char* behavior) {
        const std::string json =
            R"({"type": "Split", "pattern": {"String": "-"}, "invert": false, "behavior": ")" +
            std::string(behavior) + "\"}";
        return cut(json.c_str(), "the-final--countdown");
    };
    EXPECT_EQ(split("Removed"), (Words{"the", "final", "countdown"}));
    EXPECT_EQ(split("Isolated"), (Words{"the", "-", "final", "-", "-", "countdown"}));
    EXPECT_EQ(split("MergedWithPrevious"), (Words{"the-", "final-", "-", "countdown"}));
    EXPECT_EQ(split("MergedWithNext"), (Words{"the", "-final", "-", "-countdown"}));
    EXPECT_EQ(split("Contiguous"), (Words{"the", "-", "final", "--", "countdown"}));
}

TEST(PreTokenizers, CutWhereTheyShould) {
    EXPECT_EQ(cut(R"({"type": "Whitespace"})", "How are_you?! café-x"),
              (Words{"How", "are_you", "?!", "café", "-", "x"}));
    EXPECT_EQ(cut(R"({"type": "BertPreTokenizer"})", "a,b ¿c\u3000d"), (Words{"a", ",", "b", "¿", "c", "d"}));
    EXPECT_EQ(cut(R"({"type": "CharDelimiterSplit", "delimiter": "·"})", "a·b··c"), (Words{"a", "b", "c"}));
    EXPECT_EQ(cut(R"({"type": "Digits", "individual_digits": false})", "a12b٣"),
              (Words{"a", "12", "b", "٣"}));
    EXPECT_EQ(cut(R"({"type": "Digits", "individual_digits": true})", "a12"), (Words{"a", "1", "2"}));
    EXPECT_EQ(cut(R"({"type": "Punctuation", "behavior": "MergedWithPrevious"})", "a. b!!"),
              (Words{"a.", " b!", "!"}));
    EXPECT_EQ(cut(R"({"type": "FixedLength", "length": 2})", "häuser"), (Words{"hä", "us", "er"}));
    EXPECT_EQ(cut(R"({"type": "UnicodeScripts"})", "Apples are りんご 林檎"),
              (Words{"Apples are ", "りんご 林檎"}));
    EXPECT_EQ(cut(R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never"})", " a  b"),
              (Words{"▁a", "▁", "▁b"}));
}

TEST(PreTokenizers, Gpt2WordsEqualTheExpression) {
    // The scanner against the expression that it stands for.
    const Json expression = Json::parse(
        R"({"Regex": "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"})");
    const Pattern pattern(JsonNode(expression, file));
    const Json parsed = Json::parse(
        R"({"type": "ByteLevel", "add_prefix_space": false, "use_regex": true, "trim_offsets": true})");
    const auto scanner = makePreTokenizer(JsonNode(parsed, file));
    EXPECT_TRUE(rc::check("same words", [&] {
        std::string text;
        for (const char* part : *rc::gen::container<std::vector<const char*>>(rc::gen::element<const char*>(
                 "a", "Bc", "é", "1", "²", " ", "  ", "\n", "\t", "\xC2\xA0", "\xE3\x80\x80", "'", "'s",
                 "'re", "'l", "ll", "d", ".", "…", "😀", "中", "\xCC\x81")))
            text += part;
        if (text.empty())
            return;
        std::vector<Match> matches;
        pattern.find(text, matches);
        PreTokenized pieces;
        pieces.addSlice(pieces.addText(AlignedText(text, 0)), 0, text.size());
        scanner->apply(pieces);
        RC_ASSERT(pieces.splits().size() == matches.size());
        for (std::size_t i = 0; i < matches.size(); ++i)
            RC_ASSERT(pieces.splits()[i].start == matches[i].start &&
                      pieces.splits()[i].end == matches[i].end);
    }));
}

TEST(Normalizers, RewriteAsTheyShould) {
    EXPECT_EQ(normalized(R"({"type": "NFC"})", "e\xCC\x81"), "é");
    EXPECT_EQ(normalized(R"({"type": "NFD"})", "é각"), "e\xCC\x81\u1100\u1161\u11A8");
    EXPECT_EQ(normalized(R"({"type": "NFKC"})", "ﬁ①\u2126"), "fi1Ω");
    EXPECT_EQ(normalized(R"({"type": "NFKD"})", "ﬁé"), "fie\xCC\x81");
    EXPECT_EQ(normalized(R"({"type": "NFC"})", "각"), "각");
    EXPECT_EQ(normalized(R"({"type": "Lowercase"})", "ÀİSS\u1E9E"), "ài\xCC\x87ssß");
    EXPECT_EQ(normalized(R"({"type": "Strip", "strip_left": true, "strip_right": false})", " \u00A0a "),
              "a ");
    EXPECT_EQ(normalized(R"({"type": "Strip", "strip_left": true, "strip_right": true})", " \n "), "");
    EXPECT_EQ(normalized(R"({"type": "StripAccents"})", "e\xCC\x81"), "e");
    EXPECT_EQ(normalized(R"({"type": "Nmt"})", "a\x01\tb\u200Bc"), "a b c");
    EXPECT_EQ(normalized(R"({"type": "Prepend", "prepend": "▁"})", "a"), "▁a");
    EXPECT_EQ(normalized(R"({"type": "Prepend", "prepend": "▁"})", ""), "");
    EXPECT_EQ(normalized(R"({"type": "ByteLevel"})", " é"), "ĠÃ©");
    EXPECT_EQ(normalized(R"({"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": "_"})", "a \n b"),
              "a_b");
    EXPECT_EQ(normalized(R"({"type": "BertNormalizer"})", "Ünï\tcödé" + std::string(1, '\0') + "中x"),
              "uni code 中 x");
    EXPECT_EQ(normalized(R"({"type": "BertNormalizer", "lowercase": false})", "Ünï\x07"), "Ünï");
}

TEST(Normalizers, RememberWhereCharactersCameFrom) {
    const Json parsed = Json::parse(R"({"type": "Sequence", "normalizers": [{"type": "NFKD"},
        {"type": "StripAccents"}, {"type": "Replace", "pattern": {"String": "f"}, "content": "ph"}]})");
    AlignedText text("é ﬁ!", 10); // é is 2 bytes, the ligature 3
    makeNormalizer(JsonNode(parsed, file))->apply(text);
    EXPECT_EQ(text.text(), "e phi!");
    const std::vector<std::pair<std::uint32_t, std::uint32_t>> origins = {{10, 12}, {12, 13}, {13, 16},
                                                                          {13, 16}, {13, 16}, {16, 17}};
    for (std::size_t i = 0; i < origins.size(); ++i) {
        EXPECT_EQ(text.originOf(i).start, origins[i].first) << i;
        EXPECT_EQ(text.originOf(i).end, origins[i].second) << i;
    }
}

TEST(Decoders, PutTokensTogether) {
    EXPECT_EQ(decoded(R"({"type": "WordPiece", "prefix": "##", "cleanup": true})",
                      {"it", "'s", "do", "n't", "##!", "!"}),
              "it's don't!!");
    EXPECT_EQ(decoded(R"({"type": "BPEDecoder", "suffix": "</w>"})", {"he", "llo</w>", "you</w>"}),
              "hello you");
    EXPECT_EQ(decoded(R"({"type": "Metaspace", "replacement": "▁"})", {"▁Hi", "▁you"}), "Hi you");
    EXPECT_EQ(decoded(R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never"})", {"▁Hi"}),
              " Hi");
    EXPECT_EQ(decoded(R"({"type": "ByteFallback"})", {"a", "<0xC3>", "<0xA9>", "<0xC3>", "b"}),
              "a\uFFFD\uFFFD\uFFFDb");
    EXPECT_EQ(decoded(R"({"type": "ByteFallback"})", {"<0xC3>", "<0xA9>", "<0xZZ>"}), "é<0xZZ>");
    EXPECT_EQ(
        decoded(R"({"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": true})",
                {"<pad>", "h", "h", "<pad>", "h", "i", "|", "|", "y"}),
        "hhi y");
    EXPECT_EQ(decoded(R"({"type": "Strip", "content": " ", "start": 1, "stop": 2})", {"  a   ", " "}), " a ");
    EXPECT_EQ(decoded(R"({"type": "ByteLevel"})", {"ĠÃ", "©x", "Ã", "日"}), " éx\uFFFD日");
    EXPECT_EQ(decoded(R"({"type": "Sequence", "decoders": [{"type": "Fuse"},
                      {"type": "Replace", "pattern": {"Regex": "a+"}, "content": "b"}]})",
                      {"a", "ac"}),
              "bc");
}

Words matchesOf(const char* regex, const std::string& text) {
    const Json json = {{"Regex", regex}};
    std::vector<Match> found;
    Pattern(JsonNode(json, file)).find(text, found);
    Words words;
    for (const Match& match : found)
        if (match.matched)
            words.push_back(text.substr(match.start, match.end - match.start));
    return words;
}

TEST(Patterns, MeanWhatTheyMeanInRuby) {
    EXPECT_EQ(matchesOf(R"(\h+)", "xyz CAFE 0b"), (Words{"CAFE", "0b"})) << "\\h is a hexadecimal digit";
    EXPECT_EQ(matchesOf(R"([\h]+)", "xAFz"), (Words{"AF"}));
    EXPECT_EQ(matchesOf(R"(\s)", "a\u180E\u3000"), (Words{"\u3000"})) << "U+180E is no space any more";
    EXPECT_EQ(matchesOf(R"([^\s]+)", "a b"), (Words{"a", "b"}));
    EXPECT_EQ(matchesOf(R"([\S]+)", "a b"), (Words{"a", "b"}));
    EXPECT_EQ(matchesOf(R"(\w+)", "e\xCC\x81"
                                  "1_ ²"),
              (Words{"e\xCC\x81"
                     "1_"}))
        << "marks belong to words";
    EXPECT_EQ(matchesOf(R"(\d)", "1٣²"), (Words{"1", "٣"}));
    EXPECT_EQ(matchesOf(R"((?i:'S))", "x's"), (Words{"'s"}));
    EXPECT_EQ(matchesOf(R"(^.)", "ab\ncd"), (Words{"a", "c"})) << "^ is the start of a line";
    EXPECT_EQ(matchesOf(R"((?m:a.b)|c.d)", "a\nb c\nd"), (Words{"a\nb"})) << "m lets . match a line feed";
    EXPECT_EQ(matchesOf(R"(\p{L}+)", "a\U00031350 1"), (Words{"a\U00031350"})) << "letters of Unicode 15";
    EXPECT_EQ(matchesOf(R"([^\s\p{L}\p{N}]+)", "a\U00031350 !"), (Words{"!"}));
    EXPECT_EQ(matchesOf(R"([]a]+)", "]ab"), (Words{"]a"}));
    EXPECT_EQ(matchesOf(R"(x*)", "axb").size(), 3U) << "no empty match right behind another";
}

/// Merging by looking for the best pair again and again.
std::vector<std::uint32_t> mergedSlowly(
    std::vector<std::uint32_t> ids,
    const std::map<std::pair<std::uint32_t, std::uint32_t>, std::pair<std::uint32_t, std::uint32_t>>& rules) {
    for (;;) {
        std::size_t best = ids.size();
        std::uint32_t bestRank = ~0U;
        for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
            const auto rule = rules.find({ids[i], ids[i + 1]});
            if (rule != rules.end() && rule->second.first < bestRank) {
                bestRank = rule->second.first;
                best = i;
            }
        }
        if (best == ids.size())
            return ids;
        ids[best] = rules.at({ids[best], ids[best + 1]}).second;
        ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
}

RC_GTEST_PROP(Merging, IsTheSameForFewAndManySymbols, ()) {
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::pair<std::uint32_t, std::uint32_t>> rules;
    Merges merges;
    const std::uint32_t letters = 4;
    const auto count = *rc::gen::inRange<std::uint32_t>(1, 40);
    for (std::uint32_t rank = 0; rank < count; ++rank) {
        const auto left = *rc::gen::inRange<std::uint32_t>(0, letters + rank);
        const auto right = *rc::gen::inRange<std::uint32_t>(0, letters + rank);
        rules[{left, right}] = {rank, letters + rank};
        merges.add(left, right, rank, letters + rank);
    }
    const auto length = *rc::gen::element(5, 31, 32, 33, 34, 200); // around where the method changes
    std::vector<std::uint32_t> ids;
    std::vector<Symbol> symbols;
    for (int i = 0; i < length; ++i) {
        ids.push_back(*rc::gen::inRange<std::uint32_t>(0, letters));
        symbols.push_back({ids.back(), 1});
    }
    merges.apply(symbols);
    std::vector<std::uint32_t> got;
    std::uint32_t bytes = 0;
    for (const Symbol& symbol : symbols) {
        got.push_back(symbol.id);
        bytes += symbol.length;
    }
    RC_ASSERT(got == mergedSlowly(ids, rules));
    RC_ASSERT(bytes == static_cast<std::uint32_t>(length));
}

TEST(ByteCharacters, AreOneToOne) {
    std::map<char32_t, int> seen;
    for (int byte = 0; byte < 256; ++byte) {
        const char32_t c = characterOfByte(static_cast<char>(byte));
        EXPECT_EQ(++seen[c], 1);
        EXPECT_EQ(byteOfCharacter(c), static_cast<char>(byte));
        EXPECT_FALSE(isWhiteSpace(c));
    }
    EXPECT_EQ(characterOfByte(' '), U'Ġ');
    EXPECT_FALSE(byteOfCharacter(U'中'));
}

Encoding encodingOf(std::size_t count, std::int64_t first) {
    Encoding encoding;
    for (std::size_t i = 0; i < count; ++i)
        appendToken(encoding, first + static_cast<std::int64_t>(i), "t", 0, false);
    return encoding;
}

TEST(Truncating, SharesTheRoomBetweenTwoTexts) {
    struct Case {
        std::size_t text, pair;
        std::int64_t limit;
        std::size_t textLeft, pairLeft;
    };
    for (const Case& c : {Case{10, 2, 8, 6, 2}, Case{2, 10, 8, 2, 6}, Case{10, 10, 9, 4, 5},
                          Case{11, 10, 9, 5, 4}, Case{3, 3, 6, 3, 3}, Case{20, 20, 1, 0, 1}}) {
        Encoding text = encodingOf(c.text, 0);
        Encoding pair = encodingOf(c.pair, 100);
        truncateEncodings(text, &pair, Truncation{}, c.limit);
        EXPECT_EQ(text.size(), c.textLeft);
        EXPECT_EQ(pair.size(), c.pairLeft);
    }
}

TEST(Truncating, TooManyCombinationsAreRefused) {
    Encoding text = encodingOf(4000, 0);
    Encoding pair = encodingOf(4000, 0);
    truncateEncodings(text, &pair, Truncation{}, 2);
    EXPECT_EQ(text.overflowing.size(), 3999U);
    EXPECT_THROW(appendEncoding(text, std::move(pair)), UsageError);
}

} // namespace
} // namespace orrery::text
