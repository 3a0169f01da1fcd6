// SPDX-License-Identifier: GPL-3.0-or-later
#include "ops/softmax.h"

#include "kernels/elementwise.h"
#include "ops/cast.h"
#include "ops/detail.h"
#include "ops/elementwise.h"
#include "ops/record.h"
#include "ops/reduce.h"
#include "ops/shaping.h"

#include <cmath>
#include <limits>

namespace orrery::ops {
namespace {

/// One row: writes exp(x - max) and gives (max, sum); nothing allowed gives sum 0.
template <typename T>
std::pair<T, T> exponentials(const T* x, T* y, std::int64_t count) {
    T top = -std::numeric_limits<T>::infinity();
    for (std::int64_t i = 0; i < count; ++i)
        top = x[i] > top || x[i] != x[i] ? x[i] : top;
    if (top == -std::numeric_limits<T>::infinity()) {
        std::fill_n(y, count, T(0));
        return {top, T(0)};
    }
    T total = 0;
    for (std::int64_t i = 0; i < count; ++i) {
        y[i] = std::exp(x[i] - top);
        total += y[i];
    }
    return {top, total};
}

std::int64_t rowGrain(std::int64_t width) {
    return std::max<std::int64_t>(1, detail::lightGrain / 4 / std::max<std::int64_t>(1, width));
}

void softmaxLoops(const Tensor& input, const Tensor& y, std::int64_t width, std::int64_t rows,
                  bool logarithm) {
    detail::withReal(logarithm ? "logSoftmax" : "softmax", input.dtype(), [&]<typename T>(T) {
        const T* from = input.pointer<T>();
        T* to = y.mutablePointer<T>();
        detail::inParallel(rows, rowGrain(width), [=](std::int64_t begin, std::int64_t end) {
            for (std::int64_t r = begin; r < end; ++r) {
                const T* in = from + r * width;
                T* out = to + r * width;
                const auto [top, total] = exponentials(in, out, width);
                if (logarithm) {
                    const T shift = total == 0 ? T(0) : top + std::log(total);
                    for (std::int64_t i = 0; i < width; ++i)
                        out[i] = in[i] - shift;
                } else {
                    const T factor = total == 0 ? T(0) : 1 / total;
                    for (std::int64_t i = 0; i < width; ++i)
                        out[i] *= factor;
                }
            }
        });
    });
}

/// Along the last dimension of f32 or f64.
Tensor softmaxRows(const Tensor& x, bool logarithm) {
    const char* name = logarithm ? "logSoftmax" : "softmax";
    const Tensor input = x.contiguous();
    const Tensor y = Tensor::empty(x.shape(), x.dtype());
    const std::int64_t width = x.size(-1);
    const std::int64_t rows = width == 0 ? 0 : x.elements() / width;
    if (x.dtype() == DType::F32 && !logarithm && rows > 0)
        kernels::softmaxRows(input, y);
    else
        softmaxLoops(input, y, width, rows, logarithm);
    return record(name, y, {x}, [&] {
        return [y = saved(y), logarithm, name, width, rows](const Tensor& gradient) -> std::vector<Tensor> {
            const Tensor g = gradient.contiguous();
            const Tensor result = Tensor::empty(g.shape(), g.dtype());
            detail::withReal(name, g.dtype(), [&]<typename T>(T) {
                const T* above = g.pointer<T>();
                const T* at = y.pointer<T>();
                T* to = result.mutablePointer<T>();
                detail::inParallel(rows, rowGrain(width), [=](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t r = begin; r < end; ++r) {
                        const T* p = at + r * width;
                        const T* up = above + r * width;
                        T* out = to + r * width;
                        double total = 0;
                        for (std::int64_t i = 0; i < width; ++i)
                            total += static_cast<double>(logarithm ? up[i] : up[i] * p[i]);
                        const T shift = static_cast<T>(total);
                        for (std::int64_t i = 0; i < width; ++i)
                            out[i] = logarithm ? up[i] - std::exp(p[i]) * shift : p[i] * (up[i] - shift);
                    }
                });
            });
            return {result};
        };
    });
}

Tensor masked(const Tensor& x, const Tensor& mask) {
    if (!mask.defined())
        return x;
    ORRERY_CHECK(broadcastShape(x.shape(), mask.shape()) == x.shape(), "a mask broadcasts to what it masks");
    if (isFloating(mask.dtype()))
        return add(x, cast(mask, x.dtype()));
    return where(mask, x, Tensor::full({}, -std::numeric_limits<double>::infinity(), x.dtype()));
}

Tensor alongDimension(const Tensor& x, int dimension, const Tensor& mask, bool logarithm) {
    if (x.dtype() == DType::BF16)
        return cast(alongDimension(cast(x, DType::F32), dimension, mask, logarithm), DType::BF16);
    const int front = detail::frontDimension("softmax", x, dimension);
    const Tensor allowed = masked(x, mask);
    if (front == x.rank() - 1)
        return softmaxRows(allowed, logarithm);
    return contiguous(transpose(softmaxRows(transpose(allowed, front, -1), logarithm), front, -1));
}

} // namespace

Tensor softmax(const Tensor& x, int dimension, const Tensor& mask) {
    return alongDimension(x, dimension, mask, false);
}

Tensor logSoftmax(const Tensor& x, int dimension, const Tensor& mask) {
    return alongDimension(x, dimension, mask, true);
}

} // namespace orrery::ops
