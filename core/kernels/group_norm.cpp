// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "kernels/feature_map.h"
#include "kernels/threads.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace orrery::kernels {
namespace {

/// Count, mean and sum of squared distances from it, of a part (Chan, Golub, LeVeque 1979).
struct Moments {
    double count = 0;
    double mean = 0;
    double squares = 0;

    void add(const Moments& other) {
        if (other.count == 0)
            return;
        const double total = count + other.count;
        const double distance = other.mean - mean;
        squares += other.squares + distance * distance * count * other.count / total;
        mean += distance * other.count / total;
        count = total;
    }
};

Moments momentsOf(const float* rows, std::int64_t count, std::int64_t stride, std::int64_t width) {
    Moments result;
    result.count = static_cast<double>(count * width);
    double sum = 0;
    for (std::int64_t i = 0; i < count; ++i)
        for (std::int64_t c = 0; c < width; ++c)
            sum += static_cast<double>(rows[i * stride + c]);
    result.mean = sum / result.count;
    for (std::int64_t i = 0; i < count; ++i)
        for (std::int64_t c = 0; c < width; ++c) {
            const double distance = static_cast<double>(rows[i * stride + c]) - result.mean;
            result.squares += distance * distance;
        }
    return result;
}

} // namespace

void groupNorm(const Tensor& x, std::int64_t groups, const Tensor& weight, const Tensor& bias, double epsilon,
               const Tensor& out) {
    ORRERY_CHECK(x.rank() >= 2 && x.shape() == out.shape() && x.isContiguous() && out.isContiguous() &&
                     groups >= 1 && x.size(-1) % groups == 0 && weight.elements() == x.size(-1) &&
                     bias.elements() == x.size(-1),
                 "dense maps, groups of whole channels, weight and bias by channel");
    if (x.elements() == 0)
        return;
    const std::int64_t channels = x.size(-1);
    const std::int64_t batch = x.size(0);
    const std::int64_t positions = x.elements() / batch / channels;
    const std::int64_t width = channels / groups;
    // Pieces of a fixed number of positions: the sums do not depend on the number of threads.
    const std::int64_t piece = std::max<std::int64_t>(1, 16384 / channels);
    const std::int64_t pieces = (positions + piece - 1) / piece;
    std::vector<Moments> parts(static_cast<std::size_t>(batch * pieces * groups));
    const float* from = x.pointer<float>();
    parallelFor(batch * pieces, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t task = begin; task < end; ++task) {
            const std::int64_t first = task % pieces * piece;
            const std::int64_t count = std::min(piece, positions - first);
            const float* rows = from + (task / pieces * positions + first) * channels;
            for (std::int64_t group = 0; group < groups; ++group)
                parts[static_cast<std::size_t>(task * groups + group)] =
                    momentsOf(rows + group * width, count, channels, width);
        }
    });
    std::vector<float> scale(static_cast<std::size_t>(batch * channels));
    std::vector<float> shift(scale.size());
    for (std::int64_t item = 0; item < batch; ++item)
        for (std::int64_t group = 0; group < groups; ++group) {
            Moments whole;
            for (std::int64_t i = 0; i < pieces; ++i)
                whole.add(parts[static_cast<std::size_t>((item * pieces + i) * groups + group)]);
            const double factor = 1 / std::sqrt(whole.squares / whole.count + epsilon);
            for (std::int64_t c = group * width; c < (group + 1) * width; ++c) {
                const auto place = static_cast<std::size_t>(item * channels + c);
                const double own = factor * static_cast<double>(weight.pointer<float>()[c]);
                scale[place] = static_cast<float>(own);
                shift[place] =
                    static_cast<float>(static_cast<double>(bias.pointer<float>()[c]) - whole.mean * own);
            }
        }
    float* to = out.mutablePointer<float>();
    parallelFor(batch * positions, std::max<std::int64_t>(1, 8192 / channels),
                [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t row = begin; row < end; ++row) {
                        const float* factors = scale.data() + row / positions * channels;
                        const float* shifts = shift.data() + row / positions * channels;
#pragma omp simd
                        for (std::int64_t c = 0; c < channels; ++c)
                            to[row * channels + c] = from[row * channels + c] * factors[c] + shifts[c];
                    }
                });
}

} // namespace orrery::kernels
