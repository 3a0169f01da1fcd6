// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

namespace orrery::ops {

// Differentiable functions of single elements. Tensors of floating dtype f32, f64 or bf16 (bf16 computes in
// f32 and rounds once); where two dtypes meet the wider one wins (f64 > f32 > bf16). Shapes of two or more
// inputs broadcast as in NumPy: aligned at the last dimension, sizes equal or 1. Results are contiguous.

[[nodiscard]] Shape broadcastShape(const Shape& a,
                                   const Shape& b); ///< Error naming both when they do not fit

[[nodiscard]] Tensor add(const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor sub(const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor mul(const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor div(const Tensor& a, const Tensor& b);
/// Where both are equal the gradient goes half to each.
[[nodiscard]] Tensor maximum(const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor minimum(const Tensor& a, const Tensor& b);
/// a where condition (bool or any integer, not zero) holds, else b; all three broadcast.
[[nodiscard]] Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);

[[nodiscard]] Tensor scale(const Tensor& x, double factor);
[[nodiscard]] Tensor addScalar(const Tensor& x, double addend);
[[nodiscard]] Tensor neg(const Tensor& x);
[[nodiscard]] Tensor square(const Tensor& x);
[[nodiscard]] Tensor pow(const Tensor& x, double exponent);
[[nodiscard]] Tensor reciprocal(const Tensor& x);
[[nodiscard]] Tensor exp(const Tensor& x);
[[nodiscard]] Tensor log(const Tensor& x);
[[nodiscard]] Tensor sqrt(const Tensor& x);
[[nodiscard]] Tensor rsqrt(const Tensor& x); ///< 1 / sqrt(x)
[[nodiscard]] Tensor sin(const Tensor& x);
[[nodiscard]] Tensor cos(const Tensor& x);
[[nodiscard]] Tensor abs(const Tensor& x);                            ///< gradient 0 at 0
[[nodiscard]] Tensor clamp(const Tensor& x, double low, double high); ///< gradient 1 at the bounds

[[nodiscard]] Tensor tanh(const Tensor& x);
[[nodiscard]] Tensor sigmoid(const Tensor& x);
[[nodiscard]] Tensor relu(const Tensor& x); ///< gradient 0 at 0
[[nodiscard]] Tensor gelu(const Tensor& x); ///< x Phi(x), by erf (Hendrycks & Gimpel 2016)
/// The tanh approximation of the same paper: "gelu_new", "gelu_pytorch_tanh".
[[nodiscard]] Tensor geluTanh(const Tensor& x);
[[nodiscard]] Tensor quickGelu(const Tensor& x); ///< x sigmoid(1.702 x), the sigmoid approximation there
[[nodiscard]] Tensor silu(const Tensor& x);      ///< x sigmoid(x)
[[nodiscard]] Tensor softplus(const Tensor& x);  ///< log(1 + exp(x)), without overflow
[[nodiscard]] Tensor elu(const Tensor& x, double alpha = 1);
[[nodiscard]] Tensor leakyRelu(const Tensor& x, double slope = 0.01);

} // namespace orrery::ops
