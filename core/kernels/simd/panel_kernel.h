// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/panel_product.h"
#include "kernels/simd/math.h"

// The inner part of multiplyPanels for one instruction set: a strip of rows times one panel, then bias,
// activation and residual while the tile is in the first-level cache.
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

template <int rows>
ORRERY_INLINE void multiplyF32(const float* x, int64_t stride, const float* panel, int64_t depth,
                               float* tile) {
    Vec sums[rows][vectorsPerPanel];
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
        for (int j = 0; j < vectorsPerPanel; ++j)
            sums[i][j] = zero();
    const auto step = [&](const float* at, const float* row) __attribute__((always_inline)) {
        Vec weights[vectorsPerPanel];
#pragma GCC unroll 8
        for (int j = 0; j < vectorsPerPanel; ++j)
            weights[j] = load(row + j * lanes);
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
            const Vec value = set(at[i * stride]);
#pragma GCC unroll 8
            for (int j = 0; j < vectorsPerPanel; ++j)
                sums[i][j] = fma(value, weights[j], sums[i][j]);
        }
    };
    int64_t k = 0;
    for (; k + 4 <= depth; k += 4) {
#if defined(__AVX512F__)
        // One row is bound by memory: reading ahead keeps more lines under way than the hardware does.
        if constexpr (rows <= 4)
#pragma GCC unroll 8
            for (int line = 0; line < 8; ++line)
                __builtin_prefetch(panel + 1024 + 16 * line, 0, 3);
#endif
#pragma GCC unroll 4
        for (int u = 0; u < 4; ++u)
            step(x + k + u, panel + 32 * u);
        panel += 128;
    }
    for (; k < depth; ++k) {
        step(x + k, panel);
        panel += 32;
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
        for (int j = 0; j < vectorsPerPanel; ++j)
            store(tile + 32 * i + j * lanes, sums[i][j]);
}

template <int rows>
ORRERY_INLINE void multiplyBf16(const uint16_t* x, int64_t stride, const uint16_t* panel, int64_t pairs,
                                float* tile) {
#if defined(__AVX512BF16__)
    __m512 sums[rows][2];
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
        sums[i][0] = sums[i][1] = _mm512_setzero_ps();
    const auto step = [&](const uint16_t* at, const uint16_t* row) __attribute__((always_inline)) {
        const auto left = (__m512bh)_mm512_loadu_si512(row);
        const auto right = (__m512bh)_mm512_loadu_si512(row + 32);
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
            int32_t pair;
            __builtin_memcpy(&pair, at + i * stride, 4);
            const auto value = (__m512bh)_mm512_set1_epi32(pair);
            sums[i][0] = _mm512_dpbf16_ps(sums[i][0], value, left);
            sums[i][1] = _mm512_dpbf16_ps(sums[i][1], value, right);
        }
    };
    int64_t k = 0;
    for (; k + 4 <= pairs; k += 4) {
        if constexpr (rows <= 4)
#pragma GCC unroll 8
            for (int line = 0; line < 8; ++line)
                __builtin_prefetch(panel + 2048 + 32 * line, 0, 3);
#pragma GCC unroll 4
        for (int u = 0; u < 4; ++u)
            step(x + 2 * (k + u), panel + 64 * u);
        panel += 256;
    }
    for (; k < pairs; ++k) {
        step(x + 2 * k, panel);
        panel += 64;
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
        _mm512_storeu_ps(tile + 32 * i, sums[i][0]);
        _mm512_storeu_ps(tile + 32 * i + 16, sums[i][1]);
    }
#else
    for (int i = 0; i < rows; ++i) {
        float sums[32] = {};
        for (int64_t k = 0; k < pairs; ++k) {
            const float even = widen(x[i * stride + 2 * k]);
            const float odd = widen(x[i * stride + 2 * k + 1]);
            for (int j = 0; j < 32; ++j)
                sums[j] += even * widen(panel[64 * k + 2 * j]) + odd * widen(panel[64 * k + 2 * j + 1]);
        }
        __builtin_memcpy(tile + 32 * i, sums, sizeof(sums));
    }
#endif
}

