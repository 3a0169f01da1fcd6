// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "base/json.h"
#include "samples.h"

#include <gtest/gtest.h>

#include <cctype>

namespace orrery::text {
namespace {

/// A small tokenizer with every part, which the cases below break in one place.
const char* const sound = R"({
  "version": "1.0",
  "truncation": null, "padding": null,
  "added_tokens": [{"id": 0, "content": "[UNK]", "single_word": false, "lstrip": false, "rstrip": false,
                    "normalized": false, "special": true}],
  "normalizer": {"type": "Sequence", "normalizers": [
      {"type": "Replace", "pattern": {"Regex": "x{2,}"}, "content": "x"}, {"type": "Lowercase"}]},
  "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
      {"type": "Split", "pattern": {"String": "-"}, "behavior": "Removed", "invert": false},
      {"type": "Whitespace"}]},
  "post_processor": {"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "S", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
      "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
      "special_tokens": {"S": {"id": "S", "ids": [4], "tokens": ["S"]}}},
  "decoder": {"type": "Sequence", "decoders": [{"type": "Fuse"}]},
  "model": {"type": "BPE", "unk_token": "[UNK]", "vocab": {"[UNK]": 0, "a": 1, "b": 2, "ab": 3, "S": 4},
            "merges": [["a", "b"]]}
})";

struct Broken {
    const char* what;
    const char* pointer; ///< JSON pointer of what is replaced
    const char* value;   ///< JSON; null: removed
    const char* says;    ///< part of the sentence
};

class BrokenTokenizer : public testing::TestWithParam<Broken> {};

TEST_P(BrokenTokenizer, IsRefusedInASentenceThatNamesTheKey) {
    Json json = Json::parse(sound);
    const Json::json_pointer pointer(GetParam().pointer);
    if (GetParam().value != nullptr)
        json[pointer] = Json::parse(GetParam().value);
    else
        json[pointer.parent_pointer()].erase(pointer.back());
    try {
        static_cast<void>(Tokenizer::fromJson(json.dump(), "broken.json"));
        FAIL() << "it was accepted";
    } catch (const InputError& error) {
        const std::string sentence = error.what();
        EXPECT_NE(sentence.find(GetParam().says), std::string::npos) << sentence;
        EXPECT_NE(sentence.find("broken.json"), std::string::npos) << sentence;
        EXPECT_EQ(sentence.back(), '.');
    }
}

