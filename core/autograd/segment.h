// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

#include <functional>
#include <span>
#include <vector>

namespace orrery::autograd {

/// Runs function without keeping what its ops saved; backward runs it again (Chen et al. 2016, "Training deep
/// nets with sublinear memory cost"). Tracked tensors that function captures (parameters) get their gradients
/// like its inputs. function must compute the same every time: copy a Generator into it, do not share one.
[[nodiscard]] Tensor recomputed(const std::function<Tensor(std::span<const Tensor> inputs)>& function,
                                const std::vector<Tensor>& inputs);

} // namespace orrery::autograd