template <int rows>
ORRERY_INLINE void multiplyS8(const std::uint8_t* x, int64_t stride, const std::int8_t* panel, int64_t quads,
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
            __builtin_memcpy(&quad, at + i * stride, 4);
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
                    sums[j] += static_cast<int32_t>(x[i * stride + 4 * k + u]) * panel[128 * k + 4 * j + u];
        __builtin_memcpy(tile + 32 * i, sums, sizeof(sums));
    }
#endif
}

/// Bias, activation, residual, conversion and storing of count (<= 32) columns of a tile's row.
template <Activation kind>
ORRERY_INLINE void finishRow(const PanelProduct& product, const float* tile, int64_t row, int64_t column,
                             int64_t count) {
    for (int64_t j = 0; j < count; j += lanes) {
        const int64_t left = least<int64_t>(lanes, count - j);
        const bool whole = left == lanes;
        const int64_t at = column + j;
        Vec value = load(tile + j);
        if (product.bias)
            value = value + (whole ? load(product.bias + at) : load(product.bias + at, left));
        value = activated<kind>(value);
        if (product.residual) {
            const int64_t from = row * product.residualStride + at;
            if (product.residualBf16) {
                const auto* residual = static_cast<const uint16_t*>(product.residual) + from;
                value = value + (whole ? load(residual) : load(residual, left));
            } else {
                const auto* residual = static_cast<const float*>(product.residual) + from;
                value = value + (whole ? load(residual) : load(residual, left));
            }
        }
        const int64_t to = row * product.outStride + at;
        if (product.outBf16) {
            auto* out = static_cast<uint16_t*>(product.out) + to;
            whole ? store(out, value) : store(out, value, left);
        } else {
            auto* out = static_cast<float*>(product.out) + to;
            whole ? store(out, value) : store(out, value, left);
        }
    }
}

template <int rows>
void multiplyStrip(const PanelProduct& product, int64_t row, int64_t panel) {
    alignas(64) float tile[rows * 32];
    const int64_t column = panel * 32;
    const int64_t count = least<int64_t>(32, product.columns - column);
    if (product.type == PanelType::F32) {
        multiplyF32<rows>(static_cast<const float*>(product.x) + row * product.xStride, product.xStride,
                          static_cast<const float*>(product.panels) + column * product.depth, product.depth,
                          tile);
    } else if (product.type == PanelType::BF16) {
        const int64_t pairs = (product.depth + 1) / 2;
        multiplyBf16<rows>(static_cast<const uint16_t*>(product.x) + row * product.xStride, product.xStride,
                           static_cast<const uint16_t*>(product.panels) + column * pairs * 2, pairs, tile);
    } else {
        alignas(64) int32_t sums[rows * 32];
        const int64_t quads = (product.depth + 3) / 4;
        multiplyS8<rows>(static_cast<const std::uint8_t*>(product.x) + row * product.xStride, product.xStride,
                         static_cast<const std::int8_t*>(product.panels) + column * quads * 4, quads, sums);
        for (int i = 0; i < rows; ++i)
            for (int64_t j = 0; j < 32; ++j) {
                const int64_t at = least(column + j, product.columns - 1);
                tile[32 * i + j] = product.rowScale[row + i] * product.columnScale[at] *
                                   static_cast<float>(sums[32 * i + j] - 128 * product.columnSum[at]);
            }
    }
    withActivation(product.activation, [&]<Activation kind>() {
        for (int i = 0; i < rows; ++i)
            finishRow<kind>(product, tile + 32 * i, row + i, column, count);
    });
}

using StripFunction = void (*)(const PanelProduct&, int64_t row, int64_t panel);

template <int rows>
StripFunction stripFunction(int64_t count) {
    if constexpr (rows > 1)
        return count == rows ? &multiplyStrip<rows> : stripFunction<rows - 1>(count);
    else
        return &multiplyStrip<1>;
}

/// Units begin .. end of panels x strips, panel by panel.
inline void multiplyUnits(const PanelProduct& product, int64_t begin, int64_t end) {
    const int64_t strips = (product.rows + maxStripRows - 1) / maxStripRows;
    for (int64_t unit = begin; unit < end; ++unit) {
        const int64_t panel = unit / strips;
        const int64_t strip = unit % strips;
        const int64_t first = product.rows * strip / strips;
        const int64_t next = product.rows * (strip + 1) / strips;
        stripFunction<maxStripRows>(next - first)(product, first, panel);
    }
}

} // namespace orrery::kernels::ORRERY_SIMD
