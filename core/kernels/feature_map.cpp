// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/feature_map.h"

#include "base/error.h"
#include "kernels/threads.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace orrery::kernels {
namespace {

/// Positions a thread should at least have.
std::int64_t grainOf(std::int64_t channels) {
    return std::max<std::int64_t>(1, 8192 / std::max<std::int64_t>(1, channels));
}

void checkMap(const Tensor& x, int rank = 4) {
    ORRERY_CHECK(x.rank() == rank && x.dtype() == DType::F32 && x.isContiguous(),
                 "a feature map is dense f32 [B, H, W, C]");
}

/// The taps [first, last) of a kernel at this place that lie inside of a side.
std::pair<std::int64_t, std::int64_t> inside(std::int64_t place, std::int64_t size, std::int64_t taps,
                                             std::int64_t dilation) {
    const std::int64_t first = place >= 0 ? 0 : (-place + dilation - 1) / dilation;
    const std::int64_t last = place >= size ? 0 : (size - place + dilation - 1) / dilation;
    return {first, std::min(taps, last)};
}

const float* channelsOf(const Tensor& tensor, std::int64_t channels) {
    if (!tensor.defined())
        return nullptr;
    ORRERY_CHECK(tensor.elements() == channels && tensor.isContiguous(), "one number for each channel");
    return tensor.pointer<float>();
}

} // namespace

std::int64_t Window2d::positions(int side, std::int64_t size, std::int64_t kernel) const {
    const auto i = static_cast<std::size_t>(side);
    const std::int64_t reach = before[i] + size + after[i] - dilation[i] * (kernel - 1) - 1;
    return reach < 0 ? 0 : reach / stride[i] + 1;
}

void pool(const Tensor& x, Pooling pooling, const Pair& size, const Window2d& window, const Tensor& out) {
    checkMap(x);
    checkMap(out);
    const std::int64_t channels = x.size(3);
    const std::int64_t height = x.size(1);
    const std::int64_t width = x.size(2);
    const std::int64_t rows = out.size(1);
    const std::int64_t columns = out.size(2);
    ORRERY_CHECK(out.size(0) == x.size(0) && out.size(3) == channels &&
                     rows == window.positions(0, height, size[0]) &&
                     columns == window.positions(1, width, size[1]),
                 "the pooled map has its sizes");
    const float* from = x.pointer<float>();
    float* to = out.mutablePointer<float>();
    const bool maximum = pooling == Pooling::Maximum;
    parallelFor(out.size(0) * rows * columns, grainOf(channels), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t cell = begin; cell < end; ++cell) {
            const std::int64_t column = cell % columns;
            const std::int64_t row = cell / columns % rows;
            const std::int64_t item = cell / columns / rows;
            float* target = to + cell * channels;
            std::fill_n(target, channels, maximum ? -std::numeric_limits<float>::infinity() : 0.0F);
            const auto [firstRow, lastRow] =
                inside(row * window.stride[0] - window.before[0], height, size[0], window.dilation[0]);
            const auto [firstColumn, lastColumn] =
                inside(column * window.stride[1] - window.before[1], width, size[1], window.dilation[1]);
            for (std::int64_t i = firstRow; i < lastRow; ++i) {
                const std::int64_t y = row * window.stride[0] - window.before[0] + i * window.dilation[0];
                for (std::int64_t j = firstColumn; j < lastColumn; ++j) {
                    const std::int64_t at =
                        column * window.stride[1] - window.before[1] + j * window.dilation[1];
                    const float* source = from + ((item * height + y) * width + at) * channels;
                    if (maximum) {
#pragma omp simd
                        for (std::int64_t c = 0; c < channels; ++c)
                            target[c] = std::max(target[c], source[c]);
                    } else {
#pragma omp simd
                        for (std::int64_t c = 0; c < channels; ++c)
                            target[c] += source[c];
                    }
                }
            }
            if (maximum)
                continue;
            const std::int64_t count = pooling == Pooling::Average
                                           ? std::max<std::int64_t>(0, lastRow - firstRow) *
                                                 std::max<std::int64_t>(0, lastColumn - firstColumn)
                                           : size[0] * size[1];
            const float factor = count > 0 ? 1.0F / static_cast<float>(count) : 0.0F;
#pragma omp simd
            for (std::int64_t c = 0; c < channels; ++c)
                target[c] *= factor;
        }
    });
}

void meanOverPositions(const Tensor& x, const Tensor& out) {
    ORRERY_CHECK(x.rank() >= 2 && x.dtype() == DType::F32 && x.isContiguous() && out.rank() == 2 &&
                     out.size(0) == x.size(0) && out.size(1) == x.size(-1) && out.isContiguous(),
                 "means over positions are [B, C]");
    const std::int64_t channels = out.size(1);
    const std::int64_t positions = x.elements() / std::max<std::int64_t>(1, out.elements());
    parallelFor(out.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> sums(static_cast<std::size_t>(channels));
        for (std::int64_t item = begin; item < end; ++item) {
            std::fill(sums.begin(), sums.end(), 0.0);
            const float* source = x.pointer<float>() + item * positions * channels;
            for (std::int64_t p = 0; p < positions; ++p)
                for (std::int64_t c = 0; c < channels; ++c)
                    sums[static_cast<std::size_t>(c)] += static_cast<double>(source[p * channels + c]);
            for (std::int64_t c = 0; c < channels; ++c)
                out.mutablePointer<float>()[item * channels + c] =
                    static_cast<float>(sums[static_cast<std::size_t>(c)] /
                                       static_cast<double>(std::max<std::int64_t>(1, positions)));
        }
    });
}

