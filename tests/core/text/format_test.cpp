// SPDX-License-Identifier: GPL-3.0-or-later
// Parts and options of the tokenizer.json format that the golden tokenizers do not have. Expected values of
// whole pipelines are those of Hugging Face's Rust library (by its node module, 0.6.0), the others were
// worked out by hand.
#include "base/error.h"
#include "base/json.h"
#include "samples.h"

#include <gtest/gtest.h>

namespace orrery::text {
namespace {

using Words = std::vector<std::string>;
using Ids = std::vector<std::int64_t>;
using Offsets = std::vector<std::pair<std::int64_t, std::int64_t>>;

/// Every byte-level or plain character of the texts below as a word of its own.
std::shared_ptr<const Tokenizer> withPart(const char* key, const char* json) {
    Json whole = Json::parse(R"({"model": {"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0}}})");
    whole[key] = Json::parse(json);
    return Tokenizer::fromJson(whole.dump(), "part.json");
}

Words cut(const char* json, const std::string& text) {
    Words words;
    for (const Piece& piece : withPart("pre_tokenizer", json)->preTokenize(text))
        words.push_back(piece.text);
    return words;
}

std::string normalized(const char* json, const std::string& text) {
    return withPart("normalizer", json)->normalize(text);
}

TEST(TokenizerFormat, PunctuationHasAllBehaviours) {
    const auto punctuation = [](const char* behavior) {
        return cut((R"({"type": "Punctuation", "behavior": ")" + std::string(behavior) + "\"}").c_str(),
                   "a.b!?c \u00BF");
    };
    EXPECT_EQ(punctuation("Isolated"), (Words{"a", ".", "b", "!", "?", "c ", "\u00BF"}));
    EXPECT_EQ(punctuation("Removed"), (Words{"a", "b", "c "}));
    EXPECT_EQ(punctuation("MergedWithPrevious"), (Words{"a.", "b!", "?", "c \u00BF"}));
    EXPECT_EQ(punctuation("MergedWithNext"), (Words{"a", ".b", "!", "?c ", "\u00BF"}));
    EXPECT_EQ(punctuation("Contiguous"), (Words{"a", ".", "b", "!?", "c ", "\u00BF"}));
    EXPECT_EQ(cut(R"({"type": "Punctuation"})", "a.b"), (Words{"a", ".", "b"}));
}

TEST(TokenizerFormat, SplitCanBeInverted) {
    const auto split = [](const char* behavior) {
        return cut((R"({"type": "Split", "pattern": {"Regex": "[a-z]+"}, "invert": true, "behavior": ")" +
                    std::string(behavior) + "\"}")
                       .c_str(),
                   "ab-cd--e");
    };
    EXPECT_EQ(split("Removed"), (Words{"ab", "cd", "e"}));
    EXPECT_EQ(split("Isolated"), (Words{"ab", "-", "cd", "--", "e"}));
    EXPECT_EQ(split("MergedWithPrevious"), (Words{"ab-", "cd--", "e"}));
    EXPECT_EQ(split("MergedWithNext"), (Words{"ab", "-cd", "--e"}));
    EXPECT_EQ(split("Contiguous"), (Words{"ab", "-", "cd", "--", "e"}));
}

TEST(TokenizerFormat, MetaspaceKnowsItsSchemes) {
    const auto metaspace = [](const char* options) {
        return cut((R"({"type": "Metaspace", "replacement": "_")" + std::string(options) + "}").c_str(),
                   "a b  c");
    };
    EXPECT_EQ(metaspace(""), (Words{"_a", "_b", "_", "_c"}));
    EXPECT_EQ(metaspace(R"(, "prepend_scheme": "first", "split": false)"), (Words{"_a_b__c"}));
    EXPECT_EQ(metaspace(R"(, "prepend_scheme": "never")"), (Words{"a", "_b", "_", "_c"}));
    EXPECT_EQ(metaspace(R"(, "add_prefix_space": false)"), (Words{"a", "_b", "_", "_c"}));
    EXPECT_EQ(metaspace(R"(, "add_prefix_space": true, "str_rep": "_")"), (Words{"_a", "_b", "_", "_c"}));
}

