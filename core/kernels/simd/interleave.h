// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/simd/vec.h"

// Packing of a whole panel: 32 rows of numbers become rows of 32.
namespace orrery::kernels::ORRERY_SIMD {

#if defined(__AVX2__)
/// to[j * 32 + i] = from[i * stride + j] for eight rows and eight numbers of each.
ORRERY_INLINE void transposeEight(const float* from, int64_t stride, float* to) {
    __m256 pairs[8];
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
        const __m256 a = _mm256_loadu_ps(from + i * stride);
        const __m256 b = _mm256_loadu_ps(from + (i + 1) * stride);
        pairs[i] = _mm256_unpacklo_ps(a, b);
        pairs[i + 1] = _mm256_unpackhi_ps(a, b);
    }
    __m256 fours[8]; // numbers 0 .. 3 (and 4 .. 7 in the upper half) of rows 0 .. 3, then of rows 4 .. 7
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
        fours[i] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0x44);
        fours[i + 1] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0xee);
        fours[i + 2] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0x44);
        fours[i + 3] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0xee);
    }
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
        _mm256_storeu_ps(to + j * 32, _mm256_permute2f128_ps(fours[j], fours[j + 4], 0x20));
        _mm256_storeu_ps(to + (j + 4) * 32, _mm256_permute2f128_ps(fours[j], fours[j + 4], 0x31));
    }
}
#endif

/// panel[k * 32 + column] = rows[column * stride + k]
inline void interleaveRows(const float* rows, int64_t stride, int64_t depth, float* panel) {
    int64_t k = 0;
#if defined(__AVX2__)
    // Two steps for each eight rows: their lines are read whole while they are in the first-level cache.
    for (; k + 16 <= depth; k += 16)
        for (int column = 0; column < 32; column += 8) {
            const float* from = rows + column * stride + k;
            transposeEight(from, stride, panel + k * 32 + column);
            transposeEight(from + 8, stride, panel + (k + 8) * 32 + column);
        }
#endif
    for (; k < depth; ++k)
        for (int column = 0; column < 32; ++column)
            panel[k * 32 + column] = rows[column * stride + k];
}

} // namespace orrery::kernels::ORRERY_SIMD
