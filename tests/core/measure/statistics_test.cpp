// SPDX-License-Identifier: GPL-3.0-or-later
#include "measure/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace {

using namespace orrery;
using namespace orrery::measure;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using List = std::vector<double>;

TEST(Statistics, KnownValues) {
    EXPECT_EQ(median(List{3, 1, 2}), 2);
    EXPECT_EQ(median(List{4, 1, 3, 2}), 2.5);
    EXPECT_TRUE(std::isnan(median(List{})));
    EXPECT_EQ(medianAbsoluteDeviation(List{1, 1, 2, 2, 4, 6, 9}), 1); // Wikipedia's example
    EXPECT_DOUBLE_EQ(mean(List{2, 4, 4, 4, 5, 5, 7, 9}), 5);
    EXPECT_DOUBLE_EQ(standardDeviation(List{2, 4, 4, 4, 5, 5, 7, 9}), std::sqrt(32.0 / 7));
    EXPECT_EQ(standardDeviation(List{5}), 0);
    EXPECT_DOUBLE_EQ(quantile(List{4, 3, 2, 1}, 0.25), 1.75);
    EXPECT_DOUBLE_EQ(quantile(List{10}, 0.99), 10);
    EXPECT_THAT(holmCorrection(List{0.01, 0.04, 0.03}), ElementsAre(0.03, 0.06, 0.06));
    EXPECT_THAT(holmCorrection(List{0.9, 0.8}), ElementsAre(1, 1));
}

TEST(Statistics, MannWhitneyKnownValues) {
    // All of the three below all of the four: 1 of C(7, 3) = 35 orders, two sides.
    auto test = mannWhitney(List{1, 2, 3}, List{4, 5, 6, 7});
    EXPECT_TRUE(test.exact);
    EXPECT_EQ(test.u, 0);
    EXPECT_NEAR(test.p, 2.0 / 35, 1e-12);
    EXPECT_NEAR(mannWhitney(List{4, 5, 6, 7}, List{1, 2, 3}).p, 2.0 / 35, 1e-12);
    // U = 2: the orders with U of 0, 1, 2 number 1 + 1 + 2.
    test = mannWhitney(List{1, 2, 5}, List{3, 4, 6, 7});
    EXPECT_EQ(test.u, 2);
    EXPECT_NEAR(test.p, 8.0 / 35, 1e-12);
    // With ties: U = 2.5, sum of t^3 - t is 24 + 6 + 6, variance 16 / 12 (9 - 36 / 56), z = 5 /
    // sqrt(variance).
    test = mannWhitney(List{1, 2, 2, 3}, List{2, 3, 4, 4});
    EXPECT_FALSE(test.exact);
    EXPECT_EQ(test.u, 2.5);
    EXPECT_NEAR(test.p, 0.134169, 1e-6);
    EXPECT_EQ(mannWhitney(List{1, 1, 1}, List{1, 1}).p, 1);
    EXPECT_EQ(mannWhitney(List{}, List{1, 1}).p, 1);
}

TEST(Statistics, ExactTestAgreesWithCountingAllOrders) {
    for (const auto& [n, m] : {std::pair{2, 3}, {3, 3}, {4, 3}, {5, 4}, {4, 6}}) {
        // Every choice of n ranks out of n + m is as likely as any other.
        std::vector<int> chosen(static_cast<std::size_t>(n + m), 0);
        std::fill(chosen.end() - n, chosen.end(), 1);
        std::vector<std::pair<List, List>> orders;
        do {
            List a;
            List b;
            for (std::size_t i = 0; i < chosen.size(); ++i)
                (chosen[i] ? a : b).push_back(static_cast<double>(i));
            orders.emplace_back(a, b);
        } while (std::next_permutation(chosen.begin(), chosen.end()));
        const auto pairs = [](const List& a, const List& b) {
            double count = 0;
            for (const double x : a)
                for (const double y : b)
                    count += x > y ? 1 : 0;
            return count;
        };
        for (const auto& [a, b] : orders) {
            const double low = std::min(pairs(a, b), static_cast<double>(n * m) - pairs(a, b));
            double asExtreme = 0;
            for (const auto& [x, y] : orders)
                asExtreme += pairs(x, y) <= low ? 1 : 0;
            const double expected = std::min(1.0, 2 * asExtreme / static_cast<double>(orders.size()));
            EXPECT_NEAR(mannWhitney(a, b).p, expected, 1e-12);
        }
    }
}

