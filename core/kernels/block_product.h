// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/activation.h"
#include "tensor/block_matrix.h"

#include <cstddef>
#include <cstdint>

// Products with a matrix of quantised blocks, read where it lies (usually in a mapped file).
namespace orrery::kernels {

struct BlockProduct {
    const BlockMatrix* weights = nullptr; ///< [columns, depth]
    /// [rows, depth] f32 or bf16, dense in the depth.
    const void* x = nullptr;
    bool xBf16 = false;
    std::int64_t xStride = 0; ///< elements between rows
    std::int64_t rows = 0;
    void* out = nullptr; ///< [rows, columns] f32 or bf16
    bool outBf16 = false;
    std::int64_t outStride = 0;
    const float* bias = nullptr; ///< [columns]
    Activation activation = Activation::None;
    const void* residual = nullptr; ///< [rows, columns] f32 or bf16, may be out
    bool residualBf16 = false;
    std::int64_t residualStride = 0;
    bool panelsBf16 = false; ///< many rows: products in bf16 instead of f32
};

/// At most so many rows are multiplied straight from the blocks, each read once; beyond, a few columns at a
/// time are dequantised into panels and multiplied by multiplyPanels.
inline constexpr std::int64_t blockRowLimit = 16;

/// out = activation(x W^T + bias) + residual, on all threads.
///
/// Few rows: the inputs are rounded to 16 bits with a scale for every 32, so that products of integers serve
/// every format, and sums are exact within 32. An output differs from that of f32 inputs by at most
/// sum over the depth of |w| * max |x of its 32| / 65534, about the rounding of f32 sums itself.
void multiplyBlocks(const BlockProduct& product);

} // namespace orrery::kernels
