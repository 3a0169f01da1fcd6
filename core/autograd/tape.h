// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

#include <string_view>

namespace orrery::autograd {

/// The tensor as a leaf of the tape: what ops make of it is recorded, and backward gives its gradient. Shares
/// the numbers; floating dtypes only. There is no recording state anywhere: a computation is recorded exactly
/// when one of its inputs is tracked, and the record lives as long as the tensors that hang on it.
[[nodiscard]] Tensor watch(const Tensor& tensor, std::string_view name = "leaf");

} // namespace orrery::autograd
