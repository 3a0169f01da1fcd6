// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "generate/generate.h"
#include "table_model.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>
#include <set>

namespace orrery::generate {
namespace {

constexpr float never = -std::numeric_limits<float>::infinity();

std::vector<float> applied(const ProcessorSettings& settings, const TokenIds& ids, std::int64_t promptLength,
                           std::vector<float> scores) {
    for (const auto& processor : makeProcessors(settings, static_cast<std::int64_t>(scores.size())))
        processor->apply({ids, promptLength}, scores);
    return scores;
}

TEST(Processors, RepetitionPenaltyDividesPositiveScoresAndMultipliesNegativeOnesOnce) {
    EXPECT_EQ(applied({.repetitionPenalty = 2}, {0, 1, 1, 0}, 3, {3, -1.5F, 4, 0}),
              (std::vector<float>{1.5F, -3, 4, 0}));
}

TEST(Processors, PresenceAndFrequencyCountTheContinuationOnly) {
    EXPECT_EQ(applied({.presencePenalty = 0.5, .frequencyPenalty = 0.25}, {0, 0, 1, 2, 2}, 2, {1, 1, 1, 1}),
              (std::vector<float>{1, 0.25F, 0, 1}));
}

TEST(Processors, NoNgramIsSaidTwice) {
    // ... 1 2 | 3 1: after 1 came 2; bigrams (1, 2) must not come again.
    EXPECT_EQ(applied({.noRepeatNgram = 2}, {1, 2, 3, 1}, 2, {0, 0, 0, 0}),
              (std::vector<float>{0, 0, never, 0}));
    EXPECT_EQ(applied({.noRepeatNgram = 3}, {1, 2, 3, 1}, 2, {0, 0, 0, 0}), (std::vector<float>{0, 0, 0, 0}));
    EXPECT_EQ(applied({.noRepeatNgram = 1}, {1, 3}, 1, {0, 0, 0, 0}),
              (std::vector<float>{0, never, 0, never}));
}

TEST(Processors, BiasesAndBadWordsLookAtTheWordsBefore) {
    const ProcessorSettings settings{
        .sequenceBias = {{{3}, -2}, {{1, 2}, 5}}, .badWords = {{2, 0}, {1}}, .eosIds = {1}};
    EXPECT_EQ(applied(settings, {0, 1}, 1, {0, 0, 0, 0}), (std::vector<float>{0, 0, 5, -2}));
    EXPECT_EQ(applied(settings, {0, 2}, 1, {0, 0, 0, 0}), (std::vector<float>{never, 0, 0, -2}));
}

TEST(Processors, LengthsForcedTokensAndSuppression) {
    const ProcessorSettings shortest{.minLength = 4, .eosIds = {0, 2}};
    EXPECT_EQ(applied(shortest, {1, 1, 1}, 2, {1, 1, 1}), (std::vector<float>{never, 1, never}));
    EXPECT_EQ(applied(shortest, {1, 1, 1, 1}, 2, {1, 1, 1}), (std::vector<float>{1, 1, 1}));
    const ProcessorSettings newTokens{.minNewTokens = 2, .eosIds = {0}};
    EXPECT_EQ(applied(newTokens, {1, 1, 1}, 2, {1, 1, 1}), (std::vector<float>{never, 1, 1}));
    EXPECT_EQ(applied(newTokens, {1, 1, 1, 1}, 2, {1, 1, 1}), (std::vector<float>{1, 1, 1}));
    EXPECT_EQ(applied({.forcedBos = 1}, {2}, 1, {5, 1, 1}), (std::vector<float>{never, 0, never}));
    EXPECT_EQ(applied({.forcedBos = 1}, {2, 2}, 1, {5, 1, 1}), (std::vector<float>{5, 1, 1}));
    const ProcessorSettings end{.forcedEos = {0}, .maxNewTokens = 3};
    EXPECT_EQ(applied(end, {2, 2}, 1, {5, 1, 1}), (std::vector<float>{5, 1, 1}));
    EXPECT_EQ(applied(end, {2, 2, 2}, 1, {5, 1, 1}), (std::vector<float>{0, never, never}));
    EXPECT_EQ(applied({.suppress = {2}, .suppressAtBegin = {0}}, {1, 1}, 2, {5, 1, 1}),
              (std::vector<float>{never, 1, never}));
    EXPECT_EQ(applied({.suppress = {2}, .suppressAtBegin = {0}}, {1, 1, 1}, 2, {5, 1, 1}),
              (std::vector<float>{5, 1, never}));
    const float nan = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(applied({.removeInvalid = true}, {1}, 1, {nan, 1, never})[0], 0);
    const ProcessorSettings decay{.decayStart = 1, .decayFactor = 2, .eosIds = {0}};
    EXPECT_EQ(applied(decay, {1, 1, 1, 1}, 1, {-1, 1}),
              (std::vector<float>{2, 1})); // two beyond: -1 + |-1| (4 - 1)
    EXPECT_EQ(applied(decay, {1, 1}, 1, {-1, 1}), (std::vector<float>{-1, 1}));
}

TEST(Processors, NamesAreInTheOrderOfTheReference) {
    const ProcessorSettings all{.sequenceBias = {{{1}, 1}},
                                .repetitionPenalty = 2,
                                .presencePenalty = 1,
                                .noRepeatNgram = 2,
                                .badWords = {{1}},
                                .minLength = 1,
                                .minNewTokens = 1,
                                .forcedBos = 1,
                                .forcedEos = {1},
                                .removeInvalid = true,
                                .decayFactor = 2,
                                .suppress = {1},
                                .suppressAtBegin = {1},
                                .eosIds = {0},
                                .maxNewTokens = 3};
    std::vector<std::string> names;
    for (const auto& processor : makeProcessors(all, 4))
        names.emplace_back(processor->name());
    EXPECT_EQ(names, (std::vector<std::string>{
                         "logit_bias", "repetition_penalty", "presence_frequency_penalty",
                         "no_repeat_ngram_size", "bad_words_ids", "min_length", "min_new_tokens",
                         "forced_bos_token_id", "forced_eos_token_id", "remove_invalid_values",
                         "exponential_decay_length_penalty", "suppress_tokens", "begin_suppress_tokens"}));
    EXPECT_TRUE(makeProcessors({}, 4).empty());
}

TEST(Processors, IdsOutsideTheVocabularyAreRefused) {
    EXPECT_THROW(static_cast<void>(makeProcessors({.sequenceBias = {{{4}, 1}}}, 4)), UsageError);
    EXPECT_THROW(static_cast<void>(makeProcessors({.badWords = {{-1}}}, 4)), UsageError);
    EXPECT_THROW(static_cast<void>(makeProcessors({.forcedBos = 9}, 4)), UsageError);
    EXPECT_THROW(static_cast<void>(makeProcessors({.suppress = {4}}, 4)), UsageError);
    EXPECT_THROW(static_cast<void>(makeProcessors({.eosIds = {4}}, 4)), UsageError);
}

RC_GTEST_PROP(Processors, TheContinuationObeysThem, ()) {
    TableModel model(6, *rc::gen::inRange<std::uint64_t>(0, 10000), 4);
    GenerateOptions options;
    options.maxNewTokens = 12;
    options.stopIds = {0};
    options.processors.noRepeatNgram = 3;
    options.processors.minNewTokens = 5;
    options.processors.badWords = {{2, 3}};
    const bool beams = *rc::gen::arbitrary<bool>();
    const DecodingStrategy& strategy = beams ? beamSearch() : static_cast<const DecodingStrategy&>(greedy());
    const Generation made = generate(model, std::vector<TokenIds>{TokenIds{1, 2}}, strategy,
                                     OptionValues(strategy.options()), options);
    TokenIds said{1, 2};
    const TokenIds added = made.sequences[0].ids();
    said.insert(said.end(), added.begin(), added.end());
    std::set<TokenIds> seen;
    for (std::size_t i = 0; i + 3 <= said.size(); ++i)
        RC_ASSERT(seen.insert(TokenIds(said.begin() + static_cast<std::ptrdiff_t>(i),
                                       said.begin() + static_cast<std::ptrdiff_t>(i) + 3))
                      .second);
    for (std::size_t i = 1; i < said.size(); ++i)
        RC_ASSERT(!(said[i - 1] == 2 && said[i] == 3));
    RC_ASSERT(added.size() >= 6U || added.back() != 0);
}

TEST(Processors, WhenNoTokenIsLeftTheSentenceNamesThem) {
    TableModel model(3);
    GenerateOptions options;
    options.processors.suppress = {0, 1, 2};
    try {
        static_cast<void>(generate(model, std::vector<TokenIds>{TokenIds{1}}, greedy(), {}, options));
        FAIL();
    } catch (const UsageError& error) {
        EXPECT_NE(std::string(error.what()).find("suppress_tokens"), std::string::npos);
    }
}

} // namespace
} // namespace orrery::generate
