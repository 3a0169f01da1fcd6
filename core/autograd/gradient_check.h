// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace orrery::autograd {

/// A differentiable function under test: tracked inputs in, floating outputs out. Must give the same values
/// every time (make a fresh Generator inside).
using CheckedFunction = std::function<std::vector<Tensor>(std::span<const Tensor> inputs)>;

struct GradientCheckOptions {
    double relativeTolerance = 1e-6; ///< against the largest derivative of the input
    double absoluteTolerance = 1e-8;
    double step = 1e-4;             ///< times max(1, |x|); kinks nearer than twice this spoil the check
    std::int64_t maxElements = 100; ///< elements tried an input, chosen at random when it has more
    std::uint64_t seed = 1;         ///< of the projection and of that choice
};

struct GradientCheckResult {
    bool ok = true;
    double worstError = 0; ///< relative to the largest derivative of its input
    std::string message;   ///< which element of which input differs, and by how much; empty when ok
    explicit operator bool() const noexcept { return ok; }
};

/// Compares backward with fourth-order central differences of <outputs, r> for a random r, in f64: inputs are
/// converted. Derivatives are taken with respect to the floating inputs; others are passed on as they are.
[[nodiscard]] GradientCheckResult checkGradients(const CheckedFunction& function,
                                                 const std::vector<Tensor>& inputs,
                                                 const GradientCheckOptions& options = {});

} // namespace orrery::autograd