constexpr Broken cases[] = {
    {"no model", "/model", nullptr, "lacks the key \"model\""},
    {"model is a number", "/model", "7", "model of broken.json must be an object"},
    {"model of unknown type", "/model/type", "\"LSTM\"", "model.type"},
    {"model type is a list", "/model/type", "[]", "model.type of broken.json must be a text"},
    {"no vocabulary", "/model/vocab", nullptr, "lacks the key \"vocab\""},
    {"vocabulary is a list", "/model/vocab", "[\"a\"]", "model.vocab"},
    {"id is a text", "/model/vocab/a", "\"1\"", "model.vocab[\"a\"]"},
    {"id is negative", "/model/vocab/a", "-1", "model.vocab[\"a\"]"},
    {"id is huge", "/model/vocab/a", "4000000000", "model.vocab[\"a\"]"},
    {"id beyond 64 bits", "/model/vocab/a", "99999999999999999999999", "model.vocab[\"a\"]"},
    {"id is a fraction", "/model/vocab/a", "1.5", "model.vocab[\"a\"]"},
    {"merges are missing", "/model/merges", nullptr, "lacks the key \"merges\""},
    {"merges are a text", "/model/merges", "\"a b\"", "model.merges"},
    {"merge names an unknown token", "/model/merges/0", "[\"a\", \"z\"]", "\"z\""},
    {"merge makes an unknown token", "/model/merges/0", "[\"b\", \"a\"]", "\"ba\""},
    {"merge of three", "/model/merges/0", "[\"a\", \"b\", \"c\"]", "Rule 1 of model.merges"},
    {"merge as a text without space", "/model/merges/0", "\"ab\"", "Rule 1 of model.merges"},
    {"merge is a number", "/model/merges/0", "3", "Rule 1 of model.merges"},
    {"prefix longer than the token", "/model/continuing_subword_prefix", "\"####\"",
     "continuing_subword_prefix"},
    {"flag is a text", "/model/byte_fallback", "\"yes\"", "model.byte_fallback"},
    {"unknown token is a number", "/model/unk_token", "0", "model.unk_token"},
    {"another version", "/version", "\"2.0\"", "version"},
    {"added tokens are an object", "/added_tokens", "{}", "added_tokens"},
    {"added token without id", "/added_tokens/0/id", nullptr, "added_tokens[0]"},
    {"added token with huge id", "/added_tokens/0/id", "18446744073709551615", "added_tokens[0].id"},
    {"added token without content", "/added_tokens/0/content", nullptr, "added_tokens[0]"},
    {"added token flag", "/added_tokens/0/special", "1", "added_tokens[0].special"},
    {"unknown normalizer", "/normalizer/normalizers/1/type", "\"Upper\"", "normalizer.normalizers[1].type"},
    {"normalizer without type", "/normalizer/normalizers/1/type", nullptr, "normalizer.normalizers[1]"},
    {"normalizers are no list", "/normalizer/normalizers", "{}", "normalizer.normalizers"},
    {"bad expression", "/normalizer/normalizers/0/pattern/Regex", "\"(a\"", "pattern.Regex"},
    {"expression too long to repeat", "/normalizer/normalizers/0/pattern/Regex", "\"(a{60000}){60000}\"",
     "pattern.Regex"},
    {"intersection of sets", "/normalizer/normalizers/0/pattern/Regex", "\"[a&&b]\"", "intersection"},
    {"pattern of neither kind", "/normalizer/normalizers/0/pattern", "{\"Glob\": \"*\"}", "pattern"},
    {"replacement is missing", "/normalizer/normalizers/0/content", nullptr, "content"},
    {"character map is no Base64", "/normalizer", R"({"type": "Precompiled", "precompiled_charsmap": "!!!"})",
     "Base64"},
    {"character map is cut off", "/normalizer", R"({"type": "Precompiled", "precompiled_charsmap": "AAA="})",
     "precompiled_charsmap"},
    {"character map with a long trie", "/normalizer",
     R"({"type": "Precompiled", "precompiled_charsmap": "/P///wAAAAA="})", "precompiled_charsmap"},
    {"unknown pre-tokenizer", "/pre_tokenizer/pretokenizers/1/type", "\"Jieba\"",
     "pre_tokenizer.pretokenizers[1].type"},
    {"unknown behaviour", "/pre_tokenizer/pretokenizers/0/behavior", "\"Kept\"", "behavior"},
    {"Metaspace with two characters", "/pre_tokenizer", R"({"type": "Metaspace", "replacement": "__"})",
     "pre_tokenizer.replacement"},
    {"Metaspace with a strange scheme", "/pre_tokenizer",
     R"({"type": "Metaspace", "replacement": "_", "prepend_scheme": "last"})", "prepend_scheme"},
    {"pieces of length 0", "/pre_tokenizer", R"({"type": "FixedLength", "length": 0})", "length"},
    {"unknown post-processor", "/post_processor/type", "\"Suffix\"", "post_processor.type"},
    {"template names an unknown token", "/post_processor/single/0/SpecialToken/id", "\"T\"",
     "post_processor.single[0]"},
    {"template names a second text", "/post_processor/single/1/Sequence/id", "\"B\"",
     "post_processor.single[1]"},
    {"template piece of neither kind", "/post_processor/single/1", "{\"Text\": 1}",
     "post_processor.single[1]"},
    {"fewer tokens than ids", "/post_processor/special_tokens/S/tokens", "[]", "special_tokens.S"},
    {"type id out of range", "/post_processor/single/0/SpecialToken/type_id", "-1", "type_id"},
    {"two templates", "/post_processor",
     R"({"type": "Sequence", "processors": [
         {"type": "TemplateProcessing", "single": [], "pair": [], "special_tokens": {}},
         {"type": "TemplateProcessing", "single": [], "pair": [], "special_tokens": {}}]})",
     "processors[1]"},
    {"separator without id", "/post_processor",
     R"({"type": "BertProcessing", "sep": ["[SEP]"], "cls": ["[CLS]", 2]})", "post_processor.sep"},
    {"unknown decoder", "/decoder/decoders/0/type", "\"Rot13\"", "decoder.decoders[0].type"},
    {"decoder strips a negative number", "/decoder",
     R"({"type": "Strip", "content": " ", "start": -1, "stop": 0})", "decoder.start"},
    {"truncation to a negative length", "/truncation", R"({"max_length": -5})", "truncation.max_length"},
    {"unknown truncation", "/truncation", R"({"max_length": 5, "strategy": "Middle"})",
     "truncation.strategy"},
    {"padding to a gigantic length", "/padding", R"({"strategy": {"Fixed": 1000000000000}})", "Fixed"},
    {"Unigram without scores", "/model", R"({"type": "Unigram", "unk_id": 0, "vocab": ["a"]})",
     "model.vocab"},
    {"Unigram with a score as text", "/model", R"({"type": "Unigram", "vocab": [["a", "0"]]})",
     "model.vocab"},
    {"Unigram with unknown id beyond its pieces", "/model",
     R"({"type": "Unigram", "unk_id": 1, "vocab": [["a", 0]]})", "model.unk_id"},
    {"WordPiece with a negative limit", "/model",
     R"({"type": "WordPiece", "vocab": {}, "max_input_chars_per_word": -3})", "max_input_chars_per_word"},
};

INSTANTIATE_TEST_SUITE_P(All, BrokenTokenizer, testing::ValuesIn(cases), [](const auto& parameter) {
    std::string name;
    for (const char c : std::string(parameter.param.what))
        name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
    return name;
});

