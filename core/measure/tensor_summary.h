// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/progress.h"
#include "figure/figure.h"
#include "tensor/tensor.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace orrery::measure {

/// The numbers of a tensor in short. Statistics leave NaN and infinities out; they are counted.
struct TensorSummary {
    static constexpr std::array<double, 5> shares{0.01, 0.25, 0.5, 0.75, 0.99};
    static constexpr int bins = 48;

    std::int64_t count = 0;
    std::int64_t nans = 0;
    std::int64_t infinities = 0;
    std::int64_t zeros = 0;
    double minimum = 0;
    double maximum = 0;
    double mean = 0;
    double deviation = 0; ///< of the population
    double norm = 0;      ///< square root of the sum of squares
    std::array<double, shares.size()> quantiles{};
    std::vector<std::int64_t>
        histogram; ///< bins of equal width from minimum to maximum; empty without numbers
};

/// Any dtype and strides; reads the elements once, through pieces of bounded size but for the quantiles,
/// which need a copy as float.
[[nodiscard]] TensorSummary summarizeTensor(const Tensor& tensor, const Progress& progress = {});

/// The histogram as bars; name is what the numbers are.
[[nodiscard]] figure::Figure histogramFigure(const TensorSummary& summary, const std::string& name);

} // namespace orrery::measure