TEST(Statistics, ApproximationMeetsTheExactTestAtItsEdge) {
    Generator generator(3);
    for (int round = 0; round < 20; ++round) {
        List a(20);
        List b(20);
        for (auto& x : a)
            x = generator.normal();
        for (auto& x : b)
            x = generator.normal() + 0.5;
        const double exact = mannWhitney(a, b).p;
        a.push_back(median(a) + 1e-9); // 21 values: approximated
        const auto approximated = mannWhitney(a, b);
        EXPECT_FALSE(approximated.exact);
        EXPECT_NEAR(approximated.p, exact, 0.03 + 0.2 * exact);
    }
}

TEST(Statistics, TheOrderOfSamplesMeansNothing) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        auto values = *rc::gen::nonEmpty(
            rc::gen::container<List>(rc::gen::map(rc::gen::inRange(0, 1000), [](int i) { return i / 8.0; })));
        auto other = *rc::gen::nonEmpty(
            rc::gen::container<List>(rc::gen::map(rc::gen::inRange(0, 1000), [](int i) { return i / 8.0; })));
        const Summary first = summarize(values, seed);
        const Comparison comparison = compare(values, other, seed);
        List shuffled = values;
        Generator generator(seed);
        for (std::size_t i = shuffled.size(); i > 1; --i)
            std::swap(shuffled[i - 1], shuffled[generator.below(i)]);
        const Summary second = summarize(shuffled, seed);
        RC_ASSERT(first.median == second.median);
        RC_ASSERT(first.mad == second.mad);
        RC_ASSERT(first.interval.low == second.interval.low);
        RC_ASSERT(first.interval.high == second.interval.high);
        RC_ASSERT(first.outliers == second.outliers);
        RC_ASSERT(first.interval.low <= first.median);
        RC_ASSERT(first.interval.high >= first.median);
        RC_ASSERT(compare(shuffled, other, seed).test.p == comparison.test.p);
        // What a has over b, b has under a.
        const MannWhitney mirrored = mannWhitney(other, values);
        RC_ASSERT(std::abs(mirrored.p - comparison.test.p) < 1e-12);
        RC_ASSERT(mirrored.u + comparison.test.u == static_cast<double>(values.size() * other.size()));
        RC_ASSERT(std::abs(probabilitySmaller(values, other) + probabilitySmaller(other, values) - 1) <
                  1e-12);
    }));
}

TEST(Statistics, IntervalsScaleWithTheirUnit) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        auto values = *rc::gen::nonEmpty(rc::gen::container<List>(
            rc::gen::map(rc::gen::inRange(1, 1000), [](int i) { return static_cast<double>(i); })));
        List scaled = values;
        for (auto& value : scaled)
            value *= 1024; // a power of two: exact
        RC_ASSERT(summarize(scaled, seed).interval.low == 1024 * summarize(values, seed).interval.low);
        RC_ASSERT(summarize(scaled, seed).outliers == summarize(values, seed).outliers);
        RC_ASSERT(compare(scaled, scaled, seed).ratio == 1);
    }));
}

