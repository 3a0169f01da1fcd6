// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

#include <cstdint>

namespace orrery::ops {

// Indices are tensors of any integer dtype. One outside its range is an InputError that names it: indices
// come from outside (token ids).

/// Rows of weight [count, size] by ids [...] -> [..., size]; backward adds into the rows.
[[nodiscard]] Tensor embedding(const Tensor& weight, const Tensor& ids);
/// out[i][j][k] = x[i][index[i][j][k]][k] for dimension 1: index has x's rank, and its sizes but for
/// dimension.
[[nodiscard]] Tensor gather(const Tensor& x, int dimension, const Tensor& index);
/// base with source added where index says (the reverse of gather); equal indices add up.
[[nodiscard]] Tensor scatterAdd(const Tensor& base, int dimension, const Tensor& index, const Tensor& source);
/// Whole slices along a dimension by a 1-D index; may repeat.
[[nodiscard]] Tensor indexSelect(const Tensor& x, int dimension, const Tensor& index);

struct Ordered {
    Tensor values;  ///< differentiable
    Tensor indices; ///< i64; of equal elements the lower index comes first; NaN counts as the largest
};
[[nodiscard]] Ordered topK(const Tensor& x, std::int64_t count, int dimension = -1, bool largest = true);
[[nodiscard]] Ordered sort(const Tensor& x, int dimension = -1, bool descending = false);

/// ids [...] -> [..., classes] of zeros and a one; not differentiable.
[[nodiscard]] Tensor oneHot(const Tensor& ids, std::int64_t classes, DType dtype = DType::F32);

} // namespace orrery::ops
