// SPDX-License-Identifier: GPL-3.0-or-later
#include "autograd/tape.h"

#include "ops/record.h"

#include <fmt/format.h>

namespace orrery::autograd {

Tensor watch(const Tensor& tensor, std::string_view name) {
    if (!isFloating(tensor.dtype()))
        throw Error(fmt::format("Only floating tensors have gradients; {} is {}.", name,
                                orrery::name(tensor.dtype())));
    return ops::attachNode(name, tensor, {}, nullptr);
}

} // namespace orrery::autograd
