// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/block_format.h"

#include <cstddef>
#include <cstdint>

// The versions of the inner part of multiplyBlocks, one for each instruction set.
namespace orrery::kernels {

/// Rows of inputs in 16 bits, in groups of 32: x = scale * q.
struct BlockInput {
    const std::int16_t* quants = nullptr; ///< [rows][stride]
    const float* scales = nullptr;        ///< [rows][groupStride]
    const float* sums = nullptr;          ///< [rows][groupStride]: scale * (sum of q)
    std::int64_t rows = 0;
    std::int64_t stride = 0;
    std::int64_t groupStride = 0; ///< a multiple of 8; what lies beyond the depth is zero
};

struct BlockTable {
    /// out[row * outStride] for every row of input: the product with one row of blocks.
    void (*dot)(BlockFormat format, const std::byte* blocks, std::int64_t depth, const BlockInput& input,
                float* out, std::int64_t outStride);
    void (*dequantise)(BlockFormat format, const std::byte* blocks, float* out, std::int64_t elements);
    /// One row in groups of 32. A group that holds NaN or infinity has the scale NaN.
    void (*quantise)(const float* x, std::int64_t groups, std::int16_t* quants, float* scales, float* sums);
};

extern const BlockTable blocksPortable;
extern const BlockTable blocksAvx2;
extern const BlockTable blocksAvx512;
extern const BlockTable blocksAvx512Vnni;

/// The table for isa().
[[nodiscard]] const BlockTable& blockKernels() noexcept;

} // namespace orrery::kernels
