// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "nn/weight_format.h"
#include "tensor/block_matrix.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace orrery::nn {

/// Weights in quantised blocks (GGUF's formats), multiplied from where they lie: [outputs_i, inputs] stacked
/// over one another, each in a format of its own. compute: in what products of many rows are formed; few rows
/// are multiplied in 16-bit integers (see kernels/block_product.h for the error). name(): "q8_0",
/// "q4_k+q6_k".
[[nodiscard]] std::shared_ptr<const WeightFormat> blockWeights(std::vector<BlockMatrix> parts,
                                                               DType compute = DType::F32);
/// From what save() of such weights gave: "blocks.0.q4_k" [outputs, bytes of a row] u8, "blocks.1.q6_k" ...
/// InputError naming what does not fit; where is used in the sentence.
[[nodiscard]] std::shared_ptr<const WeightFormat> blockWeightsFrom(const std::map<std::string, Tensor>& saved,
                                                                   const std::string& where,
                                                                   DType compute = DType::F32);

} // namespace orrery::nn
