// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "fake_workload.h"
#include "measure/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace {

using namespace orrery;
using namespace orrery::measure;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Runner : public ::testing::Test {
protected:
    FakeTime time;
    Clock clock = [this] { return time.now; };
    RunnerOptions options;
    Runner() {
        options.budgetSeconds = 1000;
        options.minSampleSeconds = 0;
    }
    FakeWorkload steady(const std::string& name, double seconds = 0.5) {
        return {time, name, [seconds](int) { return seconds; }};
    }
    /// Half of the runs take ten times as long: no interval gets tight.
    FakeWorkload noisy(const std::string& name) {
        return {time, name, [](int run) { return run % 2 ? 1.0 : 10.0; }};
    }
};

TEST_F(Runner, StopsAtTheFirstLookWhenNothingVaries) {
    auto workload = steady("a");
    const auto results = measureCandidates({{"a", &workload}}, options, {}, {}, clock);
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].samples.size(), 10U);
    EXPECT_THAT(results[0].samples, Each(::testing::DoubleNear(0.5, 1e-9)));
    EXPECT_EQ(results[0].reason, StopReason::Target);
    EXPECT_EQ(results[0].warmups, 3);
    EXPECT_DOUBLE_EQ(results[0].firstSeconds, 0.5);
    EXPECT_EQ(workload.runs, 13) << "warm-ups are no samples";
    EXPECT_EQ(workload.prepared, 1);
    EXPECT_EQ(workload.released, 1);
}

TEST_F(Runner, StopsWhenTheBudgetIsSpent) {
    auto workload = noisy("a");
    options.warmups = 0;
    options.budgetSeconds = 100;
    const auto result = measureCandidates({{"a", &workload}}, options, {}, {}, clock)[0];
    EXPECT_EQ(result.reason, StopReason::Budget);
    double spent = 0;
    for (const double sample : result.samples)
        spent += sample;
    EXPECT_GE(spent, 100);
    EXPECT_LE(spent, 110);
    options.budgetSeconds = 0;
    EXPECT_EQ(measureCandidates({{"a", &workload}}, options, {}, {}, clock)[0].samples.size(), 3U);
}

TEST_F(Runner, StopsAtTheMostRepetitions) {
    auto workload = noisy("a");
    options.maxRepetitions = 37;
    const auto result = measureCandidates({{"a", &workload}}, options, {}, {}, clock)[0];
    EXPECT_EQ(result.reason, StopReason::MaxRepetitions);
    EXPECT_EQ(result.samples.size(), 37U);
}

TEST_F(Runner, LooksOnlyOnItsSchedule) {
    // Quiet from the eleventh sample on: the interval is tight soon after, yet it ends at a look: 10, 15, 22,
    // 33, 49 ...
    FakeWorkload workload(time, "a", [](int run) { return run < 10 ? 1.0 + run : 20.0; });
    options.warmups = 0;
    const auto result = measureCandidates({{"a", &workload}}, options, {}, {}, clock)[0];
    EXPECT_EQ(result.reason, StopReason::Target);
    EXPECT_TRUE(std::set<std::size_t>({15, 22, 33, 49}).count(result.samples.size()))
        << result.samples.size();
}

TEST_F(Runner, ComparedSettingsTakeTurnsInRandomOrder) {
    auto a = steady("a");
    auto b = steady("b");
    auto c = steady("c");
    options.warmups = 0;
    options.minRepetitions = 40;
    static_cast<void>(measureCandidates({{"a", &a}, {"b", &b}, {"c", &c}}, options, {}, {}, clock));
    ASSERT_EQ(time.log.size(), 120U);
    std::map<std::string, int> firsts;
    for (std::size_t round = 0; round < 40; ++round) {
        const std::vector<std::string> order(time.log.begin() + static_cast<std::ptrdiff_t>(3 * round),
                                             time.log.begin() + static_cast<std::ptrdiff_t>(3 * round + 3));
        EXPECT_EQ(std::set<std::string>(order.begin(), order.end()).size(), 3U) << "each one once a round";
        ++firsts[order[0]];
    }
    for (const auto* name : {"a", "b", "c"})
        EXPECT_GE(firsts[name], 5) << "no setting is always last";
    const auto first = time.log;
    time.log.clear();
    static_cast<void>(measureCandidates({{"a", &a}, {"b", &b}, {"c", &c}}, options, {}, {}, clock));
    EXPECT_EQ(time.log, first) << "the same seed, the same order";
    time.log.clear();
    options.interleave = false;
    static_cast<void>(measureCandidates({{"a", &a}, {"b", &b}}, options, {}, {}, clock));
    EXPECT_EQ(std::count(time.log.begin(), time.log.begin() + 40, "a"), 40);
}

