// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/progress.h"
#include "tensor/tensor.h"

#include <memory>
#include <unordered_map>
#include <vector>

namespace orrery::autograd {

/// Gradients by tensor, as backward found them.
class Gradients {
public:
    /// Gradient of a leaf, or of an intermediate tensor named in BackwardOptions::keep; zeros when the loss
    /// does not depend on it. Error when the tensor is not tracked.
    [[nodiscard]] Tensor of(const Tensor& tensor) const;
    /// The same, undefined when the loss does not depend on it or it was not kept.
    [[nodiscard]] Tensor find(const Tensor& tensor) const;
    [[nodiscard]] bool has(const Tensor& tensor) const { return find(tensor).defined(); }

private:
    friend class Walk;
    std::unordered_map<const GradNode*, std::pair<std::shared_ptr<GradNode>, Tensor>> m_gradients;
};

struct BackwardOptions {
    /// Intermediate tensors whose gradients are wanted besides those of the leaves (attribution lenses).
    std::vector<Tensor> keep{};
    /// Throws an Error naming the op whose gradient first held a NaN or an infinity. Costs a pass over each.
    bool checkFinite = false;
    /// Frees what each op saved as soon as it has been used: less memory, but only one backward.
    bool release = false;
    Progress progress{}; ///< asked before every op whether the walk has been cancelled
};

/// Reverse mode from loss: a scalar, or any tensor with a gradient of its shape to start from. Walks the
/// recorded ops by descending sequence number; iterative, so that the length of a chain costs no stack.
[[nodiscard]] Gradients backward(const Tensor& loss, const BackwardOptions& options = {});
[[nodiscard]] Gradients backward(const Tensor& loss, const Tensor& gradient,
                                 const BackwardOptions& options = {});
/// From several tensors at once.
[[nodiscard]] Gradients backward(const std::vector<Tensor>& outputs, const std::vector<Tensor>& gradients,
                                 const BackwardOptions& options = {});

} // namespace orrery::autograd
