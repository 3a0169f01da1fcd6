// SPDX-License-Identifier: GPL-3.0-or-later
#include "ops/convolution.h"

#include "ops/cast.h"
#include "ops/detail.h"
#include "ops/elementwise.h"
#include "ops/record.h"
#include "ops/shaping.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::ops {
namespace {

/// The sizes of one convolution.
struct Sizes {
    std::int64_t batch, in, length, out, perGroup, width, result;
    Convolution1dOptions options;

    [[nodiscard]] std::int64_t firstChannel(std::int64_t o) const {
        return o / (out / options.groups) * perGroup;
    }
    /// Results [begin, end) for which tap k reads inside the input.
    [[nodiscard]] std::pair<std::int64_t, std::int64_t> inside(std::int64_t tap) const {
        const std::int64_t shift = tap * options.dilation - options.padBefore;
        const std::int64_t stride = options.stride;
        const std::int64_t begin = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
        const std::int64_t end = length - shift <= 0 ? 0 : (length - shift + stride - 1) / stride;
        return {std::min(begin, result), std::clamp(end, std::min(begin, result), result)};
    }
};

/// Calls action(x row, weight index, y row, tap shift, begin, end) for every pair of rows that a tap joins,
/// for outer indices [first, last) of [batch, out].
template <typename Action>
void forEachTap(const Sizes& s, std::int64_t b, std::int64_t o, Action&& action) {
    for (std::int64_t c = 0; c < s.perGroup; ++c)
        for (std::int64_t tap = 0; tap < s.width; ++tap) {
            const auto [begin, end] = s.inside(tap);
            action((b * s.in + s.firstChannel(o) + c) * s.length, (o * s.perGroup + c) * s.width + tap,
                   (b * s.out + o) * s.result, tap * s.options.dilation - s.options.padBefore, begin, end);
        }
}

template <typename T>
void forward(const Sizes& s, const T* x, const T* weight, T* y) {
    detail::inParallel(s.batch * s.out, 1 + 50000 / (1 + s.perGroup * s.width * s.result),
                       [&](std::int64_t first, std::int64_t last) {
                           for (std::int64_t task = first; task < last; ++task) {
                               std::fill_n(y + task * s.result, s.result, T(0));
                               forEachTap(s, task / s.out, task % s.out,
                                          [&](std::int64_t xRow, std::int64_t w, std::int64_t yRow,
                                              std::int64_t shift, std::int64_t begin, std::int64_t end) {
                                              for (std::int64_t t = begin; t < end; ++t)
                                                  y[yRow + t] +=
                                                      weight[w] * x[xRow + t * s.options.stride + shift];
                                          });
                           }
                       });
}

template <typename T>
void backward(const Sizes& s, const T* x, const T* weight, const T* g, T* toX, T* toWeight) {
    for (std::int64_t b = 0; b < s.batch; ++b)
        for (std::int64_t o = 0; o < s.out; ++o)
            forEachTap(s, b, o,
                       [&](std::int64_t xRow, std::int64_t w, std::int64_t yRow, std::int64_t shift,
                           std::int64_t begin, std::int64_t end) {
                           if (toX != nullptr)
                               for (std::int64_t t = begin; t < end; ++t)
                                   toX[xRow + t * s.options.stride + shift] += weight[w] * g[yRow + t];
                           if (toWeight != nullptr) {
                               T total = 0;
                               for (std::int64_t t = begin; t < end; ++t)
                                   total += x[xRow + t * s.options.stride + shift] * g[yRow + t];
                               toWeight[w] += total;
                           }
                       });
}

} // namespace

Tensor convolution1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                     const Convolution1dOptions& options) {
    const DType dtype = detail::widest("convolution1d", x.dtype(), weight.dtype());
    if (dtype == DType::BF16) // in one go, so that it rounds once
        return cast(convolution1d(cast(x, DType::F32), cast(weight, DType::F32), bias, options), DType::BF16);
    if (x.dtype() != dtype || weight.dtype() != dtype)
        return convolution1d(cast(x, dtype), cast(weight, dtype), bias, options);
    ORRERY_CHECK(options.stride >= 1 && options.dilation >= 1 && options.groups >= 1 &&
                     options.padBefore >= 0 && options.padAfter >= 0,
                 "a convolution has positive strides, dilations and groups");
    ORRERY_CHECK(x.rank() == 3 && weight.rank() == 3 && weight.size(1) * options.groups == x.size(1) &&
                     weight.size(0) % options.groups == 0 && weight.size(2) >= 1,
                 fmt::format("convolution1d of {} by {} in {} groups", x.shape().toText(),
                             weight.shape().toText(), options.groups));
    const std::int64_t reach =
        options.padBefore + x.size(2) + options.padAfter - options.dilation * (weight.size(2) - 1) - 1;
    ORRERY_CHECK(reach >= 0, fmt::format("convolution1d of {} is shorter than its kernel {}",
                                         x.shape().toText(), weight.shape().toText()));
    const Sizes sizes{x.size(0),
                      x.size(1),
                      x.size(2),
                      weight.size(0),
                      weight.size(1),
                      weight.size(2),
                      reach / options.stride + 1,
                      options};
    const Tensor input = x.contiguous().detached();
    const Tensor kernel = weight.contiguous().detached();
    const Tensor y = Tensor::empty({sizes.batch, sizes.out, sizes.result}, dtype);
    detail::withReal("convolution1d", dtype, [&]<typename T>(T) {
        forward<T>(sizes, input.pointer<T>(), kernel.pointer<T>(), y.mutablePointer<T>());
    });
    const Tensor recorded = record("convolution1d", y, {x, weight}, [&] {
        return [=, needsX = x.tracked(),
                needsWeight = weight.tracked()](const Tensor& gradient) -> std::vector<Tensor> {
            const Tensor g = gradient.contiguous();
            std::vector<Tensor> gradients(2);
            if (needsX)
                gradients[0] = Tensor::zeros(input.shape(), dtype);
            if (needsWeight)
                gradients[1] = Tensor::zeros(kernel.shape(), dtype);
            detail::withReal("convolution1d", dtype, [&]<typename T>(T) {
                backward<T>(sizes, input.pointer<T>(), kernel.pointer<T>(), g.pointer<T>(),
                            needsX ? gradients[0].mutablePointer<T>() : nullptr,
                            needsWeight ? gradients[1].mutablePointer<T>() : nullptr);
            });
            return gradients;
        };
    });
    return bias.defined() ? add(recorded, reshape(bias, {1, bias.elements(), 1})) : recorded;
}

} // namespace orrery::ops
