// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/simd/transpose.h"

// Packing of a whole panel: 32 rows of numbers become rows of 32.
namespace orrery::kernels::ORRERY_SIMD {

/// panel[k * 32 + column] = rows[column * stride + k]
inline void interleaveRows(const float* rows, int64_t stride, int64_t depth, float* panel) {
    int64_t k = 0;
#if defined(__AVX512F__)
    for (; k + 16 <= depth; k += 16)
        for (int column = 0; column < 32; column += 16)
            transpose16(rows + column * stride + k, stride, panel + k * 32 + column, 32);
#elif defined(__AVX2__)
    // Two steps for each eight rows: their lines are read whole while they are in the first-level cache.
    for (; k + 16 <= depth; k += 16)
        for (int column = 0; column < 32; column += 8) {
            const float* from = rows + column * stride + k;
            transpose8(from, stride, panel + k * 32 + column, 32);
            transpose8(from + 8, stride, panel + (k + 8) * 32 + column, 32);
        }
#endif
    for (; k < depth; ++k)
        for (int column = 0; column < 32; ++column)
            panel[k * 32 + column] = rows[column * stride + k];
}

} // namespace orrery::kernels::ORRERY_SIMD
