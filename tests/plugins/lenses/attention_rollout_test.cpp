// SPDX-License-Identifier: GPL-3.0-or-later
#include "attention_rollout.h"
#include "plugins/demo_models.h"

#include <rapidcheck.h>

#include <cmath>
#include <numeric>

namespace orrery::lenses {
namespace {

std::shared_ptr<const figure::MatrixSource> randomPattern(std::int64_t n, Generator& generator) {
    std::vector<float> values;
    for (std::int64_t i = 0; i < n; ++i) {
        std::vector<double> row;
        double sum = 0;
        for (std::int64_t j = 0; j < n; ++j)
            sum += row.emplace_back(generator.uniform());
        for (const double value : row)
            values.push_back(static_cast<float>(value / sum));
    }
    return std::make_shared<figure::DenseMatrix>(n, n, std::move(values));
}

TEST(AttentionRollout, RowsSumToOneAndTheRowAloneAgrees) {
    rc::check([](std::uint8_t size, std::uint8_t layerCount, std::uint32_t seed, std::uint8_t mode) {
        const std::int64_t n = size % 30 + 1;
        Generator generator(seed);
        std::vector<MixedLayer> layers;
        for (int layer = 0; layer <= layerCount % 4; ++layer)
            layers.emplace_back(std::vector{randomPattern(n, generator), randomPattern(n, generator)},
                                static_cast<MixedLayer::Reduction>(mode % 3), 0.5);
        const auto whole = rollout(layers, {});
        const auto row = static_cast<std::int64_t>(seed % static_cast<std::uint32_t>(n));
        const auto alone = rolloutRow(layers, row, {});
        double sum = 0;
        for (std::int64_t j = 0; j < n; ++j) {
            sum += whole[static_cast<std::size_t>(row * n + j)];
            RC_ASSERT(std::fabs(whole[static_cast<std::size_t>(row * n + j)] -
                                alone[static_cast<std::size_t>(j)]) < 1e-5);
        }
        RC_ASSERT(std::fabs(sum - 1) < 1e-4);
    });
}

TEST(AttentionRollout, WithResidualOneNothingMoves) {
    Generator generator(3);
    const std::vector<MixedLayer> layers{{{randomPattern(5, generator)}, MixedLayer::Reduction::Mean, 1.0}};
    const auto whole = rollout(layers, {});
    for (std::size_t i = 0; i < 5; ++i)
        for (std::size_t j = 0; j < 5; ++j)
            EXPECT_FLOAT_EQ(whole[i * 5 + j], i == j ? 1.0F : 0.0F);
}

TEST(AttentionRollout, TwoLayersByHand) {
    // A = [[1, 0], [0.5, 0.5]] in both layers, residual 0.5: A' = [[1, 0], [0.25, 0.75]], R = A' A'.
    const auto pattern = std::make_shared<figure::DenseMatrix>(2, 2, std::vector<float>{1, 0, 0.5F, 0.5F});
    const std::vector<MixedLayer> layers{{{pattern}, MixedLayer::Reduction::Mean, 0.5},
                                         {{pattern}, MixedLayer::Reduction::Mean, 0.5}};
    const auto whole = rollout(layers, {});
    EXPECT_NEAR(whole[2], 0.25 + 0.75 * 0.25, 1e-6);
    EXPECT_NEAR(whole[3], 0.75 * 0.75, 1e-6);
}

TEST(AttentionRollout, OnRealModelsCausalRolloutStaysCausal) {
    const auto lens = test::loadedPart<analyze::Analyzer>(ORRERY_PLUGIN_FILE, "attention_rollout");
    const auto model = test::demoModel("docs-gpt");
    auto request = analyze::makeRequest(*lens, model, "Compute the number of samples in the input array.");
    request.options.assign("position=-1");
    const auto figures = analyze::runAnalysis(*lens, request);
    const auto& map = std::get<figure::Heatmap>(test::figureNamed(figures, "rollout").body);
    for (std::int64_t i = 0; i < map.values->rows(); ++i)
        for (std::int64_t j = i + 1; j < map.values->columns(); ++j)
            ASSERT_EQ(map.values->at(i, j), 0);
    const auto& strip = std::get<figure::TokenStrip>(test::figureNamed(figures, "rollout_tokens").body);
    EXPECT_NEAR(std::accumulate(strip.scores[0].values.begin(), strip.scores[0].values.end(), 0.0), 1, 1e-4);
    request.options.assign("first_layer=9");
    EXPECT_THROW((void)analyze::runAnalysis(*lens, request), UsageError);
    request.options.assign("first_layer=0");
    request.options.assign("position=1000");
    EXPECT_THROW((void)analyze::runAnalysis(*lens, request), UsageError);
}

} // namespace
} // namespace orrery::lenses
