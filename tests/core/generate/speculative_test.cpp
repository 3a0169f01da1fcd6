// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "generate/generate.h"
#include "table_model.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

namespace orrery::generate {
namespace {

OptionValues optionsOf(const DecodingStrategy& strategy) {
    return OptionValues(strategy.options());
}

RC_GTEST_PROP(Speculative, PromptLookupSaysWhatGreedySaysInNoMoreSteps, ()) {
    TableModel model(3, *rc::gen::inRange<std::uint64_t>(0, 100000), 2, 30);
    const TokenIds prompt = *rc::gen::nonEmpty(
        rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(0, 3)));
    RC_PRE(prompt.size() < 25U);
    GenerateOptions options;
    options.maxNewTokens = *rc::gen::inRange(1, 40);
    options.stopIds = {2};
    options.processors.minNewTokens = 6;
    options.processors.repetitionPenalty = 1.2;
    model.calls = 0;
    const Generation wanted = generate(model, std::vector<TokenIds>{prompt}, greedy(), {}, options);
    const int steps = std::exchange(model.calls, 0);
    const Generation made =
        generate(model, std::vector<TokenIds>{prompt}, promptLookup(), optionsOf(promptLookup()), options);
    RC_ASSERT(made.ids.toIntegers() == wanted.ids.toIntegers());
    RC_ASSERT(made.reasons == wanted.reasons);
    RC_ASSERT(model.calls <= steps);
    RC_ASSERT(made.speculation.modelCalls == model.calls);
    RC_ASSERT(made.speculation.accepted <= made.speculation.drafted);
    RC_ASSERT(made.newTokens <= 1 + made.speculation.accepted + made.speculation.modelCalls);
}

TEST(Speculative, ATextThatRepeatsItselfIsGuessed) {
    // A model that goes round in circles: each token decides the next one.
    class Circle final : public StepModel {
    public:
        Tensor prefill(std::span<const TokenIds> prompts) override { return read(prompts.front()); }
        Tensor step(std::span<const std::int64_t> tokens) override { return read(tokens); }
        Tensor extend(std::span<const std::int64_t> tokens) override { return read(tokens, true); }
        void reorder(std::span<const std::int64_t>) override {}
        void goBack(std::int64_t length) override { m_length = length; }
        [[nodiscard]] bool canGoBack() const override { return true; }
        [[nodiscard]] std::int64_t rows() const override { return 1; }
        [[nodiscard]] std::int64_t length() const override { return m_length; }
        [[nodiscard]] std::int64_t vocabulary() const override { return 5; }
        [[nodiscard]] std::int64_t maxPositions() const override { return 1000; }
        [[nodiscard]] std::size_t stateBytes() const override { return 0; }

    private:
        Tensor read(std::span<const std::int64_t> tokens, bool all = false) {
            m_length += static_cast<std::int64_t>(tokens.size());
            const auto shown = all ? tokens : tokens.last(1);
            Tensor logits = Tensor::zeros({static_cast<std::int64_t>(shown.size()), 5});
            for (std::size_t i = 0; i < shown.size(); ++i)
                logits.mutableData<float>()[i * 5 + static_cast<std::size_t>((shown[i] + 1) % 5)] = 3;
            return logits;
        }
        std::int64_t m_length = 0;
    };
    Circle model;
    GenerateOptions options;
    options.maxNewTokens = 60;
    const Generation made = generate(model, std::vector<TokenIds>{TokenIds{0, 1, 2, 3, 4, 0, 1}},
                                     promptLookup(), optionsOf(promptLookup()), options);
    for (std::size_t i = 0; i < made.sequences[0].tokens.size(); ++i)
        EXPECT_EQ(made.sequences[0].tokens[i].id, static_cast<std::int64_t>((i + 2) % 5));
    EXPECT_EQ(made.newTokens, 60);
    EXPECT_EQ(made.speculation.acceptance(), 1);
    EXPECT_LT(made.speculation.modelCalls, 20);
}

TEST(Speculative, AnAssistantChangesNoToken) {
    const auto model = model::Model::open(ORRERY_GOLDEN_DIR "/hf/gpt2");
    OptionValues values = optionsOf(speculative());
    GenerateOptions options;
    options.maxNewTokens = 20;
    for (const TokenIds& prompt : {TokenIds{5, 6, 7}, TokenIds{1}, TokenIds{40, 40, 40, 2}}) {
        const auto input = model::ModelInput::ofIds(prompt);
        const Generation wanted = generate(*model, input, greedy(), {}, options);
        values.setText("assistant", ORRERY_GOLDEN_DIR "/hf/gpt2"); // guesses like the model itself
        const Generation same = generate(*model, input, speculative(), values, options);
        EXPECT_EQ(same.ids.toIntegers(), wanted.ids.toIntegers());
        EXPECT_GT(same.speculation.acceptance(), 0.9);
        EXPECT_LT(same.speculation.modelCalls, 6);
        const Generation lookup = generate(*model, input, promptLookup(), optionsOf(promptLookup()), options);
        EXPECT_EQ(lookup.ids.toIntegers(), wanted.ids.toIntegers());
    }
}

TEST(Speculative, SaysWhatItNeeds) {
    const auto model = model::Model::open(ORRERY_GOLDEN_DIR "/hf/gpt2");
    const auto one = model::ModelInput::ofIds({5, 6});
    OptionValues values = optionsOf(speculative());
    EXPECT_THROW(static_cast<void>(generate(*model, one, speculative(), values, {})), UsageError);
    values.setText("assistant", ORRERY_SOURCE_DIR "/resources/models/docs-gpt"); // another vocabulary
    EXPECT_THROW(static_cast<void>(generate(*model, one, speculative(), values, {})), UsageError);
    EXPECT_FALSE(promptLookup().takesBatches());
    const auto two = model::ModelInput::ofIds({{5, 6}, {7, 8}}, 0);
    EXPECT_THROW(static_cast<void>(generate(*model, two, promptLookup(), optionsOf(promptLookup()), {})),
                 UsageError);
}

/// The definition, with every state computed anew.
TEST(ContrastiveSearch, TakesTheTokenThatTheEquationNames) {
    const auto model = model::Model::open(ORRERY_GOLDEN_DIR "/hf/gpt2");
    const double alpha = 0.7;
    const std::size_t k = 5;
    OptionValues values = optionsOf(contrastiveSearch());
    values.set("penalty_alpha", alpha);
    values.set("top_k", static_cast<std::int64_t>(k));
    GenerateOptions options;
    options.maxNewTokens = 8;
    const std::vector<TokenIds> prompts{{5, 6, 7}, {9}};
    CausalStepModel steps(*model, {}, {.keepHidden = true});
    const Generation made = generate(steps, prompts, contrastiveSearch(), values, options);
    for (std::size_t prompt = 0; prompt < prompts.size(); ++prompt) {
        TokenIds ids = prompts[prompt];
        for (const TokenRecord& token : made.sequences[prompt].tokens) {
            const std::vector<float> logits = model->run(model::ModelInput::ofIds(ids))
                                                  .logits.select(0, 0)
                                                  .select(0, static_cast<std::int64_t>(ids.size()) - 1)
                                                  .toFloats();
            double sum = 0;
            TokenIds order;
            for (std::size_t id = 0; id < logits.size(); ++id) {
                sum += std::exp(static_cast<double>(logits[id]));
                order.push_back(static_cast<std::int64_t>(id));
            }
            std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
                return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
            });
            double highest = -10;
            std::int64_t best = -1;
            for (std::size_t i = 0; i < k; ++i) {
                TokenIds tried = ids;
                tried.push_back(order[i]);
                const Tensor hidden =
                    model->run(model::ModelInput::ofIds(tried)).lastHidden.select(0, 0).clone();
                const std::vector<float> state = hidden.select(0, hidden.size(0) - 1).toFloats();
                double nearest = -1;
                for (std::int64_t j = 0; j + 1 < hidden.size(0); ++j) {
                    const std::vector<float> other = hidden.select(0, j).toFloats();
                    double product = 0;
                    double a = 0;
                    double b = 0;
                    for (std::size_t d = 0; d < state.size(); ++d) {
                        product += static_cast<double>(state[d]) * static_cast<double>(other[d]);
                        a += static_cast<double>(state[d]) * static_cast<double>(state[d]);
                        b += static_cast<double>(other[d]) * static_cast<double>(other[d]);
                    }
                    nearest = std::max(nearest, product / std::sqrt(a * b));
                }
                const double score =
                    (1 - alpha) * std::exp(static_cast<double>(logits[static_cast<std::size_t>(order[i])])) /
                        sum -
                    alpha * nearest;
                if (score > highest) {
                    highest = score;
                    best = order[i];
                }
            }
            EXPECT_EQ(token.id, best);
            ids.push_back(token.id);
        }
    }
    values.set("penalty_alpha", 0.0);
    EXPECT_EQ(generate(steps, prompts, contrastiveSearch(), values, options).ids.toIntegers(),
              generate(steps, prompts, greedy(), {}, options).ids.toIntegers());
}

} // namespace
} // namespace orrery::generate
