// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "kernels/feature_map.h"
#include "kernels/threads.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace orrery::kernels {
namespace {

/// The source cells that one target cell is made of, along one side.
struct Taps {
    std::array<std::int64_t, 4> at{};
    std::array<float, 4> weight{};
    int count = 1;
};

/// The cubic of Keys (1981) at distance x.
double cubic(double x) {
    constexpr double a = -0.75;
    x = std::abs(x);
    if (x <= 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

std::vector<Taps> tapsOf(std::int64_t from, std::int64_t to, Interpolation interpolation, bool alignCorners) {
    std::vector<Taps> result(static_cast<std::size_t>(to));
    const auto inside = [&](std::int64_t i) { return std::clamp<std::int64_t>(i, 0, from - 1); };
    for (std::int64_t i = 0; i < to; ++i) {
        Taps& taps = result[static_cast<std::size_t>(i)];
        if (interpolation == Interpolation::Nearest) {
            const float scale = static_cast<float>(from) / static_cast<float>(to); // in f32 as PyTorch
            taps.at[0] = inside(static_cast<std::int64_t>(std::floor(static_cast<float>(i) * scale)));
            taps.weight[0] = 1;
            continue;
        }
        double place = 0;
        if (alignCorners)
            place = to > 1
                        ? static_cast<double>(i) * static_cast<double>(from - 1) / static_cast<double>(to - 1)
                        : 0;
        else
            place =
                (static_cast<double>(i) + 0.5) * static_cast<double>(from) / static_cast<double>(to) - 0.5;
        if (interpolation == Interpolation::Bilinear)
            place = std::max(place, 0.0);
        const double floored = std::floor(place);
        const double part = place - floored;
        const auto first = static_cast<std::int64_t>(floored);
        if (interpolation == Interpolation::Bilinear) {
            taps.count = 2;
            taps.at = {inside(first), inside(first + 1)};
            taps.weight = {static_cast<float>(1 - part), static_cast<float>(part)};
        } else {
            taps.count = 4;
            for (int k = 0; k < 4; ++k) {
                taps.at[static_cast<std::size_t>(k)] = inside(first - 1 + k);
                taps.weight[static_cast<std::size_t>(k)] = static_cast<float>(cubic(part + 1 - k));
            }
        }
    }
    return result;
}

} // namespace

void resample(const Tensor& x, Interpolation interpolation, bool alignCorners, const Tensor& out) {
    ORRERY_CHECK(x.rank() == 4 && out.rank() == 4 && x.isContiguous() && out.isContiguous() &&
                     x.size(0) == out.size(0) && x.size(3) == out.size(3) && x.elements() > 0,
                 "maps [B, H, W, C] of one batch and as many channels");
    const std::int64_t channels = x.size(3);
    const std::int64_t height = x.size(1);
    const std::int64_t width = x.size(2);
    const std::int64_t rows = out.size(1);
    const std::int64_t columns = out.size(2);
    const std::vector<Taps> vertical = tapsOf(height, rows, interpolation, alignCorners);
    const std::vector<Taps> horizontal = tapsOf(width, columns, interpolation, alignCorners);
    const float* from = x.pointer<float>();
    float* to = out.mutablePointer<float>();
    parallelFor(
        out.size(0) * rows, std::max<std::int64_t>(1, 4096 / std::max<std::int64_t>(1, columns * channels)),
        [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t line = begin; line < end; ++line) {
                const std::int64_t item = line / rows;
                const Taps& down = vertical[static_cast<std::size_t>(line % rows)];
                for (std::int64_t column = 0; column < columns; ++column) {
                    const Taps& across = horizontal[static_cast<std::size_t>(column)];
                    float* target = to + (line * columns + column) * channels;
                    std::fill_n(target, channels, 0.0F);
                    for (int i = 0; i < down.count; ++i)
                        for (int j = 0; j < across.count; ++j) {
                            const auto a = static_cast<std::size_t>(i);
                            const auto b = static_cast<std::size_t>(j);
                            const float weight = down.weight[a] * across.weight[b];
                            const float* source =
                                from + ((item * height + down.at[a]) * width + across.at[b]) * channels;
#pragma omp simd
                            for (std::int64_t c = 0; c < channels; ++c)
                                target[c] += weight * source[c];
                        }
                }
            }
        });
}

} // namespace orrery::kernels
