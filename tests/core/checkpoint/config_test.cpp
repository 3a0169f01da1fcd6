// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/config.h"
#include "sample_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace orrery::checkpoint {
namespace {

using testing::AllOf;
using testing::HasSubstr;

ModelConfig config(const char* text) {
    return {Json::parse(text), "dir/config.json"};
}

TEST(ModelConfig, ReadsAModelsFolder) {
    const auto bert = ModelConfig::read(golden / "hf/bert-mlm");
    EXPECT_EQ(bert.modelType(), "bert");
    EXPECT_EQ(bert.architectures(), (std::vector<std::string>{"BertForMaskedLM"}));
    EXPECT_EQ(bert.integer({"hidden_size", "n_embd"}), 32);
    EXPECT_EQ(bert.integer({"n_embd", "hidden_size"}), 32);
    EXPECT_EQ(bert.quotient({"hidden_size"}, {"num_attention_heads"}), 8);
    EXPECT_DOUBLE_EQ(bert.real({"layer_norm_eps"}), 1e-12);
    EXPECT_EQ(bert.text({"hidden_act"}), "gelu");
    EXPECT_TRUE(bert.boolean({"use_cache"}));
    EXPECT_FALSE(bert.has("eos_token_id")); // null is as good as missing
    EXPECT_EQ(bert.optionalInteger({"eos_token_id"}), std::nullopt);
    EXPECT_EQ(bert.labels(), (std::vector<std::string>{"LABEL_0", "LABEL_1"}));
    const TemporaryFolder folder;
    EXPECT_THAT(sentenceOf([&] { (void)ModelConfig::read(folder.path()); }), HasSubstr("config.json"));
    EXPECT_THAT(sentenceOf([&] { (void)ModelConfig::read(folder / "x.json"); }), HasSubstr("does not exist"));
}

TEST(ModelConfig, DefaultsStandInForMissingKeysOnly) {
    const auto c = config(R"({"a": 3, "n": null, "t": "x", "l": [1, 2], "f": 768.0, "r": 2})");
    EXPECT_EQ(c.integer({"b"}, 7), 7);
    EXPECT_EQ(c.integer({"n"}, 7), 7);
    EXPECT_EQ(c.integer({"n", "a"}, 7), 3);
    EXPECT_EQ(c.integer({"f"}), 768);
    EXPECT_EQ(c.real({"r"}), 2.0);
    EXPECT_EQ(c.real({"s"}, 0.5), 0.5);
    EXPECT_EQ(c.text({"u"}, "y"), "y");
    EXPECT_EQ(c.boolean({"u"}, true), true);
    EXPECT_EQ(c.integers({"l"}), (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(c.integers({"a"}), (std::vector<std::int64_t>{3}));
    EXPECT_EQ(c.reals({"m"}, {0.5}), (std::vector<double>{0.5}));
    EXPECT_TRUE(c.architectures().empty());
    EXPECT_THAT(sentenceOf([&] { (void)c.integer({"t"}, 7); }), HasSubstr("\"x\""));
}

TEST(ModelConfig, NamesTheFileTheKeyAndTheRemedy) {
    const auto c = config(R"({"text": "x", "negative": -4, "huge": 4294967296, "half": 0.5, "flag": true,
                              "zero": 0, "h": 10, "heads": 3, "list": [1, -2], "more": 18446744073709551615})");
    const auto integer = [&](std::string_view key) { return sentenceOf([&] { (void)c.integer({key}); }); };
    EXPECT_THAT(sentenceOf([&] {
                    (void)c.integer({"hidden_size", "n_embd"});
                }),
                AllOf(HasSubstr("dir/config.json"), HasSubstr("\"hidden_size\""), HasSubstr("\"n_embd\""),
                      HasSubstr("download")));
    for (const char* key : {"text", "negative", "huge", "half", "flag", "list", "more"})
        EXPECT_THAT(integer(key),
                    AllOf(HasSubstr("dir/config.json"), HasSubstr(key), HasSubstr("whole number")));
    EXPECT_EQ(c.integerIn({"negative"}, {-100, 100}), -4);
    EXPECT_THAT(sentenceOf([&] { (void)c.positive({"zero"}); }), HasSubstr("from 1"));
    EXPECT_THAT(sentenceOf([&] {
                    (void)c.quotient({"h", "hidden"}, {"heads"});
                }),
                AllOf(HasSubstr("\"h\" is 10"), HasSubstr("\"heads\" = 3"), HasSubstr("does not divide")));
    EXPECT_THAT(sentenceOf([&] { (void)c.integers({"list"}); }), HasSubstr("list[1]"));
    EXPECT_THAT(sentenceOf([&] { (void)c.boolean({"zero"}); }), HasSubstr("true or false"));
    EXPECT_THAT(sentenceOf([&] { (void)c.real({"flag"}); }), HasSubstr("a number"));
    EXPECT_THAT(sentenceOf([&] { (void)c.text({"zero"}); }), HasSubstr("a text"));
    EXPECT_THAT(sentenceOf([&] { (void)c.texts({"list"}); }), HasSubstr("list[0]"));
    EXPECT_THAT(sentenceOf([] { (void)config("[1]"); }), HasSubstr("object"));
    EXPECT_THAT(std::string(c.error("h", "which is odd").what()), HasSubstr("\"h\" is 10, which is odd."));
}

TEST(ModelConfig, SectionsNameTheirPlace) {
    const auto c =
        config(R"({"text_config": {"hidden_size": "x"}, "number": 3, "blocks": [{"n": 1}, {"n": -1}]})");
    EXPECT_THAT(sentenceOf([&] { (void)c.section("text_config").integer({"hidden_size"}); }),
                HasSubstr("\"text_config.hidden_size\""));
    EXPECT_THAT(sentenceOf([&] { (void)c.section("vision_config").integer({"hidden_size"}); }),
                HasSubstr("\"vision_config.hidden_size\""));
    EXPECT_THAT(sentenceOf([&] { (void)c.section("number"); }), HasSubstr("object"));
    EXPECT_EQ(c.sections("blocks")[0].integer({"n"}), 1);
    EXPECT_THAT(sentenceOf([&] { (void)c.sections("blocks")[1].integer({"n"}); }), HasSubstr("blocks[1].n"));
}

TEST(ModelConfig, LabelsComeInOrderOfTheirIds) {
    EXPECT_EQ(config(R"({"id2label": {"1": "b", "0": "a", "10": "k", "2": "c"}})").labels().size(), 11U);
    EXPECT_EQ(config(R"({"id2label": {"1": "b", "0": "a"}})").labels(), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(config(R"({"num_labels": 3})").labels().back(), "LABEL_2");
    for (const char* bad : {R"({"id2label": {"x": "b"}})", R"({"id2label": {"-1": "b"}})",
                            R"({"id2label": {"99999999999": "b"}})", R"({"id2label": {"0": 1}})",
                            R"({"id2label": ["a"]})", R"({"num_labels": 1000000000})"})
        EXPECT_THROW((void)config(bad).labels(), InputError) << bad;
}

TEST(ModelConfig, ReadsPythonsInfinity) {
    const TemporaryFolder folder;
    writeBytes(
        folder / "config.json",
        R"({"a": Infinity, "b": -Infinity, "c": NaN, "d": "say \"NaN\" -Infinity", "e": [0.0, Infinity],
                   "f": {"__float__": "Infinity"}})");
    const auto c = ModelConfig::read(folder.path());
    EXPECT_TRUE(std::isinf(c.real({"a"})));
    EXPECT_LT(c.real({"b"}), 0);
    EXPECT_THAT(sentenceOf([&] { (void)c.real({"c"}); }), HasSubstr("a number"));
    EXPECT_EQ(c.text({"d"}), "say \"NaN\" -Infinity");
    EXPECT_TRUE(std::isinf(c.reals({"e"})[1]));
    EXPECT_TRUE(std::isinf(c.real({"f"})));
}

} // namespace
} // namespace orrery::checkpoint
