// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/feature_map.h"
#include "tensor/tensor.h"

#include <cstdint>

namespace orrery::ops {

struct Convolution1dOptions {
    std::int64_t stride = 1;
    std::int64_t padBefore = 0; ///< zeros; size - 1 (times dilation) makes it causal
    std::int64_t padAfter = 0;
    std::int64_t dilation = 1;
    std::int64_t groups = 1; ///< channels for a depthwise convolution
};

/// x [batch, in, length], weight [out, in / groups, size], bias [out] or undefined -> [batch, out, length']
/// with length' = (padBefore + length + padAfter - dilation (size - 1) - 1) / stride + 1. Cross-correlation,
/// as usual.
[[nodiscard]] Tensor convolution1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                                   const Convolution1dOptions& options = {});

/// x [batch, in, height, width], weight [out, in / groups, kernel height, kernel width], bias [out] or
/// undefined -> [batch, out, height', width'] with sizes as kernels::Window2d::positions() counts them. By
/// patches laid out as columns and one product: needs the memory of kernel-size copies of x. For inference
/// see onednn/convolution.h.
[[nodiscard]] Tensor convolution2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                                   const kernels::Window2d& window = {}, std::int64_t groups = 1);

} // namespace orrery::ops
