// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

namespace orrery::ops {

/// exp(x) / sum exp(x) along a dimension. mask (optional, broadcastable to x): bool or integer, zero forbids
/// the position; floating, added to x before (-infinity forbids). A row that may look nowhere is all zeros.
/// The mask gets a gradient when it is floating and tracked.
[[nodiscard]] Tensor softmax(const Tensor& x, int dimension = -1, const Tensor& mask = {});

/// log of the above; -infinity where forbidden.
[[nodiscard]] Tensor logSoftmax(const Tensor& x, int dimension = -1, const Tensor& mask = {});

} // namespace orrery::ops
