// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "base/random.h"
#include "probe/attention_pattern.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <vector>

namespace orrery::probe {
namespace {

/// A random problem with its pattern computed the plain way in double.
struct Case {
    AttentionPattern::Parts parts;
    std::vector<double> expected; ///< [B, H, L, S]
};

Case makeCase(std::int64_t batch, std::int64_t heads, std::int64_t groups, std::int64_t rows,
              std::int64_t columns, bool causal, bool masked, std::uint64_t seed) {
    constexpr std::int64_t size = 8;
    Generator generator(seed);
    const auto random = [&](const Shape& shape) {
        Tensor tensor = Tensor::empty(shape);
        for (float& value : tensor.mutableData<float>())
            value = static_cast<float>(generator.normal());
        return tensor;
    };
    Case result;
    AttentionPattern::Parts& parts = result.parts;
    parts.query = random({batch, rows, heads, size});
    parts.key = random({batch, columns, groups, size});
    parts.lse = Tensor::empty({batch, heads, rows});
    parts.scale = 0.4;
    parts.causal = causal;
    parts.queryOffset = columns - rows;
    if (masked) {
        parts.keyMask = Tensor::full({batch, columns}, 1, DType::U8);
        for (std::int64_t j = 0; j < columns; ++j)
            if (generator.below(3) == 0)
                parts.keyMask.mutableData<std::uint8_t>()[static_cast<std::size_t>(j)] = 0;
    }
    for (std::int64_t b = 0; b < batch; ++b)
        for (std::int64_t h = 0; h < heads; ++h)
            for (std::int64_t i = 0; i < rows; ++i) {
                std::vector<double> row(static_cast<std::size_t>(columns));
                double sum = 0;
                for (std::int64_t j = 0; j < columns; ++j) {
                    double score = 0;
                    for (std::int64_t t = 0; t < size; ++t)
                        score += parts.query.at({b, i, h, t}) * parts.key.at({b, j, h / (heads / groups), t});
                    const bool seen =
                        (!causal || j <= i + parts.queryOffset) && (!masked || parts.keyMask.at({b, j}) != 0);
                    row[static_cast<std::size_t>(j)] = seen ? std::exp(parts.scale * score) : 0;
                    sum += row[static_cast<std::size_t>(j)];
                }
                parts.lse.mutableData<float>()[static_cast<std::size_t>((b * heads + h) * rows + i)] =
                    static_cast<float>(std::log(sum));
                for (const double weight : row)
                    result.expected.push_back(sum > 0 ? weight / sum : 0);
            }
    return result;
}

RC_GTEST_PROP(AttentionPattern, TilesAreThePlainSoftmax, ()) {
    const auto groups = *rc::gen::inRange<std::int64_t>(1, 3);
    const auto heads = groups * *rc::gen::inRange<std::int64_t>(1, 3);
    const auto columns = *rc::gen::inRange<std::int64_t>(1, 40);
    const auto rows = *rc::gen::inRange<std::int64_t>(1, columns + 1);
    const bool masked = *rc::gen::arbitrary<bool>();
    const Case made = makeCase(2, heads, groups, rows, columns, *rc::gen::arbitrary<bool>(), masked, 7);
    const AttentionPattern pattern(made.parts);
    RC_ASSERT(pattern.groupSize() == heads / groups);
    const std::vector<float> full = pattern.full().toFloats();
    RC_ASSERT(full.size() == made.expected.size());
    for (std::size_t i = 0; i < full.size(); ++i)
        RC_ASSERT(std::abs(static_cast<double>(full[i]) - made.expected[i]) < 2e-6);
    // Any tile is that part of the whole.
    const auto matrix = pattern.matrix(1, static_cast<int>(heads) - 1);
    const auto row = *rc::gen::inRange<std::int64_t>(0, rows);
    const auto column = *rc::gen::inRange<std::int64_t>(0, columns);
    const auto rowCount = *rc::gen::inRange<std::int64_t>(1, rows - row + 1);
    const auto columnCount = *rc::gen::inRange<std::int64_t>(1, columns - column + 1);
    std::vector<float> tile(static_cast<std::size_t>(rowCount * columnCount));
    matrix->tile(row, column, rowCount, columnCount, tile);
    const std::size_t base = full.size() - static_cast<std::size_t>(rows * columns);
    for (std::int64_t i = 0; i < rowCount; ++i)
        for (std::int64_t j = 0; j < columnCount; ++j)
            RC_ASSERT(std::abs(tile[static_cast<std::size_t>(i * columnCount + j)] -
                               full[base + static_cast<std::size_t>((row + i) * columns + column + j)]) <
                      2e-6F);
}

TEST(AttentionPattern, PooledIsTheMeanOfCells) {
    const Case made = makeCase(1, 2, 2, 50, 50, true, false, 11);
    const AttentionPattern pattern(made.parts);
    const auto matrix = pattern.matrix(0, 1);
    const std::vector<float> pooled = matrix->pooled(8);
    ASSERT_EQ(pooled.size(), 49U);
    for (std::int64_t r = 0; r < 7; ++r)
        for (std::int64_t c = 0; c < 7; ++c) {
            double sum = 0;
            int count = 0;
            for (std::int64_t i = r * 8; i < std::min<std::int64_t>(50, r * 8 + 8); ++i)
                for (std::int64_t j = c * 8; j < std::min<std::int64_t>(50, c * 8 + 8); ++j, ++count)
                    sum += made.expected[static_cast<std::size_t>(2500 + i * 50 + j)];
            EXPECT_NEAR(pooled[static_cast<std::size_t>(r * 7 + c)], sum / count, 1e-6);
        }
}

TEST(AttentionPattern, MeanOverHeads) {
    const Case made = makeCase(1, 4, 2, 6, 6, false, false, 12);
    const auto mean = AttentionPattern(made.parts).meanOverHeads(0);
    double sum = 0;
    for (int h = 0; h < 4; ++h)
        sum += made.expected[static_cast<std::size_t>(h * 36 + 3 * 6 + 2)] / 4;
    EXPECT_NEAR(mean->at(3, 2), sum, 1e-6);
}

TEST(AttentionPattern, DensePatternsGiveTheirNumbers) {
    Tensor dense = Tensor::zeros({1, 2, 2, 3});
    dense.mutableData<float>()[11] = 5;
    const AttentionPattern pattern(dense);
    EXPECT_FALSE(pattern.lazy());
    EXPECT_EQ(pattern.matrix(0, 1)->at(1, 2), 5);
    EXPECT_THROW(static_cast<void>(pattern.scores()), UsageError);
    EXPECT_THROW(static_cast<void>(pattern.matrix(0, 2)), UsageError);
}

} // namespace
} // namespace orrery::probe
