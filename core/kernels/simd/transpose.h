// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/simd/vec.h"

// Squares of numbers turned in registers: what packing rows into panels is made of.
namespace orrery::kernels::ORRERY_SIMD {

#if defined(__AVX512F__)
/// 16 x 16 words, rows at fromStride to rows at toStride.
ORRERY_INLINE void transpose16(const float* from, int64_t fromStride, float* to, int64_t toStride) {
    __m512 r[16];
    __m512 t[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i)
        r[i] = _mm512_loadu_ps(from + i * fromStride);
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) {
        r[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
        r[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xee);
        r[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        r[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
        t[i] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xdd);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
        _mm512_storeu_ps(to + i * toStride, _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88));
        _mm512_storeu_ps(to + (i + 4) * toStride, _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0x88));
        _mm512_storeu_ps(to + (i + 8) * toStride, _mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd));
        _mm512_storeu_ps(to + (i + 12) * toStride, _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0xdd));
    }
}
#endif

#if defined(__AVX2__)
/// 8 x 8 words, rows at fromStride to rows at toStride.
ORRERY_INLINE void transpose8(const float* from, int64_t fromStride, float* to, int64_t toStride) {
    __m256 pairs[8];
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
        const __m256 a = _mm256_loadu_ps(from + i * fromStride);
        const __m256 b = _mm256_loadu_ps(from + (i + 1) * fromStride);
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
        _mm256_storeu_ps(to + j * toStride, _mm256_permute2f128_ps(fours[j], fours[j + 4], 0x20));
        _mm256_storeu_ps(to + (j + 4) * toStride, _mm256_permute2f128_ps(fours[j], fours[j + 4], 0x31));
    }
}
#endif

} // namespace orrery::kernels::ORRERY_SIMD
