// SPDX-License-Identifier: GPL-3.0-or-later
#include "measure/tensor_summary.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

namespace orrery::measure {
namespace {

TEST(TensorSummary, OfKnownNumbers) {
    const float infinity = std::numeric_limits<float>::infinity();
    const TensorSummary summary =
        summarizeTensor(Tensor::of<float>({2, 4}, {0, 1, 2, 3, 4, -infinity, infinity, std::nanf("")}));
    EXPECT_EQ(summary.count, 8);
    EXPECT_EQ(summary.nans, 1);
    EXPECT_EQ(summary.infinities, 2);
    EXPECT_EQ(summary.zeros, 1);
    EXPECT_DOUBLE_EQ(summary.minimum, 0);
    EXPECT_DOUBLE_EQ(summary.maximum, 4);
    EXPECT_DOUBLE_EQ(summary.mean, 2);
    EXPECT_DOUBLE_EQ(summary.deviation, std::sqrt(2.0));
    EXPECT_DOUBLE_EQ(summary.norm, std::sqrt(30.0));
    EXPECT_DOUBLE_EQ(summary.quantiles[2], 2);
}

TEST(TensorSummary, WithoutNumbersThereIsNoHistogram) {
    const TensorSummary summary = summarizeTensor(Tensor::of<float>({1}, {std::nanf("")}));
    EXPECT_EQ(summary.nans, 1);
    EXPECT_TRUE(summary.histogram.empty());
}

RC_GTEST_PROP(TensorSummary, HistogramCountsEverythingAndQuantilesRise, ()) {
    const auto ints = *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(-1000, 1000)));
    std::vector<float> values(ints.begin(), ints.end());
    const TensorSummary summary = summarizeTensor(
        Tensor::of<float>({static_cast<std::int64_t>(values.size())}, std::span<const float>(values)));
    RC_ASSERT(std::accumulate(summary.histogram.begin(), summary.histogram.end(), std::int64_t{0}) ==
              static_cast<std::int64_t>(values.size()));
    RC_ASSERT(std::is_sorted(summary.quantiles.begin(), summary.quantiles.end()));
    RC_ASSERT(summary.minimum <= summary.quantiles.front() && summary.quantiles.back() <= summary.maximum);
    RC_ASSERT(summary.minimum <= summary.mean + 1e-9 && summary.mean - 1e-9 <= summary.maximum);
}

} // namespace
} // namespace orrery::measure
