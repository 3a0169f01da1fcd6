// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

#include <vector>

namespace orrery::ops {

// Reductions over named dimensions (negative ones count from the back; an empty list means all). Sums are
// accumulated in f64. keep leaves size-1 dimensions.

[[nodiscard]] Tensor sum(const Tensor& x, const std::vector<int>& dimensions = {}, bool keep = false);
[[nodiscard]] Tensor mean(const Tensor& x, const std::vector<int>& dimensions = {}, bool keep = false);
/// Mean of squared distances from the mean; unbiased divides by n - 1.
[[nodiscard]] Tensor variance(const Tensor& x, const std::vector<int>& dimensions, bool unbiased = false,
                              bool keep = false);
/// log sum exp, shifted by the maximum; -infinity over nothing or over -infinities.
[[nodiscard]] Tensor logSumExp(const Tensor& x, int dimension = -1, bool keep = false);
[[nodiscard]] Tensor norm(const Tensor& x, const std::vector<int>& dimensions = {},
                          bool keep = false); ///< L2

struct Extreme {
    Tensor values;  ///< differentiable
    Tensor indices; ///< i64, the first of equal elements
};
/// Largest and smallest along one dimension, which must not be empty. The gradient goes to the element named.
[[nodiscard]] Extreme max(const Tensor& x, int dimension = -1, bool keep = false);
[[nodiscard]] Extreme min(const Tensor& x, int dimension = -1, bool keep = false);

/// Sums a gradient over the dimensions that broadcasting repeated: back to the shape of the input.
[[nodiscard]] Tensor sumToShape(const Tensor& x, const Shape& shape);

} // namespace orrery::ops
