// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

#include <cstdint>
#include <span>
#include <vector>

namespace orrery::ops {

// Differentiable views and copies; any dtype. Views share their input's numbers (reshape copies when the
// input is not contiguous). Negative dimensions count from the back.

[[nodiscard]] Tensor reshape(const Tensor& x, const Shape& shape); ///< one size may be -1
[[nodiscard]] Tensor flatten(const Tensor& x, int first = 0, int last = -1);
[[nodiscard]] Tensor unsqueeze(const Tensor& x, int dimension);
[[nodiscard]] Tensor squeeze(const Tensor& x, int dimension); ///< of size 1
[[nodiscard]] Tensor transpose(const Tensor& x, int a, int b);
[[nodiscard]] Tensor permute(const Tensor& x, const std::vector<int>& order);
[[nodiscard]] Tensor slice(const Tensor& x, int dimension, std::int64_t begin, std::int64_t end);
[[nodiscard]] Tensor select(const Tensor& x, int dimension, std::int64_t index);
[[nodiscard]] Tensor expand(const Tensor& x, const Shape& shape);
[[nodiscard]] Tensor contiguous(const Tensor& x);

[[nodiscard]] Tensor concat(std::span<const Tensor> parts, int dimension);
[[nodiscard]] Tensor concat(std::initializer_list<Tensor> parts, int dimension);
[[nodiscard]] Tensor stack(std::span<const Tensor> parts, int dimension); ///< along a new dimension
[[nodiscard]] Tensor stack(std::initializer_list<Tensor> parts, int dimension);
/// Views of the given sizes one after the other; they must add up to the dimension.
[[nodiscard]] std::vector<Tensor> split(const Tensor& x, const std::vector<std::int64_t>& sizes,
                                        int dimension);
/// Adds before and after elements of value along a dimension.
[[nodiscard]] Tensor pad(const Tensor& x, int dimension, std::int64_t before, std::int64_t after,
                         double value = 0);
[[nodiscard]] Tensor flip(const Tensor& x, int dimension);
/// Each element of the dimension times times in a row: a b -> a a b b (heads of grouped attention).
[[nodiscard]] Tensor repeatInterleave(const Tensor& x, int dimension, std::int64_t times);

} // namespace orrery::ops