TEST(Statistics, IntervalsCoverTheTrueMedianAsOftenAsTheySay) {
    Generator data(17);
    Generator draws(18);
    int covered = 0;
    int ratioCovered = 0;
    constexpr int rounds = 600;
    for (int round = 0; round < rounds; ++round) {
        List a(25);
        List b(25);
        for (auto& x : a)
            x = std::exp(0.5 * data.normal()); // skewed as times are; its median is 1
        for (auto& x : b)
            x = 2 * std::exp(0.5 * data.normal());
        const Interval interval = bootstrapMedian(a, draws, 500);
        covered += interval.low <= 1 && interval.high >= 1;
        const Interval ratio = bootstrapRatioOfMedians(a, b, draws, 500);
        ratioCovered += ratio.low <= 0.5 && ratio.high >= 0.5;
    }
    EXPECT_NEAR(covered / static_cast<double>(rounds), 0.95, 0.03);
    EXPECT_NEAR(ratioCovered / static_cast<double>(rounds), 0.95, 0.035);
}

TEST(Statistics, TheTestIsWrongAsOftenAsItSays) {
    Generator data(23);
    int exact = 0;
    int approximated = 0;
    constexpr int rounds = 2000;
    for (int round = 0; round < rounds; ++round) {
        List a(12);
        List b(12);
        for (auto* list : {&a, &b})
            for (auto& x : *list)
                x = data.normal();
        exact += mannWhitney(a, b).p < 0.05;
        for (auto* list : {&a, &b}) {
            list->resize(30);
            for (auto& x : *list)
                x = std::round(4 * data.normal()); // many ties
        }
        approximated += mannWhitney(a, b).p < 0.05;
    }
    EXPECT_NEAR(exact / static_cast<double>(rounds), 0.05, 0.015);
    EXPECT_NEAR(approximated / static_cast<double>(rounds), 0.05, 0.015);
}

TEST(Statistics, OutliersAreFoundByBothRules) {
    List values(20, 10);
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] += static_cast<double>(i % 5) - 2; // median 10, MAD 1
    values.push_back(16);                            // 0.6745 * 6 = 4.05 > 3.5, but 6 < 14.826
    values.push_back(30);                            // beyond both
    EXPECT_THAT(outliers(values), ElementsAre(20, 21));
    EXPECT_THAT(outliers(values, OutlierRule::TenSigma), ElementsAre(21));
    EXPECT_TRUE(outliers(List{1, 1, 1, 1}).empty());
    EXPECT_THAT(outliers(List{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 50}), ElementsAre(11)) << "MAD 0";
    EXPECT_TRUE(outliers(List{1, 1000}).empty());
}

TEST(Statistics, VerdictsClaimOnlyWhatIsShown) {
    Generator data(5);
    const auto sample = [&](double centre, std::size_t count) {
        List list(count);
        for (auto& x : list)
            x = centre * (1 + 0.02 * data.normal());
        return list;
    };
    const Comparison faster = compare(sample(1, 20), sample(1.3, 20));
    EXPECT_EQ(faster.verdict(), Verdict::Faster);
    EXPECT_THAT(faster.toText(), HasSubstr("faster by 1."));
    EXPECT_THAT(faster.toText(), HasSubstr("n = 20/20"));
    EXPECT_EQ(compare(sample(1.3, 20), sample(1, 20)).verdict(), Verdict::Slower);
    const Comparison same = compare(sample(1, 20), sample(1, 20));
    EXPECT_EQ(same.verdict(), Verdict::NoDifferenceShown);
    EXPECT_THAT(same.toText(), HasSubstr("no difference shown"));
    EXPECT_EQ(compare(sample(1, 5), sample(2, 5)).verdict(), Verdict::TooFewSamples);

    // Of many comparisons without a difference, one in twenty looks like one until Holm's correction.
    std::vector<Comparison> many;
    for (int i = 0; i < 200; ++i)
        many.push_back(compare(sample(1, 15), sample(1, 15), static_cast<std::uint64_t>(i)));
    correctForMany(many);
    for (const Comparison& one : many)
        EXPECT_EQ(one.verdict(), Verdict::NoDifferenceShown) << one.toText();
}

} // namespace
