// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

namespace orrery::ops {

/// x in another dtype; between floating dtypes the gradient goes back in x's dtype, else it stops.
[[nodiscard]] Tensor cast(const Tensor& x, DType dtype);

} // namespace orrery::ops