TEST(TokenizerFormat, OtherPreTokenizers) {
    EXPECT_EQ(cut(R"({"type": "WhitespaceSplit"})", " a-b\u00A0c\n d "), (Words{"a-b", "c", "d"}));
    EXPECT_EQ(cut(R"({"type": "FixedLength", "length": 3})", "abcde\u00E9f"),
              (Words{"abc", "de\u00E9", "f"}));
    EXPECT_EQ(cut(R"({"type": "FixedLength"})", "abcdef"), (Words{"abcde", "f"}));
    EXPECT_EQ(cut(R"({"type": "UnicodeScripts"})", "\u3069\u3053\u3067\u751F\u307E\u308CYes. \u0394"),
              (Words{"\u3069\u3053\u3067\u751F\u307E\u308C", "Yes", ". ", "\u0394"}));
    EXPECT_EQ(cut(R"({"type": "CharDelimiterSplit", "delimiter": "|"})", "|a||b|"), (Words{"a", "b"}));
    EXPECT_EQ(cut(R"({"type": "ByteLevel", "add_prefix_space": true, "use_regex": false})", "a b"),
              (Words{"\u0120a\u0120b"}));
    EXPECT_EQ(
        cut(R"({"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Digits", "individual_digits": true}]})",
            "a12 b"),
        (Words{"a", "1", "2", "b"}));
    EXPECT_EQ(cut(R"({"type": "Sequence", "pretokenizers": []})", "a b"), (Words{"a b"}));
}

TEST(TokenizerFormat, OtherNormalizers) {
    EXPECT_EQ(
        normalized(
            R"({"type": "BertNormalizer", "clean_text": false, "handle_chinese_chars": false, "lowercase": false})",
            "\u00C9\x07\u4E2D"),
        "\u00C9\x07\u4E2D");
    EXPECT_EQ(
        normalized(R"({"type": "BertNormalizer", "lowercase": false, "strip_accents": true})", "\u00C9a"),
        "Ea");
    EXPECT_EQ(
        normalized(R"({"type": "BertNormalizer", "lowercase": true, "strip_accents": false})", "\u00C9a"),
        "\u00E9a");
    EXPECT_EQ(normalized(R"({"type": "Strip", "strip_left": false, "strip_right": true})", " a \n"), " a");
    EXPECT_EQ(normalized(R"({"type": "Replace", "pattern": {"String": "aa"}, "content": ""})", "aaab"), "ab");
    EXPECT_EQ(
        normalized(
            R"({"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"},
                             {"type": "Prepend", "prepend": "_"}]})",
            "\u00C9T\u00C9"),
        "_ete");
    EXPECT_EQ(normalized(R"({"type": "Nmt"})", "a\u200D\uFEFFb\x7F"), "a  b");
    EXPECT_EQ(normalized(R"({"type": "NFKC"})", "\uFF21\u3000\u2460\uFB01"), "A 1fi");
}

TEST(TokenizerFormat, EveryUnknownTypeIsNamed) {
    for (const char* key : {"normalizer", "pre_tokenizer", "post_processor", "decoder"})
        try {
            static_cast<void>(withPart(key, R"({"type": "Novel"})"));
            ADD_FAILURE() << key << " of an unknown type was accepted";
        } catch (const InputError& error) {
            EXPECT_NE(std::string(error.what()).find(std::string(key) + ".type of part.json is \"Novel\""),
                      std::string::npos)
                << error.what();
        }
}

std::shared_ptr<const Tokenizer> model(const char* json, const char* rest = "{}") {
    Json whole = Json::parse(rest);
    whole["model"] = Json::parse(json);
    return Tokenizer::fromJson(whole.dump(), "model.json");
}

TEST(TokenizerFormat, BpeFusesUnknownsWhenAsked) {
    const char* const format =
        R"({"type": "BPE", "unk_token": "?", "fuse_unk": %, "vocab": {"?": 0, "a": 1, "b": 2, "ab": 3},
                                   "merges": [["a", "b"]]})";
    const auto with = [&](const char* fuse) {
        std::string json = format;
        return model(json.replace(json.find('%'), 1, fuse).c_str())->encode("xyabz\u00E9a");
    };
    EXPECT_EQ(with("true").ids, (Ids{0, 3, 0, 1}));
    EXPECT_EQ(with("true").offsets, (Offsets{{0, 2}, {2, 4}, {4, 6}, {6, 7}}));
    EXPECT_EQ(with("false").ids, (Ids{0, 0, 3, 0, 0, 1}));
    EXPECT_EQ(model(R"({"type": "BPE", "vocab": {"a": 0}, "merges": []})")->encode("xax").ids, (Ids{0}))
        << "without a token for the unknown it is left out";
}

