// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

namespace orrery::ops {

/// Running sums along a dimension; reversed sums from the end, exclusive leaves the element itself out.
[[nodiscard]] Tensor cumulativeSum(const Tensor& x, int dimension, bool reversed = false,
                                   bool exclusive = false);

} // namespace orrery::ops
