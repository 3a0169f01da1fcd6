// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "checkpoint/pickle.h"
#include "checkpoint/source.h"

#include <string>
#include <vector>

namespace orrery::checkpoint {

/// A tensor of a PyTorch file: what is told of it, and where in which storage it lies.
struct TorchTensors {
    std::vector<TensorInfo> infos;
    std::vector<std::uint32_t> storages;    ///< of each tensor, into the arena's storages
    std::vector<std::uint64_t> byteOffsets; ///< in that storage
    std::vector<Shape> strides;             ///< in elements
};

/// The tensors of an unpickled state dict.
TorchTensors torchTensors(const pickle::Arena& arena, pickle::Ref root, const std::string& fileName);

} // namespace orrery::checkpoint
