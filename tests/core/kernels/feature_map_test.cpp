// SPDX-License-Identifier: GPL-3.0-or-later
// Pooling, resampling, windows and group norm against plain loops.
#include "kernels/feature_map.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>

namespace orrery::kernels {
namespace {

Tensor randomMap(const Shape& shape) {
    const Tensor tensor = Tensor::empty(shape);
    unsigned state = *rc::gen::inRange(1U, 1000000U);
    for (float& value : tensor.mutableData<float>()) {
        state = state * 1664525U + 1013904223U;
        value = static_cast<float>(state >> 8U) / static_cast<float>(1U << 23U) - 1.0F;
    }
    return tensor;
}

std::int64_t size(std::int64_t low, std::int64_t high) {
    return *rc::gen::inRange(low, high + 1);
}

RC_GTEST_PROP(FeatureMap, PoolingIsThePlainOne, ()) {
    const Tensor x = randomMap({size(1, 2), size(1, 9), size(1, 9), size(1, 20)});
    const Pair kernel{size(1, 4), size(1, 4)};
    Window2d window;
    window.stride = {size(1, 3), size(1, 3)};
    window.before = {size(0, kernel[0] - 1), size(0, kernel[1] - 1)};
    window.after = {size(0, kernel[0] - 1), size(0, kernel[1] - 1)};
    window.dilation = {size(1, 2), size(1, 2)};
    const std::int64_t rows = window.positions(0, x.size(1), kernel[0]);
    const std::int64_t columns = window.positions(1, x.size(2), kernel[1]);
    RC_PRE(rows > 0 && columns > 0);
    for (const Pooling pooling : {Pooling::Maximum, Pooling::Average, Pooling::AverageOfAll}) {
        const Tensor out = Tensor::empty({x.size(0), rows, columns, x.size(3)});
        pool(x, pooling, kernel, window, out);
        for (std::int64_t b = 0; b < x.size(0); ++b)
            for (std::int64_t r = 0; r < rows; ++r)
                for (std::int64_t k = 0; k < columns; ++k)
                    for (std::int64_t c = 0; c < x.size(3); ++c) {
                        double best = -INFINITY;
                        double sum = 0;
                        double count = 0;
                        for (std::int64_t i = 0; i < kernel[0]; ++i)
                            for (std::int64_t j = 0; j < kernel[1]; ++j) {
                                const std::int64_t y =
                                    r * window.stride[0] - window.before[0] + i * window.dilation[0];
                                const std::int64_t z =
                                    k * window.stride[1] - window.before[1] + j * window.dilation[1];
                                if (y < 0 || z < 0 || y >= x.size(1) || z >= x.size(2))
                                    continue;
                                best = std::max(best, x.at({b, y, z, c}));
                                sum += x.at({b, y, z, c});
                                ++count;
                            }
                        const double all = static_cast<double>(kernel[0] * kernel[1]);
                        const double want = pooling == Pooling::Maximum   ? best
                                            : pooling == Pooling::Average ? (count > 0 ? sum / count : 0)
                                                                          : sum / all;
                        const double got = out.at({b, r, k, c});
                        RC_ASSERT(got == want || std::abs(got - want) < 1e-5);
                    }
    }
}

/// Weight of a source cell at this distance.
double weightAt(Interpolation kind, double distance) {
    const double x = std::abs(distance);
    if (kind == Interpolation::Bilinear)
        return std::max(0.0, 1 - x);
    const double a = -0.75;
    if (x < 1)
        return (a + 2) * x * x * x - (a + 3) * x * x + 1;
    return x < 2 ? a * x * x * x - 5 * a * x * x + 8 * a * x - 4 * a : 0;
}

RC_GTEST_PROP(FeatureMap, ResamplingIsThePlainSum, ()) {
    const Tensor x = randomMap({1, size(1, 8), size(1, 8), 2});
    const std::int64_t rows = size(1, 20);
    const std::int64_t columns = size(1, 20);
    const auto place = [](bool align, std::int64_t i, std::int64_t from, std::int64_t to) {
        if (align)
            return to > 1
                       ? static_cast<double>(i) * static_cast<double>(from - 1) / static_cast<double>(to - 1)
                       : 0.0;
        return (static_cast<double>(i) + 0.5) * static_cast<double>(from) / static_cast<double>(to) - 0.5;
    };
    for (const Interpolation kind : {Interpolation::Bilinear, Interpolation::Bicubic})
        for (const bool align : {false, true}) {
            const Tensor out = Tensor::empty({1, rows, columns, 2});
            resample(x, kind, align, out);
            for (std::int64_t r = 0; r < rows; ++r)
                for (std::int64_t k = 0; k < columns; ++k)
                    for (std::int64_t c = 0; c < 2; ++c) {
                        const double y = place(align, r, x.size(1), rows);
                        const double z = place(align, k, x.size(2), columns);
                        double sum = 0; // cells beyond the border are those at it
                        for (std::int64_t i = -3; i < x.size(1) + 3; ++i)
                            for (std::int64_t j = -3; j < x.size(2) + 3; ++j)
                                sum += weightAt(kind, y - static_cast<double>(i)) *
                                       weightAt(kind, z - static_cast<double>(j)) *
                                       x.at({0, std::clamp<std::int64_t>(i, 0, x.size(1) - 1),
                                             std::clamp<std::int64_t>(j, 0, x.size(2) - 1), c});
                        RC_ASSERT(std::abs(out.at({0, r, k, c}) - sum) < 1e-4);
                    }
        }
}

TEST(FeatureMap, ResamplingOfKnownRows) {
    // Values of PyTorch's interpolate for 1 2 4 8 to six columns.
    const Tensor x = Tensor::of<float>({1, 1, 4, 1}, {1, 2, 4, 8});
    const Tensor out = Tensor::empty({1, 1, 6, 1});
    resample(x, Interpolation::Nearest, false, out);
    EXPECT_EQ(out.toFloats(), (std::vector<float>{1, 1, 2, 4, 4, 8}));
    resample(x, Interpolation::Bilinear, false, out);
    const std::vector<float> linear{1, 1.5F, 7.0F / 3.0F, 11.0F / 3.0F, 6, 8};
    for (std::size_t i = 0; i < 6; ++i)
        EXPECT_NEAR(out.toFloats()[i], linear[i], 1e-5);
    // Same size: nothing changes, by any of them.
    const Tensor same = Tensor::empty(x.shape());
    for (const Interpolation kind : {Interpolation::Nearest, Interpolation::Bilinear, Interpolation::Bicubic})
        for (const bool align : {false, true}) {
            resample(x, kind, align, same);
            for (std::size_t i = 0; i < 4; ++i)
                EXPECT_NEAR(same.toFloats()[i], x.toFloats()[i], 1e-6);
        }
}

RC_GTEST_PROP(FeatureMap, WindowsGoBackToTheMap, ()) {
    const Tensor x = randomMap({size(1, 3), size(1, 11), size(1, 11), size(1, 9)});
    const Pair window{size(1, 5), size(1, 5)};
    const Pair shift{size(0, window[0] - 1), size(0, window[1] - 1)};
    const std::int64_t down = (x.size(1) + window[0] - 1) / window[0];
    const std::int64_t across = (x.size(2) + window[1] - 1) / window[1];
    const Tensor cut = Tensor::full({x.size(0) * down * across, window[0] * window[1], x.size(3)}, 9);
    cutWindows(x, window, shift, cut);
    for (std::int64_t b = 0; b < x.size(0); ++b)
        for (std::int64_t y = 0; y < down * window[0]; ++y)
            for (std::int64_t z = 0; z < across * window[1]; ++z) {
                const std::int64_t from = (y + shift[0]) % (down * window[0]);
                const std::int64_t at = (z + shift[1]) % (across * window[1]);
                const std::int64_t which = (b * down + y / window[0]) * across + z / window[1];
                const std::int64_t cell = y % window[0] * window[1] + z % window[1];
                const bool inside = from < x.size(1) && at < x.size(2);
                RC_ASSERT(cut.at({which, cell, 0}) == (inside ? x.at({b, from, at, 0}) : 0.0));
            }
    const Tensor back = Tensor::full(x.shape(), 7);
    joinWindows(cut, window, shift, back);
    RC_ASSERT(back.toFloats() == x.toFloats());
}

RC_GTEST_PROP(FeatureMap, GroupNormIsThePlainOne, ()) {
    const std::int64_t groups = size(1, 4);
    const std::int64_t channels = groups * size(1, 6);
    const Tensor x = randomMap({size(1, 3), size(1, 200), channels});
    const Tensor weight = randomMap({channels});
    const Tensor bias = randomMap({channels});
    const Tensor out = Tensor::empty(x.shape());
    groupNorm(x, groups, weight, bias, 1e-5, out);
    const std::int64_t width = channels / groups;
    for (std::int64_t b = 0; b < x.size(0); ++b)
        for (std::int64_t g = 0; g < groups; ++g) {
            double mean = 0;
            double squares = 0;
            const double count = static_cast<double>(x.size(1) * width);
            for (std::int64_t p = 0; p < x.size(1); ++p)
                for (std::int64_t c = g * width; c < (g + 1) * width; ++c)
                    mean += x.at({b, p, c}) / count;
            for (std::int64_t p = 0; p < x.size(1); ++p)
                for (std::int64_t c = g * width; c < (g + 1) * width; ++c)
                    squares += (x.at({b, p, c}) - mean) * (x.at({b, p, c}) - mean) / count;
            for (std::int64_t p = 0; p < x.size(1); ++p)
                for (std::int64_t c = g * width; c < (g + 1) * width; ++c) {
                    const double want =
                        (x.at({b, p, c}) - mean) / std::sqrt(squares + 1e-5) * weight.at({c}) + bias.at({c});
                    RC_ASSERT(std::abs(out.at({b, p, c}) - want) < 2e-4);
                }
        }
}

RC_GTEST_PROP(FeatureMap, ChannelsAreScaledAndMeansTaken, ()) {
    const Tensor x = randomMap({size(1, 3), size(1, 40), size(1, 20)});
    const Tensor y = randomMap(x.shape());
    const Tensor scale = randomMap({x.size(2)});
    const Tensor shift = randomMap({x.size(2)});
    const Tensor scaled = Tensor::empty(x.shape());
    scaleChannels(x, scale, shift, scaled);
    const Tensor added = Tensor::empty(x.shape());
    addScaled(x, y, scale, added);
    const Tensor mean = Tensor::empty({x.size(0), x.size(2)});
    meanOverPositions(x, mean);
    for (std::int64_t b = 0; b < x.size(0); ++b)
        for (std::int64_t c = 0; c < x.size(2); ++c) {
            double sum = 0;
            for (std::int64_t p = 0; p < x.size(1); ++p) {
                sum += x.at({b, p, c});
                RC_ASSERT(std::abs(scaled.at({b, p, c}) - (x.at({b, p, c}) * scale.at({c}) + shift.at({c}))) <
                          1e-6);
                RC_ASSERT(std::abs(added.at({b, p, c}) -
                                   (x.at({b, p, c}) + y.at({b, p, c}) * scale.at({c}))) < 1e-6);
            }
            RC_ASSERT(std::abs(mean.at({b, c}) - sum / static_cast<double>(x.size(1))) < 1e-6);
        }
}

} // namespace
} // namespace orrery::kernels
