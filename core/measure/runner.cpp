// SPDX-License-Identifier: GPL-3.0-or-later
#include "measure/runner.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <numeric>

namespace orrery::measure {

Clock steadyClock() {
    return [] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    };
}

std::string_view name(StopReason reason) {
    static constexpr std::array<std::string_view, 4> names{"target", "budget", "max repetitions", "failed"};
    return names[static_cast<std::size_t>(reason)];
}

namespace {

/// One setting under way.
class Lane {
public:
    Lane(Candidate candidate, const RunnerOptions& options, std::uint64_t seed)
        : m_name(std::move(candidate.name)), m_workload(candidate.workload), m_options(options),
          m_generator(seed) {
        m_result.samples = std::move(candidate.samples);
        m_looked = firstLook();
        while (m_looked < m_result.samples.size()) // an earlier session looked there
            m_looked = nextLook(m_looked);
    }

    [[nodiscard]] bool finished() const { return m_finished; }
    [[nodiscard]] const std::string& name() const { return m_name; }
    [[nodiscard]] Measured& result() { return m_result; }
    [[nodiscard]] std::span<const double> unreported() const {
        return std::span(m_result.samples).subspan(m_reported);
    }
    void reported() {
        m_reported = m_result.samples.size();
        m_unstored = 0;
    }
    /// Storing after every short run would fill the caches with the database's pages; a quarter of a second
    /// is little to lose.
    [[nodiscard]] bool shouldReport() const { return m_finished || m_unstored >= 0.25; }

    void warmUp(const Progress& progress, const Clock& clock) {
        m_workload->prepare(progress);
        m_prepared = true;
        double shortest = INFINITY;
        for (int i = 0; i < m_options.warmups; ++i) {
            const double seconds = timedRuns(1, progress, clock);
            if (i == 0)
                m_result.firstSeconds = seconds;
            shortest = std::min(shortest, seconds);
            ++m_result.warmups;
        }
        if (shortest > 0 && shortest < m_options.minSampleSeconds)
            m_result.runsPerSample =
                static_cast<int>(std::min(std::ceil(m_options.minSampleSeconds / shortest), 1e6));
        // An earlier session may have measured all there is to measure.
        decide();
    }

    void sample(const Progress& progress, const Clock& clock) {
        const double seconds = timedRuns(m_result.runsPerSample, progress, clock);
        m_spent += seconds;
        m_unstored += seconds;
        m_result.samples.push_back(seconds / m_result.runsPerSample);
        decide();
    }

    void fail(const std::string& message) {
        m_result.reason = StopReason::Failed;
        m_result.message = message;
        m_finished = true;
    }

    void release() {
        if (m_prepared)
            m_workload->release();
        m_prepared = false;
    }

    /// Share of this setting that is done, for the progress bar: whichever limit is nearest.
    [[nodiscard]] double share() const {
        if (m_finished)
            return 1;
        const double byCount =
            static_cast<double>(m_result.samples.size()) / std::max(1, m_options.maxRepetitions);
        const double byTime = m_options.budgetSeconds > 0 ? m_spent / m_options.budgetSeconds : 0;
        double byTarget = 0; // the width falls with the root of the count
        if (m_lastShare > 0 && m_options.targetShare > 0)
            byTarget = std::pow(m_options.targetShare / m_lastShare, 2);
        return std::clamp(std::max({byCount, byTime, byTarget}), 0.0, 0.99);
    }

private:
    [[nodiscard]] std::size_t firstLook() const {
        return static_cast<std::size_t>(std::max(m_options.minRepetitions, 3));
    }
    [[nodiscard]] static std::size_t nextLook(std::size_t look) {
        return look + std::max<std::size_t>(look / 2, 1);
    }
    double timedRuns(int runs, const Progress& progress, const Clock& clock) {
        m_workload->reset();
        const double start = clock();
        for (int i = 0; i < runs; ++i)
            m_workload->runOnce(progress);
        return clock() - start;
    }

    void decide() {
        const std::size_t count = m_result.samples.size();
        if (count >= m_looked) {
            while (m_looked <= count)
                m_looked = nextLook(m_looked);
            const Interval interval = bootstrapMedian(m_result.samples, m_generator, 1000);
            const double centre = median(m_result.samples);
            m_lastShare = centre > 0 ? interval.halfWidth() / centre : 0;
            if (m_lastShare <= m_options.targetShare)
                return stop(StopReason::Target);
        }
        if (count >= static_cast<std::size_t>(std::max(m_options.maxRepetitions, 1)))
            return stop(StopReason::MaxRepetitions);
        constexpr std::size_t fewest = 3;
        if (count >= fewest && m_spent >= m_options.budgetSeconds)
            stop(StopReason::Budget);
    }
    void stop(StopReason reason) {
        m_result.reason = reason;
        m_finished = true;
    }