TEST(BrokenTokenizers, TheSoundOneIsAccepted) {
    const auto tokenizer = Tokenizer::fromJson(sound, "sound.json");
    EXPECT_EQ(tokenizer->encode("AB-a").ids, (std::vector<std::int64_t>{4, 3, 1}));
}

TEST(BrokenTokenizers, DeepNestingIsRefused) {
    std::string deep(100'000, '[');
    deep.append(100'000, ']');
    EXPECT_THROW(static_cast<void>(Tokenizer::fromJson(deep, "deep.json")), InputError);
    std::string sequence = R"({"type": "Lowercase"})";
    std::string front;
    std::string back;
    for (int i = 0; i < 500; ++i) {
        front += R"({"type": "Sequence", "normalizers": [)";
        back += "]}";
    }
    sequence = front + sequence + back;
    EXPECT_THROW(static_cast<void>(Tokenizer::fromJson(R"({"normalizer": )" + sequence + "}", "deep.json")),
                 InputError);
}

TEST(BrokenTokenizers, NoJsonIsRefused) {
    for (const char* text : {"", "{", "nonsense", "\xFF\xFE", "[]", "null", "\"text\"", "1e999"})
        EXPECT_THROW(static_cast<void>(Tokenizer::fromJson(text, "x.json")), InputError) << text;
}

TEST(BrokenTokenizers, AnExpressionThatExplodesEndsInAnError) {
    Json json = Json::parse(sound);
    json["normalizer"]["normalizers"][0]["pattern"]["Regex"] = "^(a|aa)+$(?<!a)";
    const auto tokenizer = Tokenizer::fromJson(json.dump(), "explosive.json");
    try {
        static_cast<void>(tokenizer->encode(std::string(5000, 'a')));
        FAIL() << "it came to an end";
    } catch (const InputError& error) {
        EXPECT_NE(std::string(error.what()).find("too much time"), std::string::npos) << error.what();
    }
}

TEST(BrokenTokenizers, AWordWithoutAnyTokenIsAnErrorNotAWrongId) {
    Json json = Json::parse(sound);
    json["model"]["unk_token"] = "[NONE]";
    const auto tokenizer = Tokenizer::fromJson(json.dump(), "without.json");
    try {
        static_cast<void>(tokenizer->encode("q"));
        FAIL() << "it has no token for q";
    } catch (const InputError& error) {
        EXPECT_NE(std::string(error.what()).find("\"q\""), std::string::npos) << error.what();
        EXPECT_NE(std::string(error.what()).find("without.json"), std::string::npos) << error.what();
    }
}

TEST(BrokenTokenizers, MutatedFilesAreRefusedOrWork) {
    const std::string text = readTextFile(goldenFolder("turkish-wordpiece") / "tokenizer.json");
    EXPECT_TRUE(rc::check("a file with a few wrong bytes", [&] {
        std::string mutated = text;
        const int count = *rc::gen::inRange(1, 6);
        for (int i = 0; i < count; ++i) {
            // Most of the file is vocabulary; the part before it is where the structure is.
            const auto limit = *rc::gen::arbitrary<bool>() ? std::size_t{2500} : mutated.size();
            mutated[*rc::gen::inRange<std::size_t>(0, limit)] =
                *rc::gen::element('"', '{', '}', '[', ']', ',', ':', '0', '9', '-', 'n', 't', '\\', ' ');
        }
        try {
            static_cast<void>(Tokenizer::fromJson(mutated, "mutated.json")->encode("Iğdır'da 12 İnsan"));
        } catch (const Error& error) {
            RC_ASSERT(!std::string(error.what()).empty());
        }
    }));
}

TEST(BrokenTokenizers, WrongRequestsAreUsageErrors) {
    const auto tokenizer = goldenTokenizer("bert-cased");
    const auto refuses = [&](auto change) {
        EncodeOptions options;
        options.truncation.emplace();
        options.padding.emplace();
        change(options);
        EXPECT_THROW(static_cast<void>(tokenizer->encode("one two three four five six", options)),
                     UsageError);
    };
    refuses([](EncodeOptions& o) { o.truncation->maxLength = -1; });
    refuses([](EncodeOptions& o) { o.truncation->maxLength = 1; });
    refuses([](EncodeOptions& o) { o.truncation->stride = -1; });
    refuses([](EncodeOptions& o) {
        o.truncation->maxLength = 5;
        o.truncation->stride = 3;
    });
    refuses([](EncodeOptions& o) {
        o.truncation->maxLength = 4;
        o.truncation->strategy = TruncationStrategy::OnlySecond;
    });
    refuses([](EncodeOptions& o) { o.padding->length = std::int64_t{1} << 60U; });
    refuses([](EncodeOptions& o) { o.padding->multipleOf = -4; });
    EncodeOptions padded;
    padded.padding.emplace();
    EXPECT_THROW(static_cast<void>(goldenTokenizer("gpt2")->encode("x", padded)), UsageError);
}

} // namespace
} // namespace orrery::text
