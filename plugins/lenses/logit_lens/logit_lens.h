// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "analyze/analyzer.h"

#include <cstdint>
#include <span>
#include <vector>

namespace orrery::lenses {

/// Of one layer at one position.
struct LensReading {
    std::int64_t token = 0;         ///< the likeliest
    double probability = 0;         ///< of it
    double divergence = 0;          ///< KL(last layer || this one), nats
    std::int64_t rankOfFinal = 0;   ///< rank here of the last layer's likeliest token; 1 is first
    std::vector<std::int64_t> best; ///< the `top` likeliest tokens
    std::vector<double> bestProbabilities;
};

/// Readings of logits [V] against the last layer's logits [V].
LensReading read(std::span<const float> logits, std::span<const float> last, std::int64_t top);

class LogitLens final : public analyze::Analyzer {
public:
    [[nodiscard]] PartInfo info() const override;
    [[nodiscard]] OptionSchema options() const override;
    [[nodiscard]] std::string unsuitable(const model::Model& model) const override;
    [[nodiscard]] analyze::Prediction predict(const analyze::Request& request) const override;
    [[nodiscard]] std::vector<figure::Figure> analyze(const analyze::Request& request) const override;
};

} // namespace orrery::lenses
