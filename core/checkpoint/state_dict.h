// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "checkpoint/pickle.h"

#include <string>
#include <vector>

namespace orrery::checkpoint {

struct NamedTensor {
    std::string name;
    std::uint32_t tensor = 0; ///< into the arena's tensors
};

/// The tensors that an unpickled object holds, in its order. A dict gives its keys; containers within
/// containers give dotted names. Where the whole is wrapped as training scripts do ({"state_dict": ...} or
/// "model_state_dict", "model", "module" next to an optimizer), only the weights are taken, without that
/// prefix. InputError naming the file when there are none, or when containers hold themselves.
std::vector<NamedTensor> stateDict(const pickle::Arena& arena, pickle::Ref root, const std::string& fileName);

} // namespace orrery::checkpoint
