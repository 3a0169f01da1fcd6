// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/activation.h"
#include "kernels/simd/vec.h"

// Polynomials interpolate at Chebyshev nodes; the errors named are of the polynomials, before rounding.
namespace orrery::kernels::ORRERY_SIMD {

inline constexpr float infinity = __builtin_inff();

/// 2^x for x <= 0 or a little above, relative error 2e-7: the weights of a softmax. 0 below -150.
ORRERY_INLINE Vec exp2Fast(Vec x) {
    x = max(x, set(-160.0F));
    const Vec n = roundToNearest(x);
    const Vec f = x - n;
    Vec p = set(0.001338130254F);
    p = fma(p, f, set(0.009666368515F));
    p = fma(p, f, set(0.05550381014F));
    p = fma(p, f, set(0.2402234904F));
    p = fma(p, f, set(0.6931471806F));
    return timesPowerOf2(fma(p, f, set(1.0F)), n);
}

/// e^x, relative error 5e-9 before rounding; 0 below -104, infinity above 88.73; NaN stays.
ORRERY_INLINE Vec exp(Vec x) {
    const Vec c = min(max(x, set(-105.0F)), set(89.0F));
    const Vec n = roundToNearest(c * set(1.44269504F));
    // ln 2 in two parts, the first short enough for n times it to be exact.
    const Vec f = fnma(n, set(-2.12194440e-4F), fnma(n, set(0.693359375F), c)) * set(1.44269504F);
    Vec p = set(0.0001545316295F);
    p = fma(p, f, set(0.001339086336F));
    p = fma(p, f, set(0.009618082557F));
    p = fma(p, f, set(0.05550357114F));
    p = fma(p, f, set(0.2402265076F));
    p = fma(p, f, set(0.693147188F));
    return timesPowerOf2(fma(p, f, set(1.0F)), n);
}

/// Phi(x) of the standard normal distribution, absolute error 3e-8 and relative error 5e-7 in the tail:
/// erfc(z) = exp(-z^2) t P(t) with t = 1 / (1 + 0.4 z).
ORRERY_INLINE Vec normalCdf(Vec x) {
    const Vec z = abs(x) * set(0.70710678F);
    const Vec t = set(1.0F) / fma(z, set(0.4F), set(1.0F));
    Vec p = set(0.02908643428F);
    p = fma(p, t, set(-0.07935268641F));
    p = fma(p, t, set(-0.046377114F));
    p = fma(p, t, set(0.2430379637F));
    p = fma(p, t, set(-0.0322720576F));
    p = fma(p, t, set(0.243633402F));
    p = fma(p, t, set(0.1882507123F));
    p = fma(p, t, set(0.2284889074F));
    p = fma(p, t, set(0.2255044574F));
    const Vec tail = exp2Fast(x * x * set(-0.5F * 1.44269504F)) * (p * t) * set(0.5F);
    return select(x < zero(), tail, set(1.0F) - tail);
}

ORRERY_INLINE Vec tanh(Vec x) {
    const Vec a = abs(x);
    const Vec square = x * x;
    Vec p = set(-0.006942941744F);
    p = fma(p, square, set(0.02147068302F));
    p = fma(p, square, set(-0.05393346915F));
    p = fma(p, square, set(0.1333322578F));
    p = fma(p, square, set(-0.333333328F));
    const Vec small = fma(p * square, x, x);
    const Vec t = exp(min(a, set(20.0F)) * set(-2.0F));
    const Vec large = (set(1.0F) - t) / (set(1.0F) + t);
    const Vec result = select(a < set(0.5F), small, select(x < zero(), zero() - large, large));
    return select(a < set(infinity), result, select(x < zero(), set(-1.0F), x + (set(1.0F) - x)));
}

ORRERY_INLINE Vec sigmoid(Vec x) {
    return set(1.0F) / (set(1.0F) + exp(zero() - x));
}

inline constexpr float geluTanhScale = 0.7978845608F; // sqrt(2 / pi)
inline constexpr float geluTanhCubic = 0.044715F;
inline constexpr float quickGeluSlope = 1.702F;

template <Activation kind>
ORRERY_INLINE Vec activated(Vec x) {
    if constexpr (kind == Activation::Gelu)
        return x * normalCdf(x);
    else if constexpr (kind == Activation::GeluTanh) {
        const Vec u = fma(x * x * x, set(geluTanhCubic), x) * set(geluTanhScale);
        // x (1 + tanh u) / 2 = x sigmoid(2 u)
        return x * sigmoid(u + u);
    } else if constexpr (kind == Activation::Relu)
        return max(x, zero());
    else if constexpr (kind == Activation::Silu)
        return x * sigmoid(x);
    else if constexpr (kind == Activation::QuickGelu)
        return x * sigmoid(x * set(quickGeluSlope));
    else if constexpr (kind == Activation::Tanh)
        return tanh(x);
    else
        return x;
}

template <Activation kind>
ORRERY_INLINE Vec activationSlope(Vec x) {
    if constexpr (kind == Activation::Gelu)
        return fma(x * set(0.3989422804F), exp(x * x * set(-0.5F)), normalCdf(x));
    else if constexpr (kind == Activation::GeluTanh) {
        const Vec u = fma(x * x * x, set(geluTanhCubic), x) * set(geluTanhScale);
        const Vec t = tanh(u);
        const Vec du = fma(x * x, set(3.0F * geluTanhCubic), set(1.0F)) * set(geluTanhScale);
        return set(0.5F) * (fma(x * fnma(t, t, set(1.0F)), du, set(1.0F) + t));
    } else if constexpr (kind == Activation::Relu)
        return select(zero() < x, set(1.0F), zero());
    else if constexpr (kind == Activation::Silu) {
        const Vec s = sigmoid(x);
        return s * fma(x, set(1.0F) - s, set(1.0F));
    } else if constexpr (kind == Activation::QuickGelu) {
        const Vec s = sigmoid(x * set(quickGeluSlope));
        return s * fma(x * set(quickGeluSlope), set(1.0F) - s, set(1.0F));
    } else if constexpr (kind == Activation::Tanh) {
        const Vec t = tanh(x);
        return fnma(t, t, set(1.0F));
    } else
        return set(1.0F);
}

/// Calls work.operator()<kind>() with the kind that is meant.
template <typename Work>
ORRERY_INLINE void withActivation(Activation kind, const Work& work) {
    switch (kind) {
    case Activation::Gelu:
        return work.template operator()<Activation::Gelu>();
    case Activation::GeluTanh:
        return work.template operator()<Activation::GeluTanh>();
    case Activation::Relu:
        return work.template operator()<Activation::Relu>();
    case Activation::Silu:
        return work.template operator()<Activation::Silu>();
    case Activation::QuickGelu:
        return work.template operator()<Activation::QuickGelu>();
    case Activation::Tanh:
        return work.template operator()<Activation::Tanh>();
    case Activation::None:
        return work.template operator()<Activation::None>();
    }
}

} // namespace orrery::kernels::ORRERY_SIMD
