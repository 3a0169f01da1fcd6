// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "generate/generate.h"
#include "generate/generation_config.h"

#include <gtest/gtest.h>

namespace orrery::generate {
namespace {

GenerationConfig config(const std::string& text) {
    return GenerationConfig(checkpoint::ModelConfig::parse(text, "generation_config.json"));
}

OptionValues applied(const std::string& text, const OptionSchema& schema = generationOptions()) {
    OptionValues values(schema);
    config(text).apply(values);
    return values;
}

TEST(GenerationConfig, NamesAStrategy) {
    EXPECT_EQ(config("{}").strategy(), "greedy");
    EXPECT_EQ(config(R"({"num_beams": 1, "do_sample": false, "top_k": null})").strategy(), "greedy");
    EXPECT_EQ(config(R"({"num_beams": 4})").strategy(), "beam_search");
    EXPECT_EQ(config(R"({"do_sample": true})").strategy(), "sampling");
    EXPECT_EQ(config(R"({"do_sample": true, "num_beams": 2})").strategy(), "beam_sampling");
    EXPECT_EQ(config(R"({"penalty_alpha": 0.6, "top_k": 4})").strategy(), "contrastive_search");
    EXPECT_EQ(config(R"({"prompt_lookup_num_tokens": 8})").strategy(), "prompt_lookup");
    for (const auto& strategy : builtInStrategies())
        EXPECT_FALSE(strategy->info().title.empty());
}

TEST(GenerationConfig, GivesValuesToOptionsOfTheSameName) {
    const OptionValues values = applied(R"({
        "eos_token_id": [5, 9], "pad_token_id": 3, "max_new_tokens": 17, "max_length": 200, "repetition_penalty": 1.3,
        "bad_words_ids": [[1, 2], [7]], "sequence_bias": [[[4, 5], -2.5]], "forced_eos_token_id": 9,
        "suppress_tokens": [1, 2], "exponential_decay_length_penalty": [10, 1.5], "transformers_version": "5.17.0"})");
    const GenerateOptions options = toGenerateOptions(values, nullptr);
    EXPECT_EQ(options.stopIds, (std::vector<std::int64_t>{5, 9}));
    EXPECT_EQ(options.padId, 3);
    EXPECT_EQ(options.maxNewTokens, 17);
    EXPECT_EQ(options.maxLength, 0) << "max_new_tokens goes before max_length";
    EXPECT_EQ(options.processors.repetitionPenalty, 1.3);
    EXPECT_EQ(options.processors.badWords, (std::vector<TokenIds>{{1, 2}, {7}}));
    ASSERT_EQ(options.processors.sequenceBias.size(), 1U);
    EXPECT_EQ(options.processors.sequenceBias[0].ids, (TokenIds{4, 5}));
    EXPECT_EQ(options.processors.sequenceBias[0].bias, -2.5);
    EXPECT_EQ(options.processors.forcedEos, (std::vector<std::int64_t>{9}));
    EXPECT_EQ(options.processors.decayStart, 10);
    EXPECT_EQ(options.processors.decayFactor, 1.5);
    EXPECT_EQ(toGenerateOptions(applied(R"({"max_length": 200})"), nullptr).maxLength, 200);
    const OptionValues beams =
        applied(R"({"num_beams": 3, "early_stopping": true, "length_penalty": 0.5})", beamSearch().options());
    EXPECT_EQ(beams.integer("num_beams"), 3);
    EXPECT_EQ(beams.text("early_stopping"), "true");
    EXPECT_EQ(applied(R"({"early_stopping": "never"})", beamSearch().options()).text("early_stopping"),
              "never");
    EXPECT_EQ(applied(R"({"top_k": 0, "temperature": 0.7})", sampling().options()).real("temperature"), 0.7);
}

TEST(GenerationConfig, BrokenValuesNameFileAndKey) {
    const std::vector<std::pair<std::string, std::string>> broken{
        {R"({"max_new_tokens": "many"})", "max_new_tokens"},
        {R"({"max_new_tokens": 0})", "max_new_tokens"},
        {R"({"eos_token_id": [1, "x"]})", "eos_token_id"},
        {R"({"repetition_penalty": -1})", "repetition_penalty"},
        {R"({"bad_words_ids": [1, 2]})", "bad_words_ids"},
        {R"({"bad_words_ids": {"a": 1}})", "bad_words_ids"},
        {R"({"bad_words_ids": [["x"]]})", "bad_words_ids"},
        {R"({"sequence_bias": [[1, 2, 3]]})", "sequence_bias"},
        {R"({"sequence_bias": 3})", "sequence_bias"},
        {R"({"stop_strings": [1]})", "stop_strings"},
        {R"({"max_time": 1e300})", "max_time"}};
    for (const auto& [text, key] : broken)
        try {
            static_cast<void>(applied(text));
            ADD_FAILURE() << text;
        } catch (const InputError& error) {
            EXPECT_NE(std::string(error.what()).find(key), std::string::npos) << error.what();
            EXPECT_NE(std::string(error.what()).find("generation_config.json"), std::string::npos)
                << error.what();
        }
    EXPECT_THROW(static_cast<void>(applied(R"({"early_stopping": "perhaps"})", beamSearch().options())),
                 InputError);
}

TEST(GenerationConfig, ModelsGiveTheirEndsAndPadding) {
    const auto model = model::Model::open(ORRERY_GOLDEN_DIR "/hf/gpt2");
    const OptionValues values = defaultValues(*model);
    EXPECT_EQ(values.integers("eos_token_id"), (std::vector<std::int64_t>{1}));
    EXPECT_GE(values.integer("pad_token_id"), 0);
}

TEST(GenerateOptions, BrokenListsAreRefusedWithTheirForm) {
    const auto with = [](const std::string& name, const std::string& text) {
        OptionValues values(generationOptions());
        values.setText(name, text);
        return toGenerateOptions(values, nullptr);
    };
    EXPECT_EQ(with("logit_bias", "198:-5,12 7:3").processors.sequenceBias.size(), 2U);
    EXPECT_EQ(with("bad_words_ids", "12 7,5").processors.badWords.size(), 2U);
    for (const char* text : {"198", "x:1", "198:much", ":3", "198:nan"})
        EXPECT_THROW(static_cast<void>(with("logit_bias", text)), UsageError) << text;
    EXPECT_THROW(static_cast<void>(with("bad_words_ids", "1 b")), UsageError);
    EXPECT_THROW(static_cast<void>(with("bad_words", "word")), UsageError);
    EXPECT_THROW(static_cast<void>(with("exponential_decay_length_penalty", "5")), UsageError);
}

} // namespace
} // namespace orrery::generate
