// SPDX-License-Identifier: GPL-3.0-or-later
#include "generate/generate.h"
#include "table_model.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <map>
#include <numeric>
#include <set>

namespace orrery::generate {
namespace {

constexpr std::int64_t eos = 0;

struct Scored {
    TokenIds ids;
    double score = 0;
};

/// Every continuation that ends or has the full length, best first.
void collect(const TableModel& model, TokenIds& ids, std::size_t prompt, std::size_t most, double sum,
             double penalty, std::vector<Scored>& found) {
    const std::vector<double> next = model.logProbabilities(ids);
    for (std::int64_t id = 0; id < model.vocabulary(); ++id) {
        ids.push_back(id);
        const double total = sum + next[static_cast<std::size_t>(id)];
        const std::size_t length = ids.size() - prompt;
        if (id == eos || length == most)
            found.push_back({TokenIds(ids.begin() + static_cast<std::ptrdiff_t>(prompt), ids.end()),
                             total / std::pow(static_cast<double>(length), penalty)});
        else
            collect(model, ids, prompt, most, total, penalty, found);
        ids.pop_back();
    }
}

OptionValues beams(std::int64_t count, double penalty, const std::string& early, std::int64_t returned = 1) {
    OptionValues values(beamSearch().options());
    values.set("num_beams", count);
    values.set("length_penalty", penalty);
    values.set("early_stopping", early);
    values.set("num_return_sequences", returned);
    return values;
}

GenerateOptions upTo(std::int64_t tokens) {
    GenerateOptions options;
    options.maxNewTokens = tokens;
    options.stopIds = {eos};
    return options;
}

RC_GTEST_PROP(BeamSearch, WithBeamsForEverythingFindsTheBestOfAllContinuations, ()) {
    TableModel model(3, *rc::gen::inRange<std::uint64_t>(0, 100000));
    const double penalty = *rc::gen::element(0.0, 1.0, 2.0, 0.5, -1.0);
    TokenIds prompt{2, 1};
    std::vector<Scored> all;
    collect(model, prompt, prompt.size(), 4, 0, penalty, all);
    std::stable_sort(all.begin(), all.end(),
                     [](const Scored& a, const Scored& b) { return a.score > b.score; });
    const Generation made =
        generate(model, std::vector<TokenIds>{prompt}, beamSearch(), beams(40, penalty, "never", 5), upTo(4));
    RC_ASSERT(made.sequences.size() == 5U);
    for (std::size_t i = 0; i < 5; ++i) {
        RC_ASSERT(std::abs(made.sequences[i].score - all[i].score) < 1e-4);
        RC_ASSERT(made.sequences[i].ids() == all[i].ids);
    }
}

/// The search as the equations of the reference say it, on whole arrays, for one prompt.
std::vector<Scored> plainSearch(const TableModel& model, const TokenIds& prompt, std::size_t width,
                                std::size_t most, double penalty, const std::string& early) {
    constexpr float absent = -1e9F;
    struct Row {
        TokenIds ids;
        float score = absent;
        bool done = false;
    };
    const auto pick = [](std::vector<Row> rows, std::size_t count) {
        std::stable_sort(rows.begin(), rows.end(),
                         [](const Row& a, const Row& b) { return a.score > b.score; });
        rows.resize(count);
        return rows;
    };
    std::vector<Row> running(width, Row{prompt});
    running[0].score = 0;
    std::vector<Row> finished(width);
    bool improvable = true;
    for (std::size_t length = 1;; ++length) {
        std::vector<Row> candidates;
        for (const Row& row : running) {
            const auto next = model.logProbabilities(row.ids);
            for (std::int64_t id = 0; id < model.vocabulary(); ++id) {
                candidates.push_back(row);
                candidates.back().ids.push_back(id);
                candidates.back().score += static_cast<float>(next[static_cast<std::size_t>(id)]);
            }
        }
        candidates = pick(candidates, 2 * width);
        bool allEnd = true;
        const float divisor = static_cast<float>(std::pow(static_cast<double>(length), penalty));
        const bool full = early == "true" && std::all_of(finished.begin(), finished.end(),
                                                         [](const Row& row) { return row.done; });
        std::vector<Row> merged = finished;
        std::vector<Row> next;
        for (std::size_t i = 0; i < candidates.size(); ++i) {
            const bool ends = candidates[i].ids.back() == eos || length == most;
            allEnd = allEnd && ends;
            Row done = candidates[i];
            done.done = ends && i < width;
            done.score = done.score / divisor + (full ? absent : 0) + (improvable ? 0 : absent) +
                         (done.done ? 0 : absent);
            merged.push_back(done);
            next.push_back(candidates[i]);
            next.back().score += ends ? absent : 0;
        }
        running = pick(next, width);
        finished = pick(merged, width);
        const double reach =
            early == "never" && penalty > 0 ? static_cast<double>(most) : static_cast<double>(length);
        const float best = running[0].score / static_cast<float>(std::pow(reach, penalty));
        bool better = false;
        bool everyDone = true;
        for (const Row& row : finished) {
            better = better || best > (row.done ? finished.back().score : absent);
            everyDone = everyDone && row.done;
        }
        improvable = improvable && better;
        if (!improvable || (everyDone && early == "true") || allEnd)
            break;
    }
    std::vector<Scored> result;
    for (const Row& row : finished)
        if (row.done)
            result.push_back(
                {TokenIds(row.ids.begin() + static_cast<std::ptrdiff_t>(prompt.size()), row.ids.end()),
                 static_cast<double>(row.score)});
    return result;
}

RC_GTEST_PROP(BeamSearch, NarrowBeamsOfABatchAreThoseOfThePlainSearch, ()) {
    TableModel model(*rc::gen::inRange<std::int64_t>(5, 9), *rc::gen::inRange<std::uint64_t>(0, 100000), 1.5);
    const auto width = *rc::gen::inRange<std::int64_t>(1, 5);
    const double penalty = *rc::gen::element(0.0, 1.0, 2.0, -0.5);
    const std::string early =
        *rc::gen::element(std::string("false"), std::string("true"), std::string("never"));
    const std::int64_t most = *rc::gen::inRange<std::int64_t>(1, 9);
    const std::vector<TokenIds> prompts{{2, 1}, {3}, {1, 1, 4, 2}};
    const Generation made =
        generate(model, prompts, beamSearch(), beams(width, penalty, early, width), upTo(most));
    std::size_t place = 0;
    for (std::size_t prompt = 0; prompt < prompts.size(); ++prompt)
        for (const Scored& wanted : plainSearch(model, prompts[prompt], static_cast<std::size_t>(width),
                                                static_cast<std::size_t>(most), penalty, early)) {
            RC_ASSERT(place < made.sequences.size());
            RC_ASSERT(made.sequences[place].prompt == prompt);
            RC_ASSERT(made.sequences[place].ids() == wanted.ids);
            RC_ASSERT(std::abs(made.sequences[place].score - wanted.score) <=
                      1e-5 * std::abs(wanted.score) + 1e-5);
            ++place;
        }
    RC_ASSERT(place == made.sequences.size());
}

RC_GTEST_PROP(BeamSearch, OneBeamIsGreedy, ()) {
    TableModel model(*rc::gen::inRange<std::int64_t>(2, 12), *rc::gen::inRange<std::uint64_t>(0, 100000));
    const std::vector<TokenIds> prompts{{1}, {1, 0, 1}};
    const auto options = upTo(*rc::gen::inRange<std::int64_t>(1, 10));
    const Generation one = generate(model, prompts, beamSearch(), beams(1, 1, "false"), options);
    RC_ASSERT(one.ids.toIntegers() == generate(model, prompts, greedy(), {}, options).ids.toIntegers());
}

TEST(BeamSearch, SaysHowProbableItsTokensAreAndWhatElseWasLikely) {
    TableModel model(6, 5);
    GenerateOptions options = upTo(5);
    options.alternatives = 3;
    const Generation made =
        generate(model, std::vector<TokenIds>{TokenIds{1, 2}}, beamSearch(), beams(3, 1, "false"), options);
    const Sequence& best = made.sequences.front();
    TokenIds ids{1, 2};
    double sum = 0;
    for (const TokenRecord& token : best.tokens) {
        const auto wanted = model.logProbabilities(ids);
        EXPECT_NEAR(token.probability, std::exp(wanted[static_cast<std::size_t>(token.id)]), 1e-5);
        EXPECT_NEAR(token.chosen, token.probability, 1e-5);
        EXPECT_EQ(token.alternatives.size(), 3U);
        EXPECT_NEAR(token.alternatives[0].probability,
                    std::exp(*std::max_element(wanted.begin(), wanted.end())), 1e-5);
        sum += std::log(token.probability);
        ids.push_back(token.id);
    }
    EXPECT_NEAR(best.score, sum / static_cast<double>(best.tokens.size()), 1e-4);
}

TEST(BeamSearch, EndsWhereTheModelHasNoFurtherPositions) {
    TableModel model(6, 5, 2, 4);
    GenerateOptions options = upTo(50);
    options.stopIds.clear();
    const Generation made =
        generate(model, std::vector<TokenIds>{TokenIds{1, 2}}, beamSearch(), beams(2, 1, "false"), options);
    EXPECT_EQ(made.reasons, std::vector{StopReason::Context});
    EXPECT_EQ(made.ids.size(1), 5);
}

TEST(BeamSearch, RefusesToReturnMoreThanItKeeps) {
    TableModel model(6);
    EXPECT_THROW(static_cast<void>(generate(model, std::vector<TokenIds>{TokenIds{1}}, beamSearch(),
                                            beams(2, 1, "false", 3), {})),
                 UsageError);
}

TEST(BeamSampling, DrawsFirstTokensAsOftenAsTheyAreProbable) {
    TableModel model(5, 3, 1);
    OptionValues values(beamSampling().options());
    values.set("num_beams", std::int64_t{1});
    const auto wanted = model.logProbabilities(TokenIds{4});
    std::map<std::int64_t, int> counts;
    constexpr int draws = 4000;
    for (int i = 0; i < draws; ++i) {
        GenerateOptions options = upTo(1);
        options.seed = static_cast<std::uint64_t>(i);
        ++counts[generate(model, std::vector<TokenIds>{TokenIds{4}}, beamSampling(), values, options)
                     .sequences[0]
                     .ids()[0]];
    }
    double square = 0;
    for (std::size_t id = 0; id < wanted.size(); ++id) {
        const double expected = draws * std::exp(wanted[id]);
        square += std::pow(counts[static_cast<std::int64_t>(id)] - expected, 2) / expected;
    }
    EXPECT_LT(square, 25); // chi-square with 4 degrees of freedom: above once in 20000
}

TEST(BeamSampling, KeepsDifferentBeginningsAndRepeatsItselfForOneSeed) {
    TableModel model(8, 3, 1);
    OptionValues values(beamSampling().options());
    values.set("num_return_sequences", std::int64_t{4});
    GenerateOptions options = upTo(6);
    options.seed = 11;
    const Generation made =
        generate(model, std::vector<TokenIds>{TokenIds{4}}, beamSampling(), values, options);
    std::set<TokenIds> different;
    for (const Sequence& sequence : made.sequences)
        different.insert(sequence.ids());
    EXPECT_EQ(different.size(), 4U);
    EXPECT_EQ(made.ids.toIntegers(),
              generate(model, std::vector<TokenIds>{TokenIds{4}}, beamSampling(), values, options)
                  .ids.toIntegers());
}

} // namespace
} // namespace orrery::generate
