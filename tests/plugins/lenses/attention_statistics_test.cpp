// SPDX-License-Identifier: GPL-3.0-or-later
#include "attention_statistics.h"
#include "plugins/demo_models.h"

#include <rapidcheck.h>

#include <cmath>

namespace orrery::lenses {
namespace {

using figure::DenseMatrix;

TEST(AttentionStatistics, KnownPatternsGiveTheirNumbers) {
    const std::int64_t n = 8;
    const std::vector<std::int64_t> queries{0, 1, 2, 3, 4, 5, 6, 7};
    const std::vector<std::uint8_t> first{1, 0, 0, 0, 0, 0, 0, 0};
    const std::vector<std::uint8_t> all(8, 1);
    const DenseMatrix uniform(n, n, std::vector<float>(64, 1.0F / 8));
    const auto spread = headStatistics(uniform, queries, first, all, false, 1.0);
    EXPECT_NEAR(spread.entropy, std::log(8.0), 1e-6);
    EXPECT_NEAR(spread.sink, 1.0 / 8, 1e-6);
    EXPECT_NEAR(spread.sparsity, 0, 1e-6);
    EXPECT_NEAR(spread.distance, 21.0 / 8, 1e-6); // mean of |i - j| over an 8 x 8 grid: (n^2 - 1) / (3 n)

    std::vector<float> previous(64, 0.0F);
    previous[0] = 1;
    for (std::size_t i = 1; i < 8; ++i)
        previous[i * 8 + i - 1] = 1;
    const auto sharp = headStatistics(DenseMatrix(n, n, previous), queries, first, all, true, 0.9);
    EXPECT_NEAR(sharp.entropy, 0, 1e-6);
    EXPECT_NEAR(sharp.distance, 7.0 / 8, 1e-6);
    EXPECT_NEAR(sharp.sink, 2.0 / 8, 1e-6);
}

TEST(AttentionStatistics, NumbersStayInTheirRanges) {
    rc::check([](std::uint8_t size, std::uint32_t seed) {
        const std::int64_t n = size % 40 + 1;
        Generator generator(seed);
        std::vector<float> values;
        for (std::int64_t i = 0; i < n; ++i) {
            std::vector<double> row;
            double sum = 0;
            for (std::int64_t j = 0; j < n; ++j)
                sum += row.emplace_back(generator.uniform() + 1e-9);
            for (const double value : row)
                values.push_back(static_cast<float>(value / sum));
        }
        std::vector<std::int64_t> queries;
        for (std::int64_t i = 0; i < n; i += 2)
            queries.push_back(i);
        const std::vector<std::uint8_t> mask(static_cast<std::size_t>(n), 1);
        const auto got = headStatistics(DenseMatrix(n, n, values), queries, mask, mask, false, 0.9);
        RC_ASSERT(got.entropy >= -1e-6 && got.entropy <= std::log(static_cast<double>(n)) + 1e-5);
        RC_ASSERT(got.distance >= 0 && got.distance <= static_cast<double>(n - 1) + 1e-5);
        RC_ASSERT(got.sparsity >= 0 && got.sparsity < 1);
        RC_ASSERT(std::fabs(got.sink - 1) < 1e-4);
    });
}

TEST(AttentionStatistics, AgreesWithTheWholePatternOfARealModel) {
    const auto lens = test::loadedPart<analyze::Analyzer>(ORRERY_PLUGIN_FILE, "attention_statistics");
    const auto model = test::demoModel("docs-bert");
    const auto request =
        analyze::makeRequest(*lens, model, "Returns the shape of the array along the given axis.");
    const auto figures = analyze::runAnalysis(*lens, request);
    probe::Trace trace({"attentions.*"}, true);
    Context context;
    context.trace = &trace;
    (void)model->run(request.input, context);
    const auto& map = std::get<figure::Heatmap>(test::figureNamed(figures, "entropy").body);
    for (int layer = 0; layer < model->layers(); ++layer) {
        const auto full = trace.tensor("attentions." + std::to_string(layer)).contiguous();
        const auto weights = full.data<float>();
        const auto length = static_cast<std::size_t>(full.size(3));
        for (int head = 0; head < model->headsPerLayer(); ++head) {
            double entropy = 0;
            for (std::size_t i = 0; i < length * length; ++i) {
                const double weight = weights[static_cast<std::size_t>(head) * length * length + i];
                entropy -= weight > 0 ? weight * std::log(weight) : 0;
            }
            EXPECT_NEAR(map.values->at(layer, head), entropy / static_cast<double>(length), 1e-4);
        }
    }
    EXPECT_NE(figures.front().provenance.commandLine.find("--lens attention_statistics"), std::string::npos);
    EXPECT_EQ(figures.front().provenance.model, "docs-bert");
}

} // namespace
} // namespace orrery::lenses
