// SPDX-License-Identifier: GPL-3.0-or-later
#include "ops/norm.h"

#include "kernels/norm.h"
#include "ops/cast.h"
#include "ops/detail.h"
#include "ops/elementwise.h"
#include "ops/record.h"
#include "ops/reduce.h"

#include <fmt/format.h>

#include <cmath>

namespace orrery::ops {
namespace {

using detail::withReal;

/// (x - mean) * inverse deviation in each row; layerNorm subtracts the mean, rmsNorm does not.
struct Normalized {
    Tensor values;  ///< shape of x
    Tensor inverse; ///< [rows, 1]: 1 / deviation
};

std::int64_t rowGrain(std::int64_t width) {
    return std::max<std::int64_t>(1, detail::lightGrain / std::max<std::int64_t>(1, width));
}

Normalized normalize(const Tensor& x, bool centred, double epsilon) {
    const Tensor input = x.contiguous();
    const std::int64_t width = x.size(-1);
    const std::int64_t rows = width == 0 ? 0 : x.elements() / width;
    Normalized result{Tensor::empty(x.shape(), x.dtype()), Tensor::empty({rows}, x.dtype())};
    withReal("norm", x.dtype(), [&]<typename T>(T) {
        const T* from = input.pointer<T>();
        T* to = result.values.mutablePointer<T>();
        T* inverses = result.inverse.mutablePointer<T>();
        detail::inParallel(rows, rowGrain(width), [=](std::int64_t begin, std::int64_t end) {
            for (std::int64_t r = begin; r < end; ++r) {
                const T* in = from + r * width;
                double total = 0;
                for (std::int64_t i = 0; centred && i < width; ++i)
                    total += static_cast<double>(in[i]);
                const double mean = total / static_cast<double>(width);
                double squares = 0;
                for (std::int64_t i = 0; i < width; ++i) {
                    const double distance = static_cast<double>(in[i]) - mean;
                    squares += distance * distance;
                }
                const double inverse = 1 / std::sqrt(squares / static_cast<double>(width) + epsilon);
                inverses[r] = static_cast<T>(inverse);
                for (std::int64_t i = 0; i < width; ++i)
                    to[r * width + i] = static_cast<T>((static_cast<double>(in[i]) - mean) * inverse);
            }
        });
    });
    return result;
}

/// Backward of normalize: inverse * (g - mean(g) - n mean(g n)), without mean(g) when not centred.
Tensor normalizeBackward(const Tensor& gradient, const Normalized& forward, bool centred) {
    const Tensor g = gradient.contiguous();
    const std::int64_t width = g.size(-1);
    const std::int64_t rows = width == 0 ? 0 : g.elements() / width;
    Tensor result = Tensor::empty(g.shape(), g.dtype());
    withReal("norm", g.dtype(), [&]<typename T>(T) {
        const T* above = g.pointer<T>();
        const T* normal = forward.values.pointer<T>();
        const T* inverses = forward.inverse.pointer<T>();
        T* to = result.mutablePointer<T>();
        detail::inParallel(rows, rowGrain(width), [=](std::int64_t begin, std::int64_t end) {
            for (std::int64_t r = begin; r < end; ++r) {
                const T* up = above + r * width;
                const T* n = normal + r * width;
                double total = 0;
                double along = 0;
                for (std::int64_t i = 0; i < width; ++i) {
                    total += static_cast<double>(up[i]);
                    along += static_cast<double>(up[i] * n[i]);
                }
                const T shift = centred ? static_cast<T>(total / static_cast<double>(width)) : T(0);
                const T slope = static_cast<T>(along / static_cast<double>(width));
                for (std::int64_t i = 0; i < width; ++i)
                    to[r * width + i] = inverses[r] * (up[i] - shift - n[i] * slope);
            }
        });
    });
    return result;
}

/// f32 by the vectorised kernels.
Tensor fastNorm(std::string_view name, const Tensor& x, const Tensor& weight, const Tensor& bias,
                bool centred, double epsilon) {
    const Tensor input = x.contiguous();
    const std::int64_t rows = x.elements() / x.size(-1);
    const Tensor y = Tensor::empty(x.shape());
    kernels::NormStatistics keep;
    if (x.tracked() || weight.tracked() || bias.tracked())
        keep = {centred ? Tensor::empty({rows}) : Tensor(), Tensor::empty({rows})};
    if (centred)
        kernels::layerNorm(input, {}, weight, bias, epsilon, y, {}, keep);
    else
        kernels::rmsNorm(input, {}, weight, epsilon, y, {}, keep);
    return record(name, y, {x, weight, bias}, [&] {
        return [=, input = saved(input), weight = saved(weight), needsX = x.tracked(),
                needsWeight = weight.tracked(), needsBias = bias.tracked(),
                size = x.size(-1)](const Tensor& gradient) -> std::vector<Tensor> {
            const Tensor g = gradient.contiguous();
            const Tensor toX = needsX ? Tensor::empty(input.shape()) : Tensor();
            const Tensor toWeight = needsWeight ? Tensor::empty({size}) : Tensor();
            const Tensor toBias = needsBias ? Tensor::empty({size}) : Tensor();
            if (centred)
                kernels::layerNormBackward(input, weight, keep, g, toX, toWeight, toBias);
            else
                kernels::rmsNormBackward(input, weight, keep, g, toX, toWeight);
            return {toX, toWeight, toBias};
        };
    });
}

Tensor normOp(std::string_view name, const Tensor& x, const Tensor& weight, const Tensor& bias, bool centred,
              double epsilon) {
    const auto in = [](const Tensor& t, DType dtype) { return t.defined() ? cast(t, dtype) : t; };
    if (x.dtype() == DType::BF16)
        return cast(
            normOp(name, cast(x, DType::F32), in(weight, DType::F32), in(bias, DType::F32), centred, epsilon),
            DType::BF16);
    if ((weight.defined() && weight.dtype() != x.dtype()) || (bias.defined() && bias.dtype() != x.dtype()))
        return normOp(name, x, in(weight, x.dtype()), in(bias, x.dtype()), centred, epsilon);
    ORRERY_CHECK(x.rank() >= 1, fmt::format("{} of at least one dimension", name));
    for (const Tensor& parameter : {weight, bias})
        ORRERY_CHECK(!parameter.defined() || parameter.shape() == Shape{x.size(-1)},
                     fmt::format("{} of {} with a parameter of {}", name, x.shape().toText(),
                                 parameter.shape().toText()));
    if (x.dtype() == DType::F32 && x.elements() > 0)
        return fastNorm(name, x, weight, bias, centred, epsilon);
    const Normalized normal = normalize(x, centred, epsilon);
    Tensor y = normal.values;
    if (weight.defined())
        y = mul(y, weight.detached());
    if (bias.defined())
        y = add(y, bias.detached());
    return record(name, y, {x, weight, bias}, [&] {
        return [=, weight = saved(weight), needsX = x.tracked(), needsWeight = weight.tracked(),
                needsBias = bias.tracked()](const Tensor& g) -> std::vector<Tensor> {
            std::vector<Tensor> gradients(3);
            if (needsX)
                gradients[0] = normalizeBackward(weight.defined() ? mul(g, weight) : g, normal, centred);
            const Shape shape{g.size(-1)};
            if (needsWeight)
                gradients[1] = sumToShape(mul(g, normal.values), shape);
            if (needsBias)
                gradients[2] = sumToShape(g, shape);
            return gradients;
        };
    });
}

} // namespace

Tensor layerNorm(const Tensor& x, const Tensor& weight, const Tensor& bias, double epsilon) {
    return normOp("layerNorm", x, weight, bias, true, epsilon);
}

Tensor rmsNorm(const Tensor& x, const Tensor& weight, double epsilon) {
    return normOp("rmsNorm", x, weight, {}, false, epsilon);
}

} // namespace orrery::ops
