// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "generate/generate.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <map>

namespace orrery::generate {
namespace {

const model::Model& gpt() {
    static const auto model = model::Model::open(ORRERY_GOLDEN_DIR "/hf/gpt2");
    return *model;
}

std::vector<std::int64_t> ids(const Generation& generation) {
    return generation.ids.toIntegers();
}

TEST(Generate, GreedyIsTheRecordedContinuation) {
    for (const char* file : {"expected.safetensors", "expected-leftpad.safetensors"})
        for (const bool useCache : {true, false}) {
            const auto expected =
                checkpoint::Checkpoint::open(std::filesystem::path(ORRERY_GOLDEN_DIR "/hf/gpt2") / file);
            model::ModelInput prompt;
            prompt.inputIds = expected->tensor("input.input_ids");
            if (expected->contains("input.attention_mask"))
                prompt.attentionMask = expected->tensor("input.attention_mask");
            GenerateOptions options;
            options.maxNewTokens = 12;
            options.useCache = useCache;
            const Generation made = generate(gpt(), prompt, greedy(), {}, options);
            EXPECT_EQ(ids(made), expected->tensor("output.generated_ids").toIntegers()) << file << useCache;
            EXPECT_EQ(made.stepSeconds.size(), 11U);
            EXPECT_EQ(made.cacheBytes > 0, useCache);
        }
}

TEST(Generate, TheDemoModelContinuesAsRecorded) {
    const auto model = model::Model::open(ORRERY_SOURCE_DIR "/resources/models/docs-gpt");
    const auto expected =
        checkpoint::Checkpoint::open(ORRERY_SOURCE_DIR "/resources/models/docs-gpt/expected.safetensors");
    const std::vector<std::int64_t> wanted = expected->tensor("output.generated_ids").toIntegers();
    const std::vector<std::int64_t> inputs = expected->tensor("input.input_ids").toIntegers();
    // The recorded ids begin with their own prompt; how long it is follows from the note: 3 tokens.
    const model::ModelInput prompt = model::ModelInput::ofIds({wanted[0], wanted[1], wanted[2]});
    GenerateOptions options;
    options.maxNewTokens = static_cast<std::int64_t>(wanted.size()) - 3;
    EXPECT_EQ(ids(generate(*model, prompt, greedy(), {}, options)), wanted);
    EXPECT_FALSE(inputs.empty());
}

RC_GTEST_PROP(Generate, WithAndWithoutCacheAgreeForOneSeed, ()) {
    const auto length = *rc::gen::inRange<std::size_t>(1, 12);
    const auto prompt = model::ModelInput::ofIds(
        *rc::gen::container<std::vector<std::int64_t>>(length, rc::gen::inRange<std::int64_t>(0, 110)));
    OptionValues values(sampling().options());
    values.set("temperature", 0.5);
    values.set("top_k", std::int64_t{5});
    GenerateOptions options;
    options.maxNewTokens = 6;
    options.seed = *rc::gen::arbitrary<std::uint64_t>();
    const auto with = ids(generate(gpt(), prompt, sampling(), values, options));
    RC_ASSERT(with == ids(generate(gpt(), prompt, sampling(), values, options)));
    options.useCache = false;
    RC_ASSERT(with == ids(generate(gpt(), prompt, sampling(), values, options)));
}

TEST(Generate, StopsAtStopIdsAtTheEndOfTheContextAndWhenTold) {
    const auto prompt = model::ModelInput::ofIds({5, 6, 7});
    GenerateOptions options;
    options.maxNewTokens = 100;
    const Generation full = generate(gpt(), prompt, greedy(), {}, options);
    EXPECT_EQ(full.reasons, std::vector{StopReason::Context});
    EXPECT_EQ(full.ids.size(1), gpt().maxPositions() + 1);
    options.stopIds = {ids(full)[4]};
    const Generation stopped = generate(gpt(), prompt, greedy(), {}, options);
    EXPECT_EQ(stopped.reasons, std::vector{StopReason::StopId});
    EXPECT_LE(stopped.ids.size(1), 5);
    options.stopIds.clear();
    int calls = 0;
    options.onTokens = [&](std::span<const std::int64_t> said) {
        EXPECT_EQ(said.size(), 1U);
        return ++calls < 3;
    };
    EXPECT_EQ(generate(gpt(), prompt, greedy(), {}, options).ids.size(1), 6);
}

TEST(Generate, RefusesWhatCannotContinue) {
    const auto bert = model::Model::open(ORRERY_GOLDEN_DIR "/hf/bert-qa");
    EXPECT_THROW(static_cast<void>(generate(*bert, model::ModelInput::ofIds({5}), greedy(), {}, {})),
                 UsageError);
    const auto rightPadded = model::ModelInput::ofIds({{5}, {5, 6}}, 0);
    EXPECT_THROW(static_cast<void>(generate(gpt(), rightPadded, greedy(), {}, {})), UsageError);
}

TEST(Sampling, DrawsFromTheCutDistribution) {
    const std::vector<float> logits{2, 1, 0, -1, 1.5F};
    OptionValues values(sampling().options());
    values.set("top_k", std::int64_t{3});
    const auto decoder = sampling().start(values);
    Generator generator(1);
    std::map<std::int64_t, int> counts;
    constexpr int draws = 20000;
    for (int i = 0; i < draws; ++i) {
        std::vector<float> copy = logits;
        ++counts[decoder->next(copy, {}, generator)];
    }
    const double total = std::exp(2.0) + std::exp(1.5) + std::exp(1.0);
    EXPECT_EQ(counts.size(), 3U);
    EXPECT_NEAR(counts[0] / static_cast<double>(draws), std::exp(2.0) / total, 0.015);
    EXPECT_NEAR(counts[4] / static_cast<double>(draws), std::exp(1.5) / total, 0.015);
    EXPECT_NEAR(counts[1] / static_cast<double>(draws), std::exp(1.0) / total, 0.015);
}

TEST(Sampling, TopPKeepsTheSmallestSetAndZeroTemperatureIsGreedy) {
    const std::vector<float> logits{3, 0, 0, 0};
    OptionValues values(sampling().options());
    values.set("top_p", 0.5);
    Generator generator(2);
    const auto narrow = sampling().start(values);
    for (int i = 0; i < 100; ++i) {
        std::vector<float> copy = logits;
        EXPECT_EQ(narrow->next(copy, {}, generator), 0);
    }
    values.set("top_p", 1.0);
    values.set("temperature", 0.0);
    std::vector<float> copy{0, 1, 4, 2};
    EXPECT_EQ(sampling().start(values)->next(copy, {}, generator), 2);
}

} // namespace
} // namespace orrery::generate