    std::string m_name;
    Workload* m_workload;
    const RunnerOptions& m_options;
    Generator m_generator;
    Measured m_result;
    std::size_t m_reported = 0;
    std::size_t m_looked = 0; ///< number of samples at which the interval is looked at next
    double m_spent = 0;
    double m_unstored = 0;
    double m_lastShare = 0;
    bool m_finished = false;
    bool m_prepared = false;
};

/// Runs the lanes to their ends; one object so that what was measured is handed on whatever happens.
class Session {
public:
    Session(std::vector<Candidate> candidates, const RunnerOptions& options, const RunnerEvents& events,
            const Progress& progress, const Clock& clock)
        : m_options(options), m_events(events), m_progress(progress), m_clock(clock), m_order(options.seed) {
        Generator seeds(options.seed ^ 0x6f72726572790000ULL);
        for (Candidate& candidate : candidates) {
            ORRERY_CHECK(candidate.workload != nullptr, "a candidate has a workload");
            m_lanes.emplace_back(std::move(candidate), m_options, seeds.next()).reported();
        }
        m_told.assign(m_lanes.size(), false);
    }

    std::vector<Measured> run() {
        m_started = m_clock();
        try {
            if (m_options.interleave) {
                std::vector<std::size_t> all(m_lanes.size());
                std::iota(all.begin(), all.end(), std::size_t{0});
                measure(all);
            } else {
                for (std::size_t i = 0; i < m_lanes.size(); ++i)
                    measure({i});
            }
        } catch (const Cancelled&) {
            for (std::size_t i = 0; i < m_lanes.size(); ++i)
                flush(i);
            throw;
        }
        std::vector<Measured> results;
        for (Lane& lane : m_lanes)
            results.push_back(std::move(lane.result()));
        return results;
    }

private:
    void measure(const std::vector<std::size_t>& group) {
        for (const std::size_t index : group)
            attempt(index, [&](Lane& lane) { lane.warmUp(m_progress, m_clock); });
        std::vector<std::size_t> open = group;
        while (true) {
            std::erase_if(open, [&](std::size_t index) { return m_lanes[index].finished(); });
            if (open.empty())
                break;
            for (std::size_t i = open.size(); i > 1; --i) // Fisher-Yates, anew for every round
                std::swap(open[i - 1], open[m_order.below(i)]);
            for (const std::size_t index : open) {
                attempt(index, [&](Lane& lane) { lane.sample(m_progress, m_clock); });
                report(index);
            }
        }
        for (const std::size_t index : group)
            m_lanes[index].release();
    }

    template <typename Action>
    void attempt(std::size_t index, const Action& action) {
        Lane& lane = m_lanes[index];
        try {
            action(lane);
        } catch (const Error& failure) {
            if (failure.kind() == ErrorKind::Cancelled)
                throw;
            lane.fail(failure.what());
        } catch (const std::exception& failure) {
            lane.fail(failure.what());
        }
        if (lane.shouldReport())
            flush(index);
        if (lane.finished() && !m_told[index]) {
            m_told[index] = true;
            if (m_events.finished)
                m_events.finished(index, lane.result());
        }
    }

    void flush(std::size_t index) {
        Lane& lane = m_lanes[index];
        if (!lane.unreported().empty() && m_events.samples)
            m_events.samples(index, lane.unreported());
        lane.reported();
    }

    void report(std::size_t index) {
        double done = 0;
        for (const Lane& lane : m_lanes)
            done += lane.share();
        const auto total = static_cast<double>(m_lanes.size());
        const double elapsed = m_clock() - m_started;
        const double remaining = done > 0 ? elapsed * (total - done) / done : 0;
        m_progress.report(fmt::format("{}: {} samples, about {:.0f} s left", m_lanes[index].name(),
                                      m_lanes[index].result().samples.size(), remaining),
                          done, total);
    }

    const RunnerOptions& m_options;
    const RunnerEvents& m_events;
    const Progress& m_progress;
    const Clock& m_clock;
    Generator m_order;
    std::vector<Lane> m_lanes;
    std::vector<bool> m_told;
    double m_started = 0;
};

} // namespace

std::vector<Measured> measureCandidates(std::vector<Candidate> candidates, const RunnerOptions& options,
                                        const RunnerEvents& events, const Progress& progress,
                                        const Clock& clock) {
    return Session(std::move(candidates), options, events, progress, clock).run();
}

} // namespace orrery::measure
