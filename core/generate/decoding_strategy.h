// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/part.h"
#include "base/random.h"
#include "generate/step_model.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace orrery::generate {

class DecodingRun; // decoding_run.h

/// A way to choose tokens: the part. One that looks at each row by itself derives from RowStrategy.
class DecodingStrategy : public Part {
public:
    static constexpr std::string_view kind = "decoding_strategy";

    /// Continues the prompts of the run with its model, and gives the run what it accepts.
    virtual void decode(DecodingRun& run, const OptionValues& options) const = 0;
    /// Whether it asks the model for hidden().
    [[nodiscard]] virtual bool needsHidden() const { return false; }
    /// Whether it continues several prompts at once.
    [[nodiscard]] virtual bool takesBatches() const { return true; }
};

/// A token and the probability with which it was chosen.
struct Choice {
    std::int64_t id = 0;
    double probability = 1;
};

/// Chooses the next token of one row.
class TokenChooser {
public:
    virtual ~TokenChooser() = default;
    /// From its scores [V] after all processors, at least one of them above -infinity.
    virtual Choice next(std::span<const float> scores, Generator& generator) = 0;
};

/// A strategy that needs nothing but the scores of the next token, row by row.
class RowStrategy : public DecodingStrategy {
public:
    [[nodiscard]] virtual std::unique_ptr<TokenChooser> start(const OptionValues& options) const = 0;
    /// Continuations of each prompt.
    [[nodiscard]] virtual std::int64_t returnCount(const OptionValues&) const { return 1; }
    void decode(DecodingRun& run, const OptionValues& options) const final;
};

// Those that come with the engine.
/// The likeliest token, the lowest id on ties.
[[nodiscard]] const RowStrategy& greedy();
/// Draws from the model's distribution, sharpened and cut (candidates.h).
[[nodiscard]] const RowStrategy& sampling();
/// Keeps the likeliest beginnings (beam_search.h); scored as transformers 5 does.
[[nodiscard]] const DecodingStrategy& beamSearch();
/// The same, with beginnings drawn without replacement.
[[nodiscard]] const DecodingStrategy& beamSampling();
/// Greedy, guessing ahead from what was said before or with a small model; the same tokens in fewer steps.
[[nodiscard]] const DecodingStrategy& promptLookup();
[[nodiscard]] const DecodingStrategy& speculative();
/// Likely tokens that lead to states unlike those before.
[[nodiscard]] const DecodingStrategy& contrastiveSearch();
/// All of them, for the registry.
[[nodiscard]] std::vector<std::shared_ptr<const DecodingStrategy>> builtInStrategies();

} // namespace orrery::generate
