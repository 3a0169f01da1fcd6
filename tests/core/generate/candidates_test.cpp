// SPDX-License-Identifier: GPL-3.0-or-later
#include "generate/candidates.h"
#include "generate/decoding_strategy.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <set>

namespace orrery::generate {
namespace {

/// Scores from a few values, so that ties are common; some tokens forbidden.
std::vector<float> someScores() {
    const auto steps = *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(-6, 6)));
    std::vector<float> scores;
    for (const int step : steps)
        scores.push_back(step == -6 ? -std::numeric_limits<float>::infinity()
                                    : static_cast<float>(step) * 0.7F);
    scores.front() = 1;
    return scores;
}

std::vector<double> softmax(const std::vector<float>& scores, double temperature = 1) {
    std::vector<double> values;
    double sum = 0;
    for (const float score : scores) {
        values.push_back(std::exp(static_cast<double>(score) / temperature));
        sum += values.back();
    }
    for (double& value : values)
        value /= sum;
    return values;
}

std::set<std::int64_t> idsOf(const std::vector<Candidate>& candidates) {
    std::set<std::int64_t> ids;
    for (const Candidate& candidate : candidates)
        ids.insert(candidate.id);
    return ids;
}

/// Ids by falling probability, lower ids first.
std::vector<std::size_t> ordered(const std::vector<double>& values) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
    return order;
}

RC_GTEST_PROP(Candidates, TopKKeepsTheKLikeliestAndThoseAsLikely, ()) {
    const auto scores = someScores();
    const auto k = *rc::gen::inRange<std::int64_t>(1, 8);
    std::set<std::int64_t> wanted;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        const auto above =
            std::count_if(scores.begin(), scores.end(), [&](float score) { return score > scores[i]; });
        if (above < k && std::isfinite(scores[i]))
            wanted.insert(static_cast<std::int64_t>(i));
    }
    RC_ASSERT(idsOf(cutCandidates(scores, {.topK = k})) == wanted);
}

RC_GTEST_PROP(Candidates, TopPKeepsTheSmallestHeadThatHoldsP, ()) {
    const auto scores = someScores();
    const double p = *rc::gen::element(0.0, 0.2, 0.5, 0.83, 0.97);
    const auto probabilities = softmax(scores);
    std::set<std::int64_t> wanted;
    double held = 0;
    for (const std::size_t id : ordered(probabilities)) {
        if (!wanted.empty() && held >= p)
            break;
        RC_PRE(std::abs(held - p) > 1e-9 || wanted.empty());
        wanted.insert(static_cast<std::int64_t>(id));
        held += probabilities[id];
    }
    RC_ASSERT(idsOf(cutCandidates(scores, {.topP = p})) == wanted);
}

RC_GTEST_PROP(Candidates, MinPAndEpsilonKeepWhatIsProbableEnough, ()) {
    const auto scores = someScores();
    const auto probabilities = softmax(scores, 1.7);
    const double highest = *std::max_element(probabilities.begin(), probabilities.end());
    const double p = *rc::gen::element(0.03, 0.11, 0.37, 0.9);
    std::set<std::int64_t> minP;
    std::set<std::int64_t> epsilon;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        RC_PRE(std::abs(probabilities[i] - p * highest) > 1e-9 && std::abs(probabilities[i] - p) > 1e-9);
        if (probabilities[i] > p * highest)
            minP.insert(static_cast<std::int64_t>(i));
        if (probabilities[i] > p)
            epsilon.insert(static_cast<std::int64_t>(i));
    }
    if (epsilon.empty())
        epsilon.insert(static_cast<std::int64_t>(ordered(probabilities).front()));
    RC_ASSERT(idsOf(cutCandidates(scores, {.temperature = 1.7, .minP = p})) == minP);
    RC_ASSERT(idsOf(cutCandidates(scores, {.temperature = 1.7, .epsilon = p})) == epsilon);
}

