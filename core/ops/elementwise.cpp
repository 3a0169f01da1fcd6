// SPDX-License-Identifier: GPL-3.0-or-later
#include "ops/elementwise.h"

#include "ops/cast.h"
#include "ops/detail.h"
#include "ops/record.h"
#include "ops/reduce.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace orrery::ops {
namespace {

using detail::forEachRun;
using detail::withReal;

/// op(a, b) for every element of the broadcast shape, both already of one dtype, f32 or f64.
template <typename Op>
Tensor computeBinary(std::string_view name, const Tensor& a, const Tensor& b, Op op) {
    Tensor result = Tensor::empty(broadcastShape(a.shape(), b.shape()), a.dtype());
    const Shape& shape = result.shape();
    const Tensor left = a.expand(shape);
    const Tensor right = b.expand(shape);
    withReal(name, a.dtype(), [&]<typename T>(T) {
        const T* x = left.pointer<T>();
        const T* y = right.pointer<T>();
        T* z = result.mutablePointer<T>();
        forEachRun<3>(shape, {left.strides(), right.strides(), result.strides()},
                      [=](const auto& at, std::int64_t count, const auto& step) {
                          const T* p = x + at[0];
                          const T* q = y + at[1];
                          T* r = z + at[2];
                          if (step[0] == 1 && step[1] == 1) {
#pragma omp simd
                              for (std::int64_t i = 0; i < count; ++i)
                                  r[i] = op(p[i], q[i]);
                          } else {
                              for (std::int64_t i = 0; i < count; ++i)
                                  r[i * step[2]] = op(p[i * step[0]], q[i * step[1]]);
                          }
                      });
    });
    return result;
}

/// Computes and records an op of two inputs; gradients(a, b, g) gives both (an undefined one when not needed)
/// in the broadcast shape.
template <typename Op, typename MakeGradients>
Tensor binary(std::string_view name, const Tensor& a, const Tensor& b, Op op, MakeGradients makeGradients) {
    const DType dtype = detail::widest(name, a.dtype(), b.dtype());
    if (dtype == DType::BF16)
        return cast(binary(name, cast(a, DType::F32), cast(b, DType::F32), op, makeGradients), DType::BF16);
    if (a.dtype() != dtype || b.dtype() != dtype)
        return binary(name, cast(a, dtype), cast(b, dtype), op, makeGradients);
    return record(name, computeBinary(name, a, b, op), {a, b}, [&] { return makeGradients(a, b); });
}

/// The closures of add and sub need shapes only; nothing is saved.
auto linearGradients(double sign) {
    return [sign](const Tensor& a, const Tensor& b) {
        return [sign, needsA = a.tracked(), needsB = b.tracked(), shapeA = a.shape(),
                shapeB = b.shape()](const Tensor& g) -> std::vector<Tensor> {
            return {needsA ? sumToShape(g, shapeA) : Tensor(),
                    needsB ? sumToShape(sign == 1 ? g : scale(g, sign), shapeB) : Tensor()};
        };
    };
}

/// For maximum and minimum: the share of the first is 1, 1/2 or 0.
template <typename Share>
auto shareGradients(Share share) {
    return [share](const Tensor& a, const Tensor& b) {
        return [share, needsA = a.tracked(), needsB = b.tracked(), a = saved(a),
                b = saved(b)](const Tensor& g) -> std::vector<Tensor> {
            const Tensor part = mul(computeBinary("maximum", a, b, share), g);
            return {needsA ? sumToShape(part, a.shape()) : Tensor(),
                    needsB ? sumToShape(sub(g, part), b.shape()) : Tensor()};
        };
    };
}

} // namespace

Shape broadcastShape(const Shape& a, const Shape& b) {
    Shape result = a.rank() >= b.rank() ? a : b;
    for (int i = 1; i <= std::min(a.rank(), b.rank()); ++i) {
        ORRERY_CHECK(a[-i] == b[-i] || a[-i] == 1 || b[-i] == 1,
                     fmt::format("shapes {} and {} broadcast", a.toText(), b.toText()));
        result[-i] = a[-i] == 1 ? b[-i] : a[-i];
    }
    return result;
}

Tensor add(const Tensor& a, const Tensor& b) {
    return binary(
        "add", a, b, [](auto x, auto y) { return x + y; }, linearGradients(1));
}

