// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

namespace orrery::ops {

/// Batched product [..., m, k] x [..., k, n] -> [..., m, n]; leading dimensions broadcast, a is read as
/// [..., k, m] with transposeA and b as [..., n, k] with transposeB. Both at least of rank 2. bf16
/// accumulates in f32.
[[nodiscard]] Tensor matmul(const Tensor& a, const Tensor& b, bool transposeA = false,
                            bool transposeB = false);

/// How a weight matrix lies in its checkpoint.
enum class WeightLayout {
    OutIn, ///< [out, in]: torch.nn.Linear
    InOut, ///< [in, out]: GPT-2's Conv1D
};

/// x [..., in] -> [..., out]: x W + bias. bias [out] may be undefined.
[[nodiscard]] Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                            WeightLayout layout = WeightLayout::OutIn);

} // namespace orrery::ops