TEST_F(Runner, ShortRunsAreRepeatedWithinASample) {
    auto workload = steady("a", 1e-4);
    options.minSampleSeconds = 2e-3;
    const auto result = measureCandidates({{"a", &workload}}, options, {}, {}, clock)[0];
    EXPECT_EQ(result.runsPerSample, 20);
    EXPECT_THAT(result.samples, Each(::testing::DoubleNear(1e-4, 1e-9))) << "samples are seconds per run";
    EXPECT_EQ(workload.runs, 3 + 10 * 20);
}

TEST_F(Runner, AnEarlierSessionIsContinued) {
    auto workload = steady("a");
    std::vector<double> stored;
    RunnerEvents events;
    events.samples = [&](std::size_t, std::span<const double> added) {
        stored.insert(stored.end(), added.begin(), added.end());
    };
    const auto result =
        measureCandidates({{"a", &workload, std::vector<double>(8, 0.5)}}, options, events, {}, clock)[0];
    EXPECT_EQ(result.samples.size(), 10U);
    EXPECT_EQ(stored.size(), 2U) << "only what is new";
    auto whole = steady("b");
    const auto nothingMore =
        measureCandidates({{"b", &whole, std::vector<double>(10, 0.5)}}, options, events, {}, clock)[0];
    EXPECT_EQ(nothingMore.samples.size(), 10U);
    EXPECT_EQ(stored.size(), 2U);
}

TEST_F(Runner, OneThatFailsDoesNotStopTheOthers) {
    auto good = steady("good");
    auto bad = steady("bad");
    bad.failsToPrepare = true;
    FakeWorkload late(time, "late", [](int run) {
        if (run == 6)
            throw Error("Out of memory.");
        return 0.5;
    });
    std::vector<std::size_t> finished;
    RunnerEvents events;
    events.finished = [&](std::size_t index, const Measured&) { finished.push_back(index); };
    const auto results =
        measureCandidates({{"bad", &bad}, {"good", &good}, {"late", &late}}, options, events, {}, clock);
    EXPECT_EQ(results[0].reason, StopReason::Failed);
    EXPECT_THAT(results[0].message, HasSubstr("cannot be prepared"));
    EXPECT_EQ(results[1].samples.size(), 10U);
    EXPECT_EQ(results[2].reason, StopReason::Failed);
    EXPECT_EQ(results[2].samples.size(), 3U) << "what was measured is kept";
    EXPECT_THAT(finished, ElementsAre(0, 2, 1));
    EXPECT_EQ(bad.released, 0);
    EXPECT_EQ(late.released, 1);
}

TEST_F(Runner, CancellingHandsOverEverySample) {
    CancelToken token;
    const Progress progress([](const ProgressState&) {}, token);
    FakeWorkload workload(time, "a", [&](int run) {
        if (run == 9)
            token.cancel();
        return run % 2 ? 0.01 : 0.02;
    });
    std::vector<double> stored;
    RunnerEvents events;
    events.samples = [&](std::size_t, std::span<const double> added) {
        stored.insert(stored.end(), added.begin(), added.end());
    };
    EXPECT_THROW(static_cast<void>(measureCandidates({{"a", &workload}}, options, events, progress, clock)),
                 Cancelled);
    EXPECT_EQ(stored.size(), 7U) << "ten runs, three of them warm-ups";
}

TEST_F(Runner, ProgressRisesAndNamesTheRemainingTime) {
    auto a = steady("a");
    auto b = noisy("b");
    options.maxRepetitions = 20;
    std::vector<double> done;
    std::string step;
    const Progress progress([&](const ProgressState& state) {
        done.push_back(state.done / state.total);
        step = state.step;
    });
    static_cast<void>(measureCandidates({{"a", &a}, {"b", &b}}, options, {}, progress, clock));
    ASSERT_GT(done.size(), 20U);
    EXPECT_GE(done.front(), 0);
    EXPECT_DOUBLE_EQ(done.back(), 1);
    EXPECT_THAT(step, HasSubstr("s left"));
}

} // namespace
