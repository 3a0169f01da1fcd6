// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "analyze/analyzer.h"
#include "figure/matrix_source.h"

#include <cstdint>
#include <span>
#include <vector>

namespace orrery::lenses {

/// Of one head, averaged over its queries.
struct HeadStatistics {
    double entropy = 0;  ///< nats
    double distance = 0; ///< tokens
    double sparsity = 0; ///< 0 (all keys needed) to 1
    double sink = 0;     ///< share of the attention that goes to the sinks
};

/// Statistics of a pattern read in row bands. queries: rows that count; sinks[j] is 1 where key j is a sink;
/// mass: the share of the attention that sparsity asks keys for, in (0, 1].
HeadStatistics headStatistics(const figure::MatrixSource& pattern, std::span<const std::int64_t> queries,
                              std::span<const std::uint8_t> sinks, std::span<const std::uint8_t> allowedKeys,
                              bool causal, double mass);

class AttentionStatistics final : public analyze::Analyzer {
public:
    [[nodiscard]] PartInfo info() const override;
    [[nodiscard]] OptionSchema options() const override;
    [[nodiscard]] analyze::Prediction predict(const analyze::Request& request) const override;
    [[nodiscard]] std::vector<figure::Figure> analyze(const analyze::Request& request) const override;
};

} // namespace orrery::lenses
