// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/progress.h"
#include "model/input.h"
#include "model/model.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace orrery::measure {

/// What one run of a workload does, for rates and the roofline.
struct WorkloadCost {
    double items = 1;  ///< sequences
    double tokens = 0; ///< positions computed (encode, prefill) or generated (decode)
    double operations = 0;
    double bytes = 0; ///< least memory traffic: weights and activations once
};

/// Something that is run again and again and timed.
class Workload {
public:
    virtual ~Workload() = default;
    [[nodiscard]] virtual std::string name() const = 0; ///< "encode", "pp128", "tg32 @ d128"
    /// Everything that does not belong to the measured time. Called once, and again after release().
    virtual void prepare(const Progress& progress) = 0;
    virtual void runOnce(const Progress& progress) = 0;
    /// Gives back what prepare() made.
    virtual void release() {}
    [[nodiscard]] virtual WorkloadCost cost() const = 0;
    /// Called before every timed run, outside the clock: threads, caches cut back to their start.
    virtual void reset() {}
};

enum class WorkloadKind { Encode, Prefill, Decode };

struct ModelWorkloadSettings {
    WorkloadKind kind = WorkloadKind::Encode;
    std::int64_t length =
        128; ///< of each sequence; for Decode the depth: positions held before the first new one
    std::int64_t batch = 1;
    std::int64_t generated = 32; ///< Decode: tokens per run
    int threads = 0;             ///< 0: those that the engine has now
    std::uint64_t seed = 0;      ///< of random token ids
    /// Ids to repeat or cut to the length instead of random ones, or empty.
    std::vector<std::int64_t> ids{};
    std::function<void(Context&)> adapt{}; ///< changes the context of every run (profiling)
};

/// Encode: whole sequences, all positions, no vocabulary product beyond what the head needs
/// (LogitRows::None). Prefill: the prompt of a causal model with the last position's logits, into a fresh
/// key-value cache. Decode: one token after another from a cache of `length` positions. UsageError when the
/// model cannot.
[[nodiscard]] std::unique_ptr<Workload> makeWorkload(std::shared_ptr<const model::Model> model,
                                                     const ModelWorkloadSettings& settings);

} // namespace orrery::measure
