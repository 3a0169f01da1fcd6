// SPDX-License-Identifier: GPL-3.0-or-later
#include "ops/cast.h"
#include "ops/convolution.h"
#include "ops/detail.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/record.h"
#include "ops/shaping.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::ops {
namespace {

/// The sizes of the patches of one map.
struct Patches {
    std::int64_t batch, channels, height, width, kernelHeight, kernelWidth, rows, columns;
    kernels::Window2d window;

    /// Calls action(place in the map, place in the patches, count, step) for every tap and row of results:
    /// runs of results along a row that read inside of the map.
    template <typename Action>
    void forEachRun(std::int64_t plane, Action&& action) const {
        const std::int64_t taps = kernelHeight * kernelWidth;
        for (std::int64_t tap = 0; tap < taps; ++tap) {
            const std::int64_t down = tap / kernelWidth * window.dilation[0] - window.before[0];
            const std::int64_t across = tap % kernelWidth * window.dilation[1] - window.before[1];
            const std::int64_t stride = window.stride[1];
            const std::int64_t first = across >= 0 ? 0 : (-across + stride - 1) / stride;
            const std::int64_t last =
                width - across <= 0 ? 0 : std::min(columns, (width - across + stride - 1) / stride);
            if (last <= first)
                continue;
            for (std::int64_t row = 0; row < rows; ++row) {
                const std::int64_t y = row * window.stride[0] + down;
                if (y >= 0 && y < height)
                    action((plane * height + y) * width + first * stride + across,
                           ((plane * taps + tap) * rows + row) * columns + first, last - first, stride);
            }
        }
    }
};

/// x [B, C, H, W] to [B, C kernel, H' W'], zeros outside.
Tensor unfolded(const Tensor& x, const Patches& patches) {
    const Tensor out =
        Tensor::zeros({patches.batch, patches.channels * patches.kernelHeight * patches.kernelWidth,
                       patches.rows * patches.columns},
                      x.dtype());
    detail::withReal("convolution2d", x.dtype(), [&]<typename T>(T) {
        const T* from = x.pointer<T>();
        T* to = out.mutablePointer<T>();
        detail::inParallel(patches.batch * patches.channels, 1, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t plane = begin; plane < end; ++plane)
                patches.forEachRun(plane, [&](std::int64_t source, std::int64_t target, std::int64_t count,
                                              std::int64_t step) {
                    for (std::int64_t i = 0; i < count; ++i)
                        to[target + i] = from[source + i * step];
                });
        });
    });
    return out;
}

/// The transpose of unfolded: what every cell of the map gets back.
Tensor folded(const Tensor& gradient, const Patches& patches) {
    const Tensor out =
        Tensor::zeros({patches.batch, patches.channels, patches.height, patches.width}, gradient.dtype());
    detail::withReal("convolution2d", gradient.dtype(), [&]<typename T>(T) {
        const T* from = gradient.pointer<T>();
        T* to = out.mutablePointer<T>();
        detail::inParallel(patches.batch * patches.channels, 1, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t plane = begin; plane < end; ++plane)
                patches.forEachRun(plane, [&](std::int64_t target, std::int64_t source, std::int64_t count,
                                              std::int64_t step) {
                    for (std::int64_t i = 0; i < count; ++i)
                        to[target + i * step] += from[source + i];
                });
        });
    });
    return out;
}

} // namespace

Tensor convolution2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                     const kernels::Window2d& window, std::int64_t groups) {
    const DType dtype = detail::widest("convolution2d", x.dtype(), weight.dtype());
    if (dtype == DType::BF16) // in one go, so that it rounds once
        return cast(convolution2d(cast(x, DType::F32), cast(weight, DType::F32), bias, window, groups),
                    DType::BF16);
    if (x.dtype() != dtype || weight.dtype() != dtype)
        return convolution2d(cast(x, dtype), cast(weight, dtype), bias, window, groups);
    ORRERY_CHECK(x.rank() == 4 && weight.rank() == 4 && groups >= 1 && weight.size(1) * groups == x.size(1) &&
                     weight.size(0) % groups == 0 && weight.elements() > 0,
                 fmt::format("convolution2d of {} by {} in {} groups", x.shape().toText(),
                             weight.shape().toText(), groups));
    for (const std::size_t side : {0U, 1U})
        ORRERY_CHECK(window.stride[side] >= 1 && window.dilation[side] >= 1 && window.before[side] >= 0 &&
                         window.after[side] >= 0,
                     "a convolution has positive strides and dilations");
    const Patches patches{x.size(0),
                          x.size(1),
                          x.size(2),
                          x.size(3),
                          weight.size(2),
                          weight.size(3),
                          window.positions(0, x.size(2), weight.size(2)),
                          window.positions(1, x.size(3), weight.size(3)),
                          window};
    ORRERY_CHECK(patches.rows > 0 && patches.columns > 0,
                 fmt::format("convolution2d of {} is smaller than its kernel {}", x.shape().toText(),
                             weight.shape().toText()));
    const Tensor columns = record("unfold", unfolded(x.contiguous().detached(), patches), {x}, [&] {
        return [patches](const Tensor& gradient) -> std::vector<Tensor> {
            return {folded(gradient.contiguous(), patches)};
        };
    });
    const std::int64_t outputs = weight.size(0);
    const std::int64_t depth = weight.elements() / outputs;
    const Tensor product =
        matmul(reshape(weight, {1, groups, outputs / groups, depth}),
               reshape(columns, {patches.batch, groups, depth, patches.rows * patches.columns}));
    const Tensor y = reshape(product, {patches.batch, outputs, patches.rows, patches.columns});
    return bias.defined() ? add(y, reshape(bias, {1, outputs, 1, 1})) : y;
}

} // namespace orrery::ops