TEST(TokenizerFormat, BpeKnowsPrefixesAndSuffixes) {
    const auto prefixed = model(R"({"type": "BPE", "continuing_subword_prefix": "##", "unk_token": "?",
        "vocab": {"?": 0, "a": 1, "##b": 2, "##c": 3, "ab": 4, "abc": 5}, "merges": ["a ##b", "ab ##c"]})");
    EXPECT_EQ(prefixed->encode("abc").ids, (Ids{5}));
    EXPECT_EQ(prefixed->encode("acb").ids, (Ids{1, 3, 2}));
    EXPECT_EQ(prefixed->encode("b").ids, (Ids{0}));
    const auto suffixed = model(
        R"({"type": "BPE", "end_of_word_suffix": "</w>", "unk_token": "?",
        "vocab": {"?": 0, "a": 1, "b": 2, "b</w>": 3, "ab</w>": 4}, "merges": ["a b</w>"]})",
        R"({"pre_tokenizer": {"type": "Whitespace"}, "decoder": {"type": "BPEDecoder", "suffix": "</w>"}})");
    EXPECT_EQ(suffixed->encode("ab b abb").ids, (Ids{4, 3, 1, 2, 3}));
    EXPECT_EQ(suffixed->decode(Ids{4, 3, 1, 2, 3}), "ab b abb");
}

TEST(TokenizerFormat, BpeIgnoresMergesForWholeWordsWhenAsked) {
    const char* const vocabulary =
        R"("vocab": {"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4}, "merges": ["a b"]})";
    EXPECT_EQ(model((R"({"type": "BPE", "ignore_merges": true, )" + std::string(vocabulary)).c_str())
                  ->encode("abc")
                  .ids,
              (Ids{4}));
    EXPECT_EQ(model((R"({"type": "BPE", "ignore_merges": false, )" + std::string(vocabulary)).c_str())
                  ->encode("abc")
                  .ids,
              (Ids{3, 2}));
}

TEST(TokenizerFormat, BpeDropoutIsRefused) {
    const auto with = [](const char* dropout) {
        return R"({"type": "BPE", "vocab": {"a": 0}, "merges": [], "dropout": )" + std::string(dropout) + "}";
    };
    EXPECT_EQ(model(with("null").c_str())->encode("a").ids, (Ids{0}));
    EXPECT_EQ(model(with("0.0").c_str())->encode("a").ids, (Ids{0}));
    for (const char* dropout : {"0.1", "\"x\"", "true"})
        EXPECT_THROW(static_cast<void>(model(with(dropout).c_str())), InputError) << dropout;
}

TEST(TokenizerFormat, BytesStandForUnknownsWhenAllAreThere) {
    const auto bpe = model(R"({"type": "BPE", "unk_token": "?", "byte_fallback": true,
        "vocab": {"?": 0, "<0xC3>": 1, "<0xA9>": 2, "a": 3}, "merges": []})");
    EXPECT_EQ(bpe->encode("a\u00E9\u00E8").ids, (Ids{3, 1, 2, 0}));
    EXPECT_EQ(bpe->encode("a\u00E9").offsets, (Offsets{{0, 1}, {1, 2}, {1, 2}}));
    const auto unigram = model(R"({"type": "Unigram", "unk_id": 0, "byte_fallback": true,
        "vocab": [["?", 0], ["<0xC3>", 0], ["<0xA9>", 0], ["a", -1]]})");
    EXPECT_EQ(unigram->encode("a\u00E9\u00E8").ids, (Ids{3, 0}))
        << "neighbours that are unknown count as one";
    EXPECT_EQ(unigram->encode("a\u00E9a").ids, (Ids{3, 1, 2, 3}));
    EXPECT_EQ(unigram->encode("a\u00E9a").offsets, (Offsets{{0, 1}, {1, 2}, {1, 2}, {2, 3}}));
}