namespace {

/// Where a cell of the cut map comes from, or -1 where it is filled up.
std::int64_t sourceOf(std::int64_t at, std::int64_t shift, std::int64_t padded, std::int64_t size) {
    const std::int64_t place = (at + shift) % padded;
    return place < size ? place : -1;
}

/// Calls copy(row of windows, row of the map or -1) for every cell of the filled-up map.
template <typename Copy>
void forEachCell(const Shape& map, const Pair& size, const Pair& shift, std::int64_t grain,
                 const Copy& copy) {
    const std::int64_t height = map[1];
    const std::int64_t width = map[2];
    const std::int64_t down = (height + size[0] - 1) / size[0];
    const std::int64_t across = (width + size[1] - 1) / size[1];
    const std::int64_t cells = size[0] * size[1];
    parallelFor(map[0] * down * across, std::max<std::int64_t>(1, grain / cells),
                [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t window = begin; window < end; ++window) {
                        const std::int64_t item = window / (down * across);
                        const std::int64_t top = window / across % down * size[0];
                        const std::int64_t left = window % across * size[1];
                        for (std::int64_t i = 0; i < size[0]; ++i) {
                            const std::int64_t y = sourceOf(top + i, shift[0], down * size[0], height);
                            for (std::int64_t j = 0; j < size[1]; ++j) {
                                const std::int64_t x = sourceOf(left + j, shift[1], across * size[1], width);
                                copy(window * cells + i * size[1] + j,
                                     y < 0 || x < 0 ? -1 : (item * height + y) * width + x);
                            }
                        }
                    }
                });
}

void checkWindows(const Tensor& windows, const Tensor& map, const Pair& size, const Pair& shift) {
    checkMap(map);
    checkMap(windows, 3);
    ORRERY_CHECK(size[0] >= 1 && size[1] >= 1 && shift[0] >= 0 && shift[1] >= 0, "sizes of windows");
    const std::int64_t down = (map.size(1) + size[0] - 1) / size[0];
    const std::int64_t across = (map.size(2) + size[1] - 1) / size[1];
    ORRERY_CHECK(windows.size(0) == map.size(0) * down * across && windows.size(1) == size[0] * size[1] &&
                     windows.size(2) == map.size(3),
                 "windows and map fit");
}

} // namespace

void cutWindows(const Tensor& x, const Pair& size, const Pair& shift, const Tensor& out) {
    checkWindows(out, x, size, shift);
    const std::int64_t channels = x.size(3);
    const float* from = x.pointer<float>();
    float* to = out.mutablePointer<float>();
    forEachCell(x.shape(), size, shift, grainOf(channels), [&](std::int64_t target, std::int64_t source) {
        if (source < 0)
            std::fill_n(to + target * channels, channels, 0.0F);
        else
            std::copy_n(from + source * channels, channels, to + target * channels);
    });
}

void joinWindows(const Tensor& windows, const Pair& size, const Pair& shift, const Tensor& out) {
    checkWindows(windows, out, size, shift);
    const std::int64_t channels = out.size(3);
    const float* from = windows.pointer<float>();
    float* to = out.mutablePointer<float>();
    forEachCell(out.shape(), size, shift, grainOf(channels), [&](std::int64_t source, std::int64_t target) {
        if (target >= 0)
            std::copy_n(from + source * channels, channels, to + target * channels);
    });
}

void scaleChannels(const Tensor& x, const Tensor& scale, const Tensor& shift, const Tensor& out) {
    ORRERY_CHECK(x.shape() == out.shape() && x.isContiguous() && out.isContiguous(), "dense maps");
    const std::int64_t channels = x.size(-1);
    const float* factors = channelsOf(scale, channels);
    const float* shifts = channelsOf(shift, channels);
    const float* from = x.pointer<float>();
    float* to = out.mutablePointer<float>();
    parallelFor(x.elements() / std::max<std::int64_t>(1, channels), grainOf(channels),
                [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t row = begin; row < end; ++row) {
                        const float* source = from + row * channels;
                        float* target = to + row * channels;
                        if (shifts == nullptr) {
#pragma omp simd
                            for (std::int64_t c = 0; c < channels; ++c)
                                target[c] = source[c] * factors[c];
                        } else {
#pragma omp simd
                            for (std::int64_t c = 0; c < channels; ++c)
                                target[c] = source[c] * factors[c] + shifts[c];
                        }
                    }
                });
}

void addScaled(const Tensor& x, const Tensor& y, const Tensor& scale, const Tensor& out) {
    ORRERY_CHECK(x.shape() == y.shape() && x.shape() == out.shape() && x.isContiguous() && y.isContiguous() &&
                     out.isContiguous(),
                 "dense maps of one shape");
    const std::int64_t channels = x.size(-1);
    const float* factors = channelsOf(scale, channels);
    const float* left = x.pointer<float>();
    const float* right = y.pointer<float>();
    float* to = out.mutablePointer<float>();
    parallelFor(x.elements() / std::max<std::int64_t>(1, channels), grainOf(channels),
                [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t row = begin; row < end; ++row) {
                        const std::int64_t at = row * channels;
#pragma omp simd
                        for (std::int64_t c = 0; c < channels; ++c)
                            to[at + c] = left[at + c] + right[at + c] * factors[c];
                    }
                });
}

} // namespace orrery::kernels
