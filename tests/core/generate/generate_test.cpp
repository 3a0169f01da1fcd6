// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "generate/generate.h"
#include "generate/generation_figures.h"
#include "table_model.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <map>
#include <thread>

namespace orrery::generate {
namespace {

std::shared_ptr<const model::Model> gpt() {
    static const std::shared_ptr<const model::Model> model = model::Model::open(ORRERY_GOLDEN_DIR "/hf/gpt2");
    return model;
}

std::vector<std::int64_t> ids(const Generation& generation) {
    return generation.ids.toIntegers();
}

TokenIds somePrompt(std::size_t least, std::size_t most) {
    const auto length = *rc::gen::inRange<std::size_t>(least, most);
    return *rc::gen::container<std::vector<std::int64_t>>(length, rc::gen::inRange<std::int64_t>(0, 110));
}

OptionValues optionsOf(const DecodingStrategy& strategy, const std::map<std::string, std::string>& set = {}) {
    OptionValues values(strategy.options());
    for (const auto& [name, text] : set)
        values.setText(name, text);
    return values;
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
            const Generation made = generate(*gpt(), prompt, greedy(), {}, options);
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
    const auto prompt = model::ModelInput::ofIds(somePrompt(1, 12));
    const auto values = optionsOf(sampling(), {{"temperature", "0.5"}, {"top_k", "5"}});
    GenerateOptions options;
    options.maxNewTokens = 6;
    options.seed = *rc::gen::arbitrary<std::uint64_t>();
    const auto with = ids(generate(*gpt(), prompt, sampling(), values, options));
    RC_ASSERT(with == ids(generate(*gpt(), prompt, sampling(), values, options)));
    options.useCache = false;
    RC_ASSERT(with == ids(generate(*gpt(), prompt, sampling(), values, options)));
}

/// Beams fork and die, so rows of keys and values move; without a cache everything is computed anew.
RC_GTEST_PROP(Generate, BeamsOfAPaddedBatchWithMovedCachesAreThoseOfRecomputation, ()) {
    const std::vector<TokenIds> prompts{somePrompt(1, 9), somePrompt(1, 9), somePrompt(1, 9)};
    GenerateOptions options;
    options.maxNewTokens = 6;
    options.stopIds = {5, 6, 7, 8, 9, 10, 11, 12}; // some beams and some prompts end early
    const auto values = optionsOf(beamSearch(), {{"num_beams", "3"}, {"num_return_sequences", "2"}});
    CausalStepModel with(*gpt(), {});
    CausalStepModel without(*gpt(), {}, {.useCache = false});
    const Generation moved = generate(with, prompts, beamSearch(), values, options);
    RC_ASSERT(ids(moved) == ids(generate(without, prompts, beamSearch(), values, options)));
    for (std::size_t i = 0; i < prompts.size(); ++i) { // and a prompt does not feel its neighbours
        const Generation alone =
            generate(*gpt(), model::ModelInput::ofIds(prompts[i]), beamSearch(), values, options);
        RC_ASSERT(alone.sequences[0].ids() == moved.sequences[2 * i].ids());
        RC_ASSERT(alone.sequences[1].ids() == moved.sequences[2 * i + 1].ids());
    }
}

TEST(Generate, SeveralContinuationsOfAPromptReadItOnceAndDiffer) {
    GenerateOptions options;
    options.maxNewTokens = 8;
    const auto values = optionsOf(sampling(), {{"num_return_sequences", "5"}});
    const Generation made =
        generate(*gpt(), model::ModelInput::ofIds({5, 6, 7, 8}), sampling(), values, options);
    EXPECT_EQ(made.sequences.size(), 5U);
    EXPECT_EQ(made.prefillTokens, 4);
    std::map<TokenIds, int> different;
    for (const Sequence& sequence : made.sequences)
        ++different[sequence.ids()];
    EXPECT_GT(different.size(), 3U);
    EXPECT_EQ(made.ids.shape(), (Shape{5, 12}));
}

RC_GTEST_PROP(Session, ReusedPrefixesGiveWhatRecomputationGives, ()) {
    Session session(gpt());
    GenerateOptions options;
    options.maxNewTokens = 4;
    TokenIds prompt = somePrompt(2, 12);
    for (int round = 0; round < 4; ++round) {
        const bool beams = *rc::gen::arbitrary<bool>();
        const DecodingStrategy& strategy =
            beams ? beamSearch() : static_cast<const DecodingStrategy&>(greedy());
        const auto values = optionsOf(strategy);
        const Generation made = session.generate(prompt, strategy, values, options);
        RC_ASSERT(ids(made) ==
                  ids(generate(*gpt(), model::ModelInput::ofIds(prompt), strategy, values, options)));
        RC_ASSERT(made.reusedTokens + made.prefillTokens == static_cast<std::int64_t>(prompt.size()));
        prompt = ids(made); // a conversation goes on, or is taken up again earlier
        prompt.resize(*rc::gen::inRange<std::size_t>(1, prompt.size() + 1));
        prompt.push_back(*rc::gen::inRange<std::int64_t>(0, 110));
    }
}

TEST(Session, AFollowingPromptIsNotReadAgain) {
    Session session(gpt());
    GenerateOptions options;
    options.maxNewTokens = 4;
    const Generation first = session.generate({5, 6, 7}, greedy(), {}, options);
    EXPECT_EQ(first.reusedTokens, 0);
    TokenIds next = ids(first);
    next.push_back(9);
    const Generation second = session.generate(next, greedy(), {}, options);
    EXPECT_EQ(second.reusedTokens, 6); // all but the last token of the answer, which nobody had read yet
    EXPECT_EQ(second.prefillTokens, 2);
    EXPECT_EQ(ids(second), ids(generate(*gpt(), model::ModelInput::ofIds(next), greedy(), {}, options)));
}

TEST(Generate, StopsAtStopIdsAtTheEndOfTheContextAndWhenTold) {
    const auto prompt = model::ModelInput::ofIds({5, 6, 7});
    GenerateOptions options;
    options.maxNewTokens = 100;
    const Generation full = generate(*gpt(), prompt, greedy(), {}, options);
    EXPECT_EQ(full.reasons, std::vector{StopReason::Context});
    EXPECT_EQ(full.ids.size(1), gpt()->maxPositions() + 1);
    options.stopIds = {ids(full)[4]};
    const Generation stopped = generate(*gpt(), prompt, greedy(), {}, options);
    EXPECT_EQ(stopped.reasons, std::vector{StopReason::StopId});
    EXPECT_LE(stopped.ids.size(1), 5);
    options.stopIds.clear();
    int calls = 0;
    options.onToken = [&](const TokenEvent& event) {
        EXPECT_EQ(event.sequence, 0U);
        return ++calls < 3;
    };
    const Generation told = generate(*gpt(), prompt, greedy(), {}, options);
    EXPECT_EQ(told.ids.size(1), 6);
    EXPECT_EQ(told.reasons, std::vector{StopReason::Callback});
    options.onToken = {};
    options.maxLength = 5;
    EXPECT_EQ(generate(*gpt(), prompt, greedy(), {}, options).ids.size(1), 5);
    options.maxLength = 3;
    EXPECT_THROW(static_cast<void>(generate(*gpt(), prompt, greedy(), {}, options)), UsageError);
}

TEST(Generate, ContextShiftGoesOnFromTheLastHalf) {
    const std::int64_t positions = gpt()->maxPositions();
    GenerateOptions options;
    options.maxNewTokens = 2 * positions;
    options.contextShift = true;
    options.contextKeep = 2;
    const Generation made = generate(*gpt(), model::ModelInput::ofIds({5, 6, 7}), greedy(), {}, options);
    EXPECT_EQ(made.newTokens, 2 * positions);
    EXPECT_GT(made.contextShifts, 1);
    // The token after the first shift is what follows the kept part.
    const TokenIds all = ids(made);
    const std::int64_t half = (positions - 2) / 2;
    TokenIds part{all[0], all[1]};
    part.insert(part.end(), all.begin() + positions + 1 - half, all.begin() + positions + 1);
    GenerateOptions one;
    one.maxNewTokens = 1;
    EXPECT_EQ(all[static_cast<std::size_t>(positions) + 1],
              ids(generate(*gpt(), model::ModelInput::ofIds(part), greedy(), {}, one)).back());
    // A prompt that is too long says so, or is shortened.
    const model::ModelInput tooLong =
        model::ModelInput::ofIds(TokenIds(static_cast<std::size_t>(positions) + 1, 5));
    EXPECT_EQ(generate(*gpt(), tooLong, greedy(), {}, options).newTokens, 2 * positions);
    options.contextShift = false;
    try {
        static_cast<void>(generate(*gpt(), tooLong, greedy(), {}, options));
        FAIL();
    } catch (const UsageError& error) {
        EXPECT_NE(std::string(error.what()).find("context_shift"), std::string::npos);
    }
}

TEST(Generate, RefusesWhatCannotContinue) {
    const auto bert = model::Model::open(ORRERY_GOLDEN_DIR "/hf/bert-qa");
    EXPECT_THROW(static_cast<void>(generate(*bert, model::ModelInput::ofIds({5}), greedy(), {}, {})),
                 UsageError);
    const auto rightPadded = model::ModelInput::ofIds({{5}, {5, 6}}, 0);
    EXPECT_THROW(static_cast<void>(generate(*gpt(), rightPadded, greedy(), {}, {})), UsageError);
}

TEST(Generate, IsCancelledWithinATenthOfASecond) {
    TableModel model(2000);
    GenerateOptions options;
    options.maxNewTokens = 100000000;
    CancelToken token;
    const Progress progress({}, token);
    std::chrono::steady_clock::time_point asked;
    std::thread later([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        asked = std::chrono::steady_clock::now();
        token.cancel();
    });
    EXPECT_THROW(static_cast<void>(generate(model, std::vector<TokenIds>{TokenIds{1}}, beamSearch(),
                                            optionsOf(beamSearch()), options, nullptr, progress)),
                 Cancelled);
    later.join();
    EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - asked).count(), 0.1);
}