TEST(TokenizerFormat, UnigramTakesTheMostProbableWay) {
    const auto unigram = model(
        R"({"type": "Unigram", "unk_id": 0, "vocab": [["?", 0], ["a", -1], ["b", -1], ["ab", -1.5], ["abc", -9],
                                   ["c", -1]]})");
    EXPECT_EQ(unigram->encode("abc").ids, (Ids{3, 5}));
    EXPECT_EQ(unigram->encode("xxa").ids, (Ids{0, 1}));
    EXPECT_EQ(unigram->encode("xxa").tokens, (Words{"xx", "a"}));
}

TEST(TokenizerFormat, WordPieceLimitsTheLengthOfWords) {
    const auto piece = model(R"({"type": "WordPiece", "unk_token": "?", "continuing_subword_prefix": "#",
        "max_input_chars_per_word": 3, "vocab": {"?": 0, "a": 1, "#b": 2, "#a": 3}})");
    EXPECT_EQ(piece->encode("aba").ids, (Ids{1, 2, 3}));
    EXPECT_EQ(piece->encode("abab").ids, (Ids{0}));
    EXPECT_EQ(piece->encode("abx").ids, (Ids{0}));
}

TEST(TokenizerFormat, PostProcessorsFollowEachOther) {
    const char* const letters =
        R"({"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0, "a": 1, "b": 2, "[C]": 3, "[S]": 4}})";
    const auto with = [&](const char* processor) {
        return model(letters, (R"({"pre_tokenizer": {"type": "Whitespace"}, "post_processor": )" +
                               std::string(processor) + "}")
                                  .c_str());
    };
    const auto bert = with(R"({"type": "BertProcessing", "sep": ["[S]", 4], "cls": ["[C]", 3]})");
    EXPECT_EQ(bert->encodePair("a b", "b").ids, (Ids{3, 1, 2, 4, 2, 4}));
    EXPECT_EQ(bert->encodePair("a b", "b").typeIds, (Ids{0, 0, 0, 0, 1, 1}));
    const auto roberta = with(R"({"type": "RobertaProcessing", "sep": ["[S]", 4], "cls": ["[C]", 3]})");
    EXPECT_EQ(roberta->encodePair("a b", "b").ids, (Ids{3, 1, 2, 4, 4, 2, 4}));
    EXPECT_EQ(roberta->encodePair("a b", "b").typeIds, (Ids{0, 0, 0, 0, 0, 0, 0}));
    const auto sequence =
        with(R"({"type": "Sequence", "processors": [{"type": "ByteLevel", "trim_offsets": true},
        {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "E", "type_id": 1}}],
         "pair": [{"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": "E", "type_id": 2}}, {"Sequence": {"id": "A", "type_id": 0}}],
         "special_tokens": {"E": {"id": "E", "ids": [3, 4], "tokens": ["[C]", "[S]"]}}}]})");
    EXPECT_EQ(sequence->encode("a b").ids, (Ids{1, 2, 3, 4}));
    EXPECT_EQ(sequence->encode("a b").specialTokensMask, (Ids{0, 0, 1, 1}));
    EXPECT_EQ(sequence->encodePair("a", "b").ids, (Ids{2, 3, 4, 1}));
    EXPECT_EQ(sequence->encodePair("a", "b").typeIds, (Ids{1, 2, 2, 0}));
    EXPECT_EQ(sequence->encodePair("a", "b").sequenceIds, (Ids{1, -1, -1, 0}));
}

TEST(TokenizerFormat, DecodersFollowEachOther) {
    const auto with = [&](const char* decoder) {
        return model(
            R"({"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0, "_a": 1, "_b": 2, "<0x21>": 3, "c": 4, "##d": 5}})",
            (R"({"decoder": )" + std::string(decoder) + "}").c_str());
    };
    EXPECT_EQ(
        with(
            R"({"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "_"}, "content": " "},
        {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]})")
            ->decode(Ids{1, 2, 3}),
        "a b!");
    EXPECT_EQ(
        with(R"({"type": "Metaspace", "replacement": "_", "prepend_scheme": "always"})")->decode(Ids{1, 2}),
        "a b");
    EXPECT_EQ(with(R"({"type": "WordPiece", "prefix": "##", "cleanup": false})")->decode(Ids{4, 5, 4}),
              "cd c");
    EXPECT_EQ(with(R"({"type": "CTC", "pad_token": "?", "word_delimiter_token": "_a", "cleanup": true})")
                  ->decode(Ids{4, 4, 0, 4, 1, 5}, false),
              "cc ##d");
}

} // namespace
} // namespace orrery::text