RC_GTEST_PROP(Candidates, TypicalKeepsWhatIsNearestToTheExpectedSurprise, ()) {
    const auto scores = someScores();
    const double mass = *rc::gen::element(0.2, 0.5, 0.9);
    const auto probabilities = softmax(scores);
    double entropy = 0;
    for (const double p : probabilities)
        entropy -= p > 0 ? p * std::log(p) : 0;
    std::vector<double> nearness;
    for (const double p : probabilities)
        nearness.push_back(p > 0 ? -std::abs(-std::log(p) - entropy)
                                 : -std::numeric_limits<double>::infinity());
    double held = 0;
    double limit = 0;
    for (const std::size_t id : ordered(nearness)) {
        if (!(probabilities[id] > 0))
            break;
        RC_PRE(std::abs(held + probabilities[id] - mass) > 1e-9);
        limit = nearness[id];
        held += probabilities[id];
        if (held >= mass)
            break;
    }
    std::set<std::int64_t> wanted;
    for (std::size_t i = 0; i < scores.size(); ++i)
        if (probabilities[i] > 0 && nearness[i] >= limit - 1e-6)
            wanted.insert(static_cast<std::int64_t>(i));
    std::vector<double> sorted; // where two are as near but for rounding, either may be first
    for (const double value : nearness)
        if (std::isfinite(value))
            sorted.push_back(value);
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 1; i < sorted.size(); ++i)
        RC_PRE(sorted[i] - sorted[i - 1] > 1e-6 || sorted[i] == sorted[i - 1]);
    RC_ASSERT(idsOf(cutCandidates(scores, {.typicalP = mass})) == wanted);
}

RC_GTEST_PROP(Candidates, ProbabilitiesAddUpToOneAndFall, ()) {
    const CutSettings settings{.temperature = 0.8, .topK = 5, .topP = 0.9, .minP = 0.05, .eta = 0.01};
    const auto candidates = cutCandidates(someScores(), settings);
    double sum = 0;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        sum += candidates[i].probability;
        if (i > 0) // the assertion reads both sides of an "or"
            RC_ASSERT(candidates[i].probability <= candidates[i - 1].probability);
    }
    RC_ASSERT(std::abs(sum - 1) < 1e-9);
}

TEST(Candidates, KeepLeavesSoManyWhateverIsCut) {
    const std::vector<float> scores{5, 1, 0, -1};
    for (CutSettings settings : {CutSettings{.topK = 1}, CutSettings{.topP = 0.1}, CutSettings{.minP = 0.9},
                                 CutSettings{.typicalP = 0.1}, CutSettings{.epsilon = 0.9}}) {
        settings.keep = 3;
        EXPECT_EQ(cutCandidates(scores, settings).size(), 3U);
    }
}

TEST(Candidates, NothingIsLeftOfForbiddenTokensAndZeroTemperatureTakesTheLikeliest) {
    constexpr float never = -std::numeric_limits<float>::infinity();
    EXPECT_TRUE(cutCandidates(std::vector<float>{never, never}, {}).empty());
    const auto one = cutCandidates(std::vector<float>{0, 4, 4, 2}, {.temperature = 0});
    ASSERT_EQ(one.size(), 1U);
    EXPECT_EQ(one[0].id, 1);
}

TEST(Sampling, FrequenciesAreTheSoftmax) {
    const std::vector<float> scores{0.3F, -1, 2, 0, 1.1F, -2.5F};
    OptionValues values(sampling().options());
    values.set("temperature", 1.4);
    const auto chooser = sampling().start(values);
    const auto wanted = softmax(scores, 1.4);
    Generator generator(7);
    std::vector<int> counts(scores.size());
    constexpr int draws = 20000;
    for (int i = 0; i < draws; ++i) {
        const Choice choice = chooser->next(scores, generator);
        ++counts[static_cast<std::size_t>(choice.id)];
        EXPECT_NEAR(choice.probability, wanted[static_cast<std::size_t>(choice.id)], 1e-6);
    }
    double square = 0;
    for (std::size_t id = 0; id < wanted.size(); ++id)
        square += std::pow(counts[id] - draws * wanted[id], 2) / (draws * wanted[id]);
    EXPECT_LT(square, 30); // chi-square with 5 degrees of freedom: above once in 70000
}

} // namespace
} // namespace orrery::generate
