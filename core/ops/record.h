// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

#include <initializer_list>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::ops {

/// True when a tensor among them has a node on the tape. Missing (undefined) tensors count as constants.
[[nodiscard]] bool anyTracked(std::span<const Tensor> inputs) noexcept;

/// Hangs a node on output whose inputs are the nodes of inputs. The closure must capture only detached
/// tensors (saved()), or a long chain of ops would be released recursively.
[[nodiscard]] Tensor attachNode(std::string_view name, const Tensor& output, std::span<const Tensor> inputs,
                                GradNode::Backward backward);

/// What a backward closure may keep of an input: its numbers, contiguous where asked, without its node.
[[nodiscard]] inline Tensor saved(const Tensor& tensor) {
    return tensor.detached();
}

/// The one way in which an op records itself, for core and plugins alike:
///
///     Tensor square(const Tensor& x) {
///         Tensor y = ...compute...;
///         return record("square", y, {x}, [&] {
///             return [x = saved(x)](const Tensor& g) -> std::vector<Tensor> { return {scale(mul(g, x), 2)};
///             };
///         });
///     }
///
/// makeBackward is called only when an input is tracked, so that inference saves nothing. The closure gets
/// the gradient of the output (shape and dtype of the output, any strides) and returns one gradient an input,
/// of that input's shape and dtype; an undefined tensor where there is none or the input is a constant (ask
/// tracked() while making the closure to spare the work).
template <typename MakeBackward>
[[nodiscard]] Tensor record(std::string_view name, const Tensor& output, std::span<const Tensor> inputs,
                            MakeBackward&& makeBackward) {
    if (!anyTracked(inputs))
        return output.detached();
    return attachNode(name, output, inputs, GradNode::Backward(std::forward<MakeBackward>(makeBackward)()));
}

template <typename MakeBackward>
[[nodiscard]] Tensor record(std::string_view name, const Tensor& output, std::initializer_list<Tensor> inputs,
                            MakeBackward&& makeBackward) {
    return record(name, output, std::span<const Tensor>(inputs.begin(), inputs.size()),
                  std::forward<MakeBackward>(makeBackward));
}

} // namespace orrery::ops
