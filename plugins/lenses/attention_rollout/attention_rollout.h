// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "analyze/analyzer.h"
#include "figure/matrix_source.h"

#include <memory>
#include <string_view>
#include <vector>

namespace orrery::lenses {

/// One layer's attention reduced over heads, with the residual share mixed in: r I + (1 - r) reduce(A), rows
/// summing to 1. Rows are made when asked for.
class MixedLayer {
public:
    enum class Reduction { Mean, Max, Min };
    MixedLayer(std::vector<std::shared_ptr<const figure::MatrixSource>> heads, Reduction reduction,
               double residual);
    [[nodiscard]] std::int64_t size() const { return m_heads.front()->rows(); }
    /// Rows [first, first + count), row-major count x size().
    [[nodiscard]] std::vector<float> rows(std::int64_t first, std::int64_t count) const;

private:
    std::vector<std::shared_ptr<const figure::MatrixSource>> m_heads;
    Reduction m_reduction;
    double m_residual;
};

/// R = A'(last) ... A'(first), L x L row-major; layers from the bottom up.
std::vector<float> rollout(const std::vector<MixedLayer>& layers, const Progress& progress);
/// One row of R, in memory linear in L.
std::vector<double> rolloutRow(const std::vector<MixedLayer>& layers, std::int64_t row,
                               const Progress& progress);

class AttentionRollout final : public analyze::Analyzer {
public:
    [[nodiscard]] PartInfo info() const override;
    [[nodiscard]] OptionSchema options() const override;
    [[nodiscard]] analyze::Prediction predict(const analyze::Request& request) const override;
    [[nodiscard]] std::vector<figure::Figure> analyze(const analyze::Request& request) const override;
};

} // namespace orrery::lenses
