// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/panel_product.h"
#include "kernels/simd/math.h"
#include "kernels/simd/micro_kernel.h"

// The inner part of multiplyPanels for one instruction set: a strip of rows times one panel, then bias,
// activation and residual while the tile is in the first-level cache.
namespace orrery::kernels::ORRERY_SIMD {

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
__attribute__((noinline)) void multiplyStrip(const PanelProduct& product, int64_t row, int64_t panel) {
    alignas(64) float tile[rows * 32];
    const int64_t column = panel * 32;
    const int64_t count = least<int64_t>(32, product.columns - column);
    if (product.type == PanelType::F32) {
        multiplyF32<rows, vectorsPerPanel, false, true, true>(
            {static_cast<const float*>(product.x) + row * product.xStride, product.xStride, 1},
            static_cast<const float*>(product.panels) + column * product.depth, 32, product.depth, tile, 32);
    } else if (product.type == PanelType::BF16) {
        const int64_t pairs = (product.depth + 1) / 2;
        multiplyBf16<rows, 32, false, true>(
            static_cast<const uint16_t*>(product.x) + row * product.xStride, product.xStride,
            static_cast<const uint16_t*>(product.panels) + column * pairs * 2, 64, pairs, tile, 32);
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

/// Units begin .. end of panels x strips, panel by panel.
inline void multiplyUnits(const PanelProduct& product, int64_t begin, int64_t end) {
    const int64_t strips = (product.rows + maxStripRows - 1) / maxStripRows;
    for (int64_t unit = begin; unit < end; ++unit) {
        const int64_t panel = unit / strips;
        const int64_t strip = unit % strips;
        const int64_t first = product.rows * strip / strips;
        const int64_t next = product.rows * (strip + 1) / strips;
        withRows(next - first, [&]<int rows>() { multiplyStrip<rows>(product, first, panel); });
    }
}

} // namespace orrery::kernels::ORRERY_SIMD
