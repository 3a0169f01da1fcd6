// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/progress.h"
#include "checkpoint/checkpoint.h"

#include <cstdint>
#include <string>
#include <vector>

namespace orrery::checkpoint {

/// Numbers of a tensor that no computation survives.
struct WeightFlaw {
    std::string tensor;
    std::uint64_t nans = 0;
    std::uint64_t infinities = 0;
    std::uint64_t first = 0; ///< row-major index of the first of them
};

/// Looks at every floating-point number of the checkpoint (which reads all of it from disk) and tells which
/// tensors hold NaN or infinity; empty for a sound one. Tensors of unsupported dtypes are passed over.
std::vector<WeightFlaw> scanWeights(const Checkpoint& checkpoint, const Progress& progress = {});
/// The same for one tensor.
WeightFlaw scanTensor(const std::string& name, const Tensor& tensor, const Progress& progress = {});

} // namespace orrery::checkpoint
