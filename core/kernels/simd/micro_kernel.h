// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/simd/vec.h"

// The innermost products: a few rows of x, each element broadcast, times rows of up to 32 numbers of a panel,
// summed in registers. Everything that multiplies matrices here - linear layers, scores, weighted values and
// their gradients - is one of these three functions.
namespace orrery::kernels::ORRERY_SIMD {

inline constexpr int lanes = Vec::width;
inline constexpr int vectorsPerPanel = 32 / lanes;
// As many accumulators as registers allow, keeping room for the panel's row and a broadcast.
#if defined(__AVX512F__)
inline constexpr int maxStripRows = 14;
#elif defined(__AVX2__)
inline constexpr int maxStripRows = 3;
#else
inline constexpr int maxStripRows = 1;
#endif

/// x as the microkernels read it: element (row, k) at x[row * stride + k * step].
template <typename T>
struct Broadcasts {
    const T* data;
    int64_t stride;
    int64_t step;
};

/// tile[row * tileStride + column] = (accumulate ? itself : 0) + sum_k x(row, k) panel[k * panelStride +
/// column] for `vectors` vectors of columns.
template <int rows, int vectors, bool accumulate, bool unitStep, bool readAhead = false>
ORRERY_INLINE void multiplyF32(Broadcasts<float> x, const float* panel, int64_t panelStride, int64_t depth,
                               float* tile, int64_t tileStride) {
    Vec sums[rows][vectors];
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
        for (int j = 0; j < vectors; ++j)
            sums[i][j] = accumulate ? load(tile + i * tileStride + j * lanes) : zero();
    const int64_t xStep = unitStep ? 1 : x.step;
    const auto step = [&](const float* at, const float* row) __attribute__((always_inline)) {
        Vec weights[vectors];
#pragma GCC unroll 8
        for (int j = 0; j < vectors; ++j)
            weights[j] = load(row + j * lanes);
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
            const Vec value = set(at[i * x.stride]);
#pragma GCC unroll 8
            for (int j = 0; j < vectors; ++j)
                sums[i][j] = fma(value, weights[j], sums[i][j]);
        }
    };
    int64_t k = 0;
    for (; k + 4 <= depth; k += 4) {
        if constexpr (readAhead &&
                      rows <= 4) // bound by memory: more lines under way than the hardware asks for
#pragma GCC unroll 8
            for (int line = 0; line < 8; ++line)
                __builtin_prefetch(panel + 1024 + 16 * line, 0, 3);
#pragma GCC unroll 4
        for (int u = 0; u < 4; ++u)
            step(x.data + (k + u) * xStep, panel + u * panelStride);
        panel += 4 * panelStride;
    }
    for (; k < depth; ++k) {
        step(x.data + k * xStep, panel);
        panel += panelStride;
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
        for (int j = 0; j < vectors; ++j)
            store(tile + i * tileStride + j * lanes, sums[i][j]);
}

/// The same in bf16, two depths at a time: x holds pairs in a row, panel[pair * panelStride + 2 * column +
/// (0, 1)]; columns is 16 or 32.
template <int rows, int columns, bool accumulate, bool readAhead = false>
ORRERY_INLINE void multiplyBf16(const uint16_t* x, int64_t xStride, const uint16_t* panel,
                                int64_t panelStride, int64_t pairs, float* tile, int64_t tileStride) {
#if defined(__AVX512BF16__)
    constexpr int vectors = columns / 16;
    __m512 sums[rows][vectors];
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 2
        for (int j = 0; j < vectors; ++j)
            sums[i][j] = accumulate ? _mm512_loadu_ps(tile + i * tileStride + 16 * j) : _mm512_setzero_ps();
    const auto step = [&](const uint16_t* at, const uint16_t* row) __attribute__((always_inline)) {
        __m512bh weights[vectors];
#pragma GCC unroll 2
        for (int j = 0; j < vectors; ++j)
            weights[j] = (__m512bh)_mm512_loadu_si512(row + 32 * j);
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
            int32_t pair;
            __builtin_memcpy(&pair, at + i * xStride, 4);
            const auto value = (__m512bh)_mm512_set1_epi32(pair);
#pragma GCC unroll 2
            for (int j = 0; j < vectors; ++j)
                sums[i][j] = _mm512_dpbf16_ps(sums[i][j], value, weights[j]);
        }
    };
    int64_t k = 0;
    for (; k + 4 <= pairs; k += 4) {
        if constexpr (readAhead && rows <= 4)
#pragma GCC unroll 8
            for (int line = 0; line < 8; ++line)
                __builtin_prefetch(panel + 2048 + 32 * line, 0, 3);
#pragma GCC unroll 4
        for (int u = 0; u < 4; ++u)
            step(x + 2 * (k + u), panel + u * panelStride);
        panel += 4 * panelStride;
    }
    for (; k < pairs; ++k) {
        step(x + 2 * k, panel);
        panel += panelStride;
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 2
        for (int j = 0; j < vectors; ++j)
            _mm512_storeu_ps(tile + i * tileStride + 16 * j, sums[i][j]);
#else
    for (int i = 0; i < rows; ++i) {
        float sums[columns] = {};
        for (int64_t k = 0; k < pairs; ++k) {
            const float even = widen(x[i * xStride + 2 * k]);
            const float odd = widen(x[i * xStride + 2 * k + 1]);
            for (int j = 0; j < columns; ++j)
                sums[j] += even * widen(panel[panelStride * k + 2 * j]) +
                           odd * widen(panel[panelStride * k + 2 * j + 1]);
        }
        for (int j = 0; j < columns; ++j)
            tile[i * tileStride + j] = (accumulate ? tile[i * tileStride + j] : 0.0F) + sums[j];
    }
#endif
}

/// Unsigned times signed bytes, four depths at a time, into 32-bit sums [rows][32].
template <int rows>
ORRERY_INLINE void multiplyS8(const std::uint8_t* x, int64_t xStride, const std::int8_t* panel, int64_t quads,
                              int32_t* tile) {
#if defined(__AVX512VNNI__)
    __m512i sums[rows][2];
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
        sums[i][0] = sums[i][1] = _mm512_setzero_si512();
    const auto step = [&](const std::uint8_t* at, const std::int8_t* row) __attribute__((always_inline)) {
        const __m512i left = _mm512_loadu_si512(row);
        const __m512i right = _mm512_loadu_si512(row + 64);
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
            int32_t quad;
            __builtin_memcpy(&quad, at + i * xStride, 4);
            const __m512i value = _mm512_set1_epi32(quad);
            sums[i][0] = _mm512_dpbusd_epi32(sums[i][0], value, left);
            sums[i][1] = _mm512_dpbusd_epi32(sums[i][1], value, right);
        }
    };
    int64_t k = 0;
    for (; k + 4 <= quads; k += 4) {
        if constexpr (rows <= 4)
#pragma GCC unroll 8
            for (int line = 0; line < 8; ++line)
                __builtin_prefetch(panel + 4096 + 64 * line, 0, 3);
#pragma GCC unroll 4
        for (int u = 0; u < 4; ++u)
            step(x + 4 * (k + u), panel + 128 * u);
        panel += 512;
    }
    for (; k < quads; ++k) {
        step(x + 4 * k, panel);
        panel += 128;
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
        _mm512_storeu_si512(tile + 32 * i, sums[i][0]);
        _mm512_storeu_si512(tile + 32 * i + 16, sums[i][1]);
    }
#else
    for (int i = 0; i < rows; ++i) {
        int32_t sums[32] = {};
        for (int64_t k = 0; k < quads; ++k)
            for (int j = 0; j < 32; ++j)
                for (int u = 0; u < 4; ++u)
                    sums[j] += static_cast<int32_t>(x[i * xStride + 4 * k + u]) * panel[128 * k + 4 * j + u];
        __builtin_memcpy(tile + 32 * i, sums, sizeof(sums));
    }
#endif
}

/// Calls work.operator()<rows>() with rows = count, which is between 1 and most.
template <int most = maxStripRows, typename Work>
ORRERY_INLINE void withRows(int64_t count, const Work& work) {
    if constexpr (most > 1) {
        if (count == most)
            return work.template operator()<most>();
        return withRows<most - 1>(count, work);
    } else {
        return work.template operator()<1>();
    }
}

} // namespace orrery::kernels::ORRERY_SIMD
