// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/dtype.h"
#include "tensor/shape.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace orrery {

class Tensor;

/// One recorded operation of the tape, hanging on the tensor that it made. A tensor without one is a
/// constant. Made by ops (ops/record.h), walked by autograd::backward.
struct GradNode {
    /// Gradient of the output in, gradients of the inputs out (same order as inputs; an empty tensor for
    /// none).
    using Backward = std::function<std::vector<Tensor>(const Tensor& gradient)>;

    std::string name;                              ///< of the op, for messages
    std::uint64_t sequence = 0;                    ///< order of recording; backward walks it downwards
    Shape shape;                                   ///< of the output, and so of its gradient
    DType dtype = DType::F32;                      ///< of the output, and so of its gradient
    std::vector<std::shared_ptr<GradNode>> inputs; ///< null entries: constants
    Backward backward;                             ///< empty for leaves (parameters)

    ~GradNode(); ///< releases long chains without recursion
};

} // namespace orrery