Tensor sub(const Tensor& a, const Tensor& b) {
    return binary(
        "sub", a, b, [](auto x, auto y) { return x - y; }, linearGradients(-1));
}

Tensor mul(const Tensor& a, const Tensor& b) {
    return binary(
        "mul", a, b, [](auto x, auto y) { return x * y; },
        [](const Tensor& p, const Tensor& q) {
            // Each side is kept only for the other's gradient.
            return [keptA = q.tracked() ? saved(p) : Tensor(), keptB = p.tracked() ? saved(q) : Tensor(),
                    shapeA = p.shape(), shapeB = q.shape()](const Tensor& g) -> std::vector<Tensor> {
                return {keptB.defined() ? sumToShape(mul(g, keptB), shapeA) : Tensor(),
                        keptA.defined() ? sumToShape(mul(g, keptA), shapeB) : Tensor()};
            };
        });
}

Tensor div(const Tensor& a, const Tensor& b) {
    return binary(
        "div", a, b, [](auto x, auto y) { return x / y; },
        [](const Tensor& p, const Tensor& q) {
            return [needsA = p.tracked(), a = q.tracked() ? saved(p) : Tensor(), b = saved(q),
                    shapeA = p.shape()](const Tensor& g) -> std::vector<Tensor> {
                const Tensor quotient = div(g, b);
                return {needsA ? sumToShape(quotient, shapeA) : Tensor(),
                        a.defined() ? sumToShape(neg(mul(quotient, div(a, b))), b.shape()) : Tensor()};
            };
        });
}

Tensor maximum(const Tensor& a, const Tensor& b) {
    const auto share = [](auto x, auto y) {
        using T = decltype(x);
        return x == y ? T(0.5) : static_cast<T>(x > y);
    };
    return binary(
        "maximum", a, b, [](auto x, auto y) { return x > y || x != x ? x : y; }, shareGradients(share));
}

Tensor minimum(const Tensor& a, const Tensor& b) {
    const auto share = [](auto x, auto y) {
        using T = decltype(x);
        return x == y ? T(0.5) : static_cast<T>(x < y);
    };
    return binary(
        "minimum", a, b, [](auto x, auto y) { return x < y || x != x ? x : y; }, shareGradients(share));
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
    const DType dtype = detail::widest("where", a.dtype(), b.dtype());
    if (dtype == DType::BF16)
        return cast(where(condition, cast(a, DType::F32), cast(b, DType::F32)), DType::BF16);
    if (a.dtype() != dtype || b.dtype() != dtype)
        return where(condition, cast(a, dtype), cast(b, dtype));
    const Shape shape = broadcastShape(condition.shape(), broadcastShape(a.shape(), b.shape()));
    const Tensor flags = condition.dtype() == DType::Bool ? condition.detached() : condition.to(DType::Bool);
    const Tensor choice = flags.expand(shape);
    const Tensor left = a.expand(shape);
    const Tensor right = b.expand(shape);
    const Tensor result = Tensor::empty(shape, dtype);
    withReal("where", dtype, [&]<typename T>(T) {
        const bool* c = choice.pointer<bool>();
        const T* x = left.pointer<T>();
        const T* y = right.pointer<T>();
        T* z = result.mutablePointer<T>();
        forEachRun<4>(shape, {choice.strides(), left.strides(), right.strides(), result.strides()},
                      [=](const auto& at, std::int64_t count, const auto& step) {
                          for (std::int64_t i = 0; i < count; ++i)
                              z[at[3] + i * step[3]] =
                                  c[at[0] + i * step[0]] ? x[at[1] + i * step[1]] : y[at[2] + i * step[2]];
                      });
    });
    return record("where", result, {a, b}, [&] {
        return [flags, needsA = a.tracked(), needsB = b.tracked(), shapeA = a.shape(),
                shapeB = b.shape()](const Tensor& g) -> std::vector<Tensor> {
            const Tensor zero = Tensor::zeros({}, g.dtype());
            return {needsA ? sumToShape(where(flags, g, zero), shapeA) : Tensor(),
                    needsB ? sumToShape(where(flags, zero, g), shapeB) : Tensor()};
        };
    });
}

} // namespace orrery::ops
