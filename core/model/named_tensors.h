// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

#include <functional>
#include <map>
#include <string>

namespace orrery::model {

/// Inputs and outputs of networks by their names.
using NamedTensors = std::map<std::string, Tensor, std::less<>>;

/// One input that a network takes.
struct NetworkInput {
    std::string name;    ///< "pixel_values"
    std::string meaning; ///< "images, channels first, normalised"
    /// Sizes as one would give them to look around, [1, 3, 224, 224]. The first is the batch.
    Shape example;
    /// -1 where any size is taken, else what the size must be; same rank as example.
    Shape sizes;
    DType dtype = DType::F32; ///< F32, or I64 for ids and masks
    bool required = true;
    bool exemplary = false; ///< not required, but part of the example inputs
};

} // namespace orrery::model
