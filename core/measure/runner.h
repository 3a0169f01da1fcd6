// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/progress.h"
#include "measure/statistics.h"
#include "measure/workload.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace orrery::measure {

/// Seconds since some fixed moment; injected so that tests do not depend on speed.
using Clock = std::function<double()>;
[[nodiscard]] Clock steadyClock();

/// When measuring stops and in which order it goes.
struct RunnerOptions {
    int warmups = 3;          ///< untimed runs of every setting before the first timed one
    int minRepetitions = 10;  ///< before the interval is looked at for the first time
    int maxRepetitions = 200; ///< per setting
    double targetShare =
        0.02; ///< stop when the 95 % interval's half width is at most this share of the median
    double budgetSeconds =
        10;                 ///< of timed runs per setting; at least three repetitions are made whatever it is
    bool interleave = true; ///< take turns in random order; false: one setting after another
    std::uint64_t seed = 1; ///< of the order and of the bootstrap
    double minSampleSeconds =
        2e-3; ///< shorter runs are repeated within one sample, so that the clock's steps vanish
};

/// One setting to be measured; samples hold what an earlier session measured and are continued.
struct Candidate {
    std::string name;
    Workload* workload = nullptr;
    std::vector<double> samples{}; ///< seconds per run
};

enum class StopReason { Target, Budget, MaxRepetitions, Failed };
[[nodiscard]] std::string_view name(StopReason reason);

struct Measured {
    std::vector<double> samples; ///< all, with those given
    int warmups = 0;             ///< untimed runs that were made
    int runsPerSample = 1;
    double firstSeconds = 0; ///< the first warm-up: packing, page faults, caches
    StopReason reason = StopReason::Target;
    std::string message; ///< of Failed
};

/// What is told while measuring. All are called on the measuring thread, outside the timed part.
struct RunnerEvents {
    /// New samples of a candidate, at least every quarter of a second of measured time; store them now: what
    /// is not stored is lost with the process.
    std::function<void(std::size_t candidate, std::span<const double> added)> samples;
    std::function<void(std::size_t candidate, const Measured& measured)> finished;
};

/// Measures settings against each other: warm-up, then rounds in which every setting that is not finished
/// gets one timed run, in an order drawn anew for each round, so that drift of the machine falls on all
/// alike. Intervals are looked at on a fixed schedule (n = min, 1.5 min, 2.25 min, ...), which keeps lucky
/// moments from ending a measurement. A setting that throws is Failed; the others go on. Cancelled passes
/// through after the samples so far were handed to events.
[[nodiscard]] std::vector<Measured> measureCandidates(std::vector<Candidate> candidates,
                                                      const RunnerOptions& options,
                                                      const RunnerEvents& events = {},
                                                      const Progress& progress = {},
                                                      const Clock& clock = steadyClock());

} // namespace orrery::measure
