// SPDX-License-Identifier: GPL-3.0-or-later
#include "measure/tensor_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace orrery::measure {

namespace {

constexpr std::size_t pieceSize = std::size_t{1} << 20U; // elements between looks at the cancel token

template <typename Visit>
void inPieces(const std::vector<float>& values, const Progress& progress, Visit visit) {
    for (std::size_t begin = 0; begin < values.size(); begin += pieceSize) {
        progress.check();
        const std::size_t end = std::min(values.size(), begin + pieceSize);
        for (std::size_t i = begin; i < end; ++i)
            visit(static_cast<double>(values[i]));
    }
}

} // namespace

TensorSummary summarizeTensor(const Tensor& tensor, const Progress& progress) {
    TensorSummary made;
    made.count = tensor.elements();
    progress.check();
    std::vector<float> finite = tensor.toFloats();
    for (const float value : finite) {
        made.nans += std::isnan(value) ? 1 : 0;
        made.infinities += std::isinf(value) ? 1 : 0;
        made.zeros += value == 0.0F ? 1 : 0;
    }
    std::erase_if(finite, [](float value) { return !std::isfinite(value); });
    if (finite.empty())
        return made;
    double sum = 0;
    double squares = 0;
    made.minimum = std::numeric_limits<double>::infinity();
    made.maximum = -made.minimum;
    inPieces(finite, progress, [&](double value) {
        sum += value;
        squares += value * value;
        made.minimum = std::min(made.minimum, value);
        made.maximum = std::max(made.maximum, value);
    });
    const auto count = static_cast<double>(finite.size());
    made.mean = sum / count;
    made.norm = std::sqrt(squares);
    double deviations = 0;
    made.histogram.assign(TensorSummary::bins, 0);
    const double width = (made.maximum - made.minimum) / TensorSummary::bins;
    inPieces(finite, progress, [&](double value) {
        deviations += (value - made.mean) * (value - made.mean);
        const double bin = width > 0 ? (value - made.minimum) / width : 0;
        ++made.histogram[std::min<std::size_t>(static_cast<std::size_t>(bin), TensorSummary::bins - 1)];
    });
    made.deviation = std::sqrt(deviations / count);
    // Rising shares: each selection works on what the one before left on its right.
    auto from = finite.begin();
    for (std::size_t i = 0; i < TensorSummary::shares.size(); ++i) {
        progress.check();
        const auto rank = static_cast<std::ptrdiff_t>(std::lround(TensorSummary::shares[i] * (count - 1)));
        const auto at = finite.begin() + rank;
        std::nth_element(from, at, finite.end());
        made.quantiles[i] = static_cast<double>(*at);
        from = at;
    }
    return made;
}

figure::Figure histogramFigure(const TensorSummary& summary, const std::string& name) {
    figure::Figure made;
    made.id = "histogram";
    made.title = name;
    made.caption = fmt::format("How often each value occurs among {} numbers.", summary.count);
    figure::Series series;
    series.x.title = "value";
    series.y.title = "count";
    figure::Series::Curve curve;
    curve.name = name;
    const double width = (summary.maximum - summary.minimum) / TensorSummary::bins;
    for (std::size_t i = 0; i < summary.histogram.size(); ++i) {
        curve.x.push_back(summary.minimum + (static_cast<double>(i) + 0.5) * width);
        curve.y.push_back(static_cast<double>(summary.histogram[i]));
    }
    series.curves.push_back(std::move(curve));
    made.body = std::move(series);
    return made;
}

} // namespace orrery::measure