TEST(Generate, RecordsProbabilitiesAlternativesAndTimesAndDrawsThem) {
    GenerateOptions options;
    options.maxNewTokens = 5;
    options.alternatives = 4;
    const model::ModelInput prompt = model::ModelInput::ofIds({5, 6, 7});
    const Generation made = generate(*gpt(), prompt, greedy(), {}, options);
    const Sequence& sequence = made.sequences.front();
    model::ModelInput whole = model::ModelInput::ofIds(ids(made));
    const Tensor logits = gpt()->run(whole).logits;
    double seconds = 0;
    for (std::size_t i = 0; i < sequence.tokens.size(); ++i) {
        const TokenRecord& token = sequence.tokens[i];
        const std::vector<float> row =
            logits.select(0, 0).select(0, static_cast<std::int64_t>(i) + 2).toFloats();
        double sum = 0;
        for (const float value : row)
            sum += std::exp(static_cast<double>(value));
        EXPECT_NEAR(token.probability,
                    std::exp(static_cast<double>(row[static_cast<std::size_t>(token.id)])) / sum, 1e-5);
        ASSERT_EQ(token.alternatives.size(), 4U);
        EXPECT_EQ(token.alternatives[0].id, token.id);
        EXPECT_GE(token.alternatives[0].probability, token.alternatives[1].probability);
        seconds += token.seconds;
    }
    EXPECT_NEAR(seconds, made.prefillSeconds + made.decodeSeconds(), 0.05);
    EXPECT_GT(made.prefillTokensPerSecond(), 0);
    EXPECT_GT(made.decodeTokensPerSecond(), 0);
    const auto figures = generationFigures(made, 0, [](std::int64_t id) { return std::to_string(id); });
    ASSERT_EQ(figures.size(), 3U);
    const auto& strip = std::get<figure::TokenStrip>(figures[0].body);
    EXPECT_EQ(strip.tokens.size(), 5U);
    EXPECT_EQ(strip.scores.size(), 2U);
    EXPECT_EQ(std::get<figure::Table>(figures[1].body).rows.size(), 5U);
    EXPECT_EQ(std::get<figure::Table>(figures[1].body).columns.size(), 11U);
    EXPECT_THROW(static_cast<void>(generationFigures(made, 1, [](std::int64_t) { return std::string(); })),
                 UsageError);
}

TEST(Generate, Bf16Continues) {
    const auto narrow = model::Model::open(ORRERY_GOLDEN_DIR "/hf/gpt2", {.dtype = DType::BF16});
    GenerateOptions options;
    options.maxNewTokens = 6;
    for (const auto& strategy : builtInStrategies()) {
        if (strategy->info().id == "speculative")
            continue; // needs a second model
        const Generation made =
            generate(*narrow, model::ModelInput::ofIds({5, 6, 7}), *strategy, optionsOf(*strategy), options);
        EXPECT_EQ(made.newTokens, 6) << strategy->info().id;
    }
}

} // namespace
} // namespace orrery::generate
