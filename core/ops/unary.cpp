// SPDX-License-Identifier: GPL-3.0-or-later
// The elementwise functions of one tensor: each is a value and a derivative by input and output.
#include "kernels/elementwise.h"
#include "ops/cast.h"
#include "ops/detail.h"
#include "ops/elementwise.h"
#include "ops/record.h"

#include <cmath>
#include <numbers>
#include <optional>

namespace orrery::ops {
namespace {

using detail::withReal;

/// What the derivative looks at, so that no more is saved.
enum class Saves { Nothing, Input, Output };

/// out[i] = value(x[i]) for contiguous tensors.
template <typename Value>
void apply(std::string_view name, const Tensor& x, const Tensor& out, Value value) {
    withReal(name, x.dtype(), [&]<typename T>(T) {
        const T* from = x.pointer<T>();
        T* to = out.mutablePointer<T>();
        detail::inParallel(x.elements(), detail::lightGrain, [=](std::int64_t begin, std::int64_t end) {
#pragma omp simd
            for (std::int64_t i = begin; i < end; ++i)
                to[i] = value(from[i]);
        });
    });
}

/// kernel: who computes f32, where the vectorised kernels have the function; they differentiate by the input.
template <typename Value, typename Derivative>
Tensor unary(std::string_view name, const Tensor& x, Saves saves, Value value, Derivative derivative,
             std::optional<kernels::Activation> kernel = {}) {
    if (x.dtype() == DType::BF16)
        return cast(unary(name, cast(x, DType::F32), saves, value, derivative, kernel), DType::BF16);
    const Tensor input = x.contiguous();
    const Tensor y = Tensor::empty(x.shape(), x.dtype());
    const bool fast = kernel && x.dtype() == DType::F32;
    if (fast)
        kernels::activate(*kernel, input, y);
    else
        apply(name, input, y, value);
    return record(name, y, {x}, [&] {
        const Tensor kept = saves == Saves::Nothing ? Tensor() : saved(saves == Saves::Input ? input : y);
        return [kept, derivative, name = std::string(name), fast, saves,
                kernel](const Tensor& gradient) -> std::vector<Tensor> {
            const Tensor g = gradient.contiguous();
            const Tensor result = Tensor::empty(g.shape(), g.dtype());
            if (fast && saves == Saves::Input) {
                kernels::activateBackward(*kernel, kept, g, result);
                return {result};
            }
            withReal(name, g.dtype(), [&]<typename T>(T) {
                const T* above = g.pointer<T>();
                const T* at = kept.defined() ? kept.pointer<T>() : above;
                T* to = result.mutablePointer<T>();
                detail::inParallel(g.elements(), detail::lightGrain,
                                   [=](std::int64_t begin, std::int64_t end) {
#pragma omp simd
                                       for (std::int64_t i = begin; i < end; ++i)
                                           to[i] = above[i] * derivative(at[i]);
                                   });
            });
            return {result};
        };
    });
}

template <typename T>
T logistic(T x) {
    // exp of a negative number only: no overflow on either side.
    const T e = std::exp(-std::abs(x));
    return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

template <typename T>
constexpr T tanhGeluScale = std::numbers::sqrt2_v<T>* std::numbers::inv_sqrtpi_v<T>; // sqrt(2 / pi)

} // namespace

Tensor scale(const Tensor& x, double factor) {
    return unary(
        "scale", x, Saves::Nothing, [factor]<typename T>(T v) { return v * static_cast<T>(factor); },
        [factor]<typename T>(T) { return static_cast<T>(factor); });
}

Tensor addScalar(const Tensor& x, double addend) {
    return unary(
        "addScalar", x, Saves::Nothing, [addend]<typename T>(T v) { return v + static_cast<T>(addend); },
        []<typename T>(T) { return T(1); });
}

Tensor neg(const Tensor& x) {
    return unary(
        "neg", x, Saves::Nothing, []<typename T>(T v) { return -v; }, []<typename T>(T) { return T(-1); });
}

Tensor square(const Tensor& x) {
    return unary(
        "square", x, Saves::Input, []<typename T>(T v) { return v * v; },
        []<typename T>(T v) { return 2 * v; });
}

Tensor pow(const Tensor& x, double exponent) {
    return unary(
        "pow", x, Saves::Input, [exponent]<typename T>(T v) { return std::pow(v, static_cast<T>(exponent)); },
        [exponent]<typename T>(T v) {
            return exponent == 0 ? T(0)
                                 : static_cast<T>(exponent) * std::pow(v, static_cast<T>(exponent - 1));
        });
}

Tensor reciprocal(const Tensor& x) {
    return unary(
        "reciprocal", x, Saves::Output, []<typename T>(T v) { return 1 / v; },
        []<typename T>(T y) { return -y * y; });
}

Tensor exp(const Tensor& x) {
    if (x.dtype() == DType::F32) {
        const Tensor y = Tensor::empty(x.shape());
        kernels::exponential(x.contiguous(), y);
        return record("exp", y, {x},
                      [&] { return [y](const Tensor& g) -> std::vector<Tensor> { return {mul(g, y)}; }; });
    }
    return unary(
        "exp", x, Saves::Output, []<typename T>(T v) { return std::exp(v); },
        []<typename T>(T y) { return y; });
}

Tensor log(const Tensor& x) {
    return unary(
        "log", x, Saves::Input, []<typename T>(T v) { return std::log(v); },
        []<typename T>(T v) { return 1 / v; });
}

Tensor sqrt(const Tensor& x) {
    return unary(
        "sqrt", x, Saves::Output, []<typename T>(T v) { return std::sqrt(v); },
        []<typename T>(T y) { return T(0.5) / y; });
}

Tensor rsqrt(const Tensor& x) {
    return unary(
        "rsqrt", x, Saves::Output, []<typename T>(T v) { return 1 / std::sqrt(v); },
        []<typename T>(T y) { return T(-0.5) * y * y * y; });
}

Tensor sin(const Tensor& x) {
    return unary(
        "sin", x, Saves::Input, []<typename T>(T v) { return std::sin(v); },
        []<typename T>(T v) { return std::cos(v); });
}

Tensor cos(const Tensor& x) {
    return unary(
        "cos", x, Saves::Input, []<typename T>(T v) { return std::cos(v); },
        []<typename T>(T v) { return -std::sin(v); });
}

Tensor abs(const Tensor& x) {
    return unary(
        "abs", x, Saves::Input, []<typename T>(T v) { return std::abs(v); },
        []<typename T>(T v) { return static_cast<T>((v > 0) - (v < 0)); });
}

Tensor clamp(const Tensor& x, double low, double high) {
    ORRERY_CHECK(low <= high, "clamp between a lower and a higher bound");
    return unary(
        "clamp", x, Saves::Input,
        [low, high]<typename T>(T v) {
            // Written so that NaN stays NaN.
            return v < static_cast<T>(low)    ? static_cast<T>(low)
                   : v > static_cast<T>(high) ? static_cast<T>(high)
                                              : v;
        },
        [low, high]<typename T>(T v) {
            return static_cast<T>(v >= static_cast<T>(low) && v <= static_cast<T>(high));
        });
}

Tensor tanh(const Tensor& x) {
    return unary(
        "tanh", x, Saves::Output, []<typename T>(T v) { return std::tanh(v); },
        []<typename T>(T y) { return 1 - y * y; }, kernels::Activation::Tanh);
}

Tensor sigmoid(const Tensor& x) {
    return unary(
        "sigmoid", x, Saves::Output, []<typename T>(T v) { return logistic(v); },
        []<typename T>(T y) { return y * (1 - y); });
}

Tensor relu(const Tensor& x) {
    return unary(
        "relu", x, Saves::Output, []<typename T>(T v) { return v < 0 ? T(0) : v; },
        []<typename T>(T y) { return static_cast<T>(y > 0); });
}

Tensor gelu(const Tensor& x) {
    return unary(
        "gelu", x, Saves::Input,
        []<typename T>(T v) { return T(0.5) * v * std::erfc(-v / std::numbers::sqrt2_v<T>); },
        []<typename T>(T v) {
            const T density =
                std::exp(T(-0.5) * v * v) * std::numbers::inv_sqrtpi_v<T> / std::numbers::sqrt2_v<T>;
            return T(0.5) * std::erfc(-v / std::numbers::sqrt2_v<T>) + v * density;
        },
        kernels::Activation::Gelu);
}

Tensor geluTanh(const Tensor& x) {
    return unary(
        "geluTanh", x, Saves::Input,
        []<typename T>(T v) {
            return T(0.5) * v * (1 + std::tanh(tanhGeluScale<T> * (v + T(0.044715) * v * v * v)));
        },
        []<typename T>(T v) {
            const T t = std::tanh(tanhGeluScale<T> * (v + T(0.044715) * v * v * v));
            return T(0.5) * (1 + t) +
                   T(0.5) * v * (1 - t * t) * tanhGeluScale<T> * (1 + 3 * T(0.044715) * v * v);
        },
        kernels::Activation::GeluTanh);
}

Tensor quickGelu(const Tensor& x) {
    return unary(
        "quickGelu", x, Saves::Input, []<typename T>(T v) { return v * logistic(T(1.702) * v); },
        []<typename T>(T v) {
            const T s = logistic(T(1.702) * v);
            return s + T(1.702) * v * s * (1 - s);
        },
        kernels::Activation::QuickGelu);
}

Tensor silu(const Tensor& x) {
    return unary(
        "silu", x, Saves::Input, []<typename T>(T v) { return v * logistic(v); },
        []<typename T>(T v) {
            const T s = logistic(v);
            return s + v * s * (1 - s);
        },
        kernels::Activation::Silu);
}

Tensor softplus(const Tensor& x) {
    return unary(
        "softplus", x, Saves::Input,
        []<typename T>(T v) { return (v > 0 ? v : T(0)) + std::log1p(std::exp(-std::abs(v))); },
        []<typename T>(T v) { return logistic(v); });
}

Tensor elu(const Tensor& x, double alpha) {
    return unary(
        "elu", x, Saves::Input,
        [alpha]<typename T>(T v) { return v > 0 ? v : static_cast<T>(alpha) * std::expm1(v); },
        [alpha]<typename T>(T v) { return v > 0 ? T(1) : static_cast<T>(alpha) * std::exp(v); });
}

Tensor leakyRelu(const Tensor& x, double slope) {
    return unary(
        "leakyRelu", x, Saves::Input,
        [slope]<typename T>(T v) { return v > 0 ? v : static_cast<T>(slope) * v; },
        [slope]<typename T>(T v) { return v > 0 ? T(1) : static_cast<T>(slope); });
}

} // namespace orrery::ops
