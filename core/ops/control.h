// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

namespace orrery::ops {

/// x as a constant.
[[nodiscard]] Tensor stopGradient(const Tensor& x);
/// The values of hard with the gradient of soft (same shapes; Bengio, Leonard, Courville 2013).
[[nodiscard]] Tensor straightThrough(const Tensor& hard, const Tensor& soft);
/// x, whose gradient is multiplied by factor (-1: gradient reversal, Ganin & Lempitsky 2015).
[[nodiscard]] Tensor scaleGradient(const Tensor& x, double factor);

} // namespace orrery::ops
