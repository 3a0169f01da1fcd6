// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

namespace orrery::ops {

/// (x - mean) / sqrt(variance + epsilon) * weight + bias over the last dimension (Ba, Kiros, Hinton 2016).
/// weight and bias [size] may be undefined.
[[nodiscard]] Tensor layerNorm(const Tensor& x, const Tensor& weight, const Tensor& bias,
                               double epsilon = 1e-5);

/// x / sqrt(mean(x^2) + epsilon) * weight over the last dimension (Zhang & Sennrich 2019). weight may be
/// undefined.
[[nodiscard]] Tensor rmsNorm(const Tensor& x, const Tensor& weight, double epsilon = 1e-6);

} // namespace orrery::ops
