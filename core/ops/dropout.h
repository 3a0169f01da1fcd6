// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/random.h"
#include "tensor/tensor.h"

namespace orrery::ops {

/// Zeroes elements with the given probability in [0, 1) and divides the others by 1 - probability (Srivastava
/// et al. 2014). The mask is kept for backward as one byte an element.
[[nodiscard]] Tensor dropout(const Tensor& x, double probability, Generator& generator);

} // namespace orrery::ops
