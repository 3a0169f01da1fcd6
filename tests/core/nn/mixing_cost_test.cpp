// SPDX-License-Identifier: GPL-3.0-or-later
// Costs against counting: the recurrences run with numbers that count, the pairs of sparse patterns one by
// one.
#include "nn/mixing_cost.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <vector>

namespace orrery::nn {
namespace {

/// A number that counts what is done with it.
struct Counted {
    double value = 0;
    static inline std::int64_t operations = 0;
    friend Counted operator+(Counted a, Counted b) { return done(a.value + b.value); }
    friend Counted operator*(Counted a, Counted b) { return done(a.value * b.value); }
    friend Counted exp(Counted a) { return done(std::exp(a.value)); }
    static Counted done(double value) {
        ++operations;
        return {value};
    }
};

/// Equations of kernels/state_scan.h; what the heads of Mamba-2 share is computed once for them.
std::int64_t operationsOfScan(std::int64_t rows, std::int64_t heads, std::int64_t width, std::int64_t states,
                              bool selective) {
    Counted::operations = 0;
    const Counted one{1};
    for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t head = 0; head < heads; ++head) {
            const Counted shared = selective ? one : exp(one * one);
            for (std::int64_t c = 0; c < width; ++c) {
                const Counted taken = one * one; // step x
                Counted y = one * one;           // skip x
                for (std::int64_t n = 0; n < states; ++n) {
                    const Counted decay = selective ? exp(one * one) : shared;
                    const Counted h = decay * one + taken * one;
                    y = y + one * h;
                }
            }
        }
    return Counted::operations;
}

RC_GTEST_PROP(MixingCost, ScansCountTheirOperations, ()) {
    const auto batch = *rc::gen::inRange<std::int64_t>(1, 3);
    const auto length = *rc::gen::inRange<std::int64_t>(1, 6);
    const auto heads = *rc::gen::inRange<std::int64_t>(1, 5);
    const auto width = *rc::gen::inRange<std::int64_t>(1, 4);
    const auto states = *rc::gen::inRange<std::int64_t>(1, 5);
    const std::int64_t channels = heads * width;
    const double selective = static_cast<double>(operationsOfScan(batch * length, channels, 1, states, true));
    RC_ASSERT(selectiveScanCost(batch, length, channels, states).operations == selective);
    const double scalar = static_cast<double>(operationsOfScan(batch * length, heads, width, states, false));
    RC_ASSERT(scalarScanCost(batch, length, channels, states, heads, 1).operations == scalar);
}

TEST(MixingCost, ScansReadTheirOperandsOnce) {
    // B 2, L 3, C 4, N 5: x, step, y; in, out; rate, skip; the state, read and left.
    EXPECT_EQ(selectiveScanCost(2, 3, 4, 5).bytes, 4.0 * (3 * 24 + 2 * 30 + 20 + 4 + 2 * 40));
    // H 2, G 1: x, y; step; in, out; rate, skip; the state.
    EXPECT_EQ(scalarScanCost(2, 3, 4, 5, 2, 1).bytes, 4.0 * (2 * 24 + 12 + 2 * 30 + 4 + 2 * 40));
}

RC_GTEST_PROP(MixingCost, WindowsCountTheirPairs, ()) {
    const auto length = *rc::gen::inRange<std::int64_t>(1, 40);
    const auto side = *rc::gen::inRange<std::int64_t>(1, 50);
    const auto marks =
        *rc::gen::container<std::vector<bool>>(static_cast<std::size_t>(length), rc::gen::arbitrary<bool>());
    std::vector<std::int64_t> global;
    for (std::int64_t i = 0; i < length; ++i)
        if (marks[static_cast<std::size_t>(i)] && i % 3 == 0)
            global.push_back(i);
    const std::set<std::int64_t> isGlobal(global.begin(), global.end());
    std::int64_t pairs = 0;
    for (std::int64_t i = 0; i < length; ++i)
        for (std::int64_t j = 0; j < length; ++j)
            pairs += isGlobal.contains(i) || isGlobal.contains(j) || std::abs(i - j) <= side ? 1 : 0;
    const Cost cost = windowAttentionCost(length, side, global, 3, 7);
    RC_ASSERT(cost.operations == 4.0 * 3 * 7 * static_cast<double>(pairs));
}

TEST(MixingCost, BlocksCountTheirPairs) {
    // 20 positions in blocks of 8: 8, 8 and 4 rows.
    const std::vector<std::int64_t> keys{20, 16, 20};
    const Cost cost = blockAttentionCost(2, 20, 8, keys, 3, 5);
    EXPECT_EQ(cost.operations, 4.0 * 2 * 3 * 5 * (8 * 20 + 8 * 16 + 4 * 20));
    EXPECT_EQ(cost.bytes, 4.0 * 4 * 2 * 3 * 5 * 20);
}

} // namespace
} // namespace orrery::nn
