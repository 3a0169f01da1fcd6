// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

#include <cstdint>

namespace orrery::ops {

// Losses of bf16 tensors are computed and given in f32: a mean over many rows needs its digits.

enum class Reduction { Mean, Sum, None };

struct CrossEntropyOptions {
    std::int64_t ignoreIndex = -100; ///< targets that do not count
    /// Mass spread evenly over all classes (Szegedy et al. 2016, section 7).
    double labelSmoothing = 0;
    Reduction reduction = Reduction::Mean; ///< the mean is over targets that count; 0 when none does
};

/// logits [..., classes], targets [...] integer -> scalar, or [...] with Reduction::None.
[[nodiscard]] Tensor crossEntropy(const Tensor& logits, const Tensor& targets,
                                  const CrossEntropyOptions& options = {});
/// (prediction - target)^2, same shapes.
[[nodiscard]] Tensor meanSquaredError(const Tensor& prediction, const Tensor& target,
                                      Reduction reduction = Reduction::Mean);
/// -t log s(x) - (1 - t) log(1 - s(x)) with s the sigmoid, stable for large |x|; same shapes.
[[nodiscard]] Tensor binaryCrossEntropyWithLogits(const Tensor& logits, const Tensor& target,
                                                  Reduction reduction = Reduction::Mean);
/// sum over the last dimension of p (log p - log q), given log q and log p; Mean divides by the number of
/// rows.
[[nodiscard]] Tensor klDivergence(const Tensor& logProbabilities, const Tensor& logTarget,
                                  Reduction reduction = Reduction::Mean);

} // namespace orrery::ops
