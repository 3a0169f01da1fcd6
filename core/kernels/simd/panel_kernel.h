// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/panel_product.h"
#include "kernels/simd/math.h"
#include "kernels/simd/micro_kernel.h"

// The inner part of multiplyPanels for one instruction set: a strip of rows times one panel, then bias,
// activation and residual while the tile is in the first-level cache.
namespace orrery::kernels::ORRERY_SIMD {

/// A part of the depth that is summed before the rest: what earlier parts gave waits in the output.
struct Slice {
    int64_t begin;
    int64_t end;
    bool first;
    bool last;
};

/// A product's order of work. Rows go in blocks whose part of x stays in the second-level cache while the
/// panels pass by, and long depths in slices, so that a panel's part stays there too; without that every
/// panel would pull all of x through the caches.
struct Order {
    int64_t strips;
    int64_t blocks; ///< of strips
    int64_t slices; ///< of the depth
};

/// Earlier slices, bias, activation, residual, conversion and storing of count (<= 32) columns of a tile's
/// row.
template <Activation kind>
ORRERY_INLINE void finishRow(const PanelProduct& product, const Slice& slice, const float* tile, int64_t row,
                             int64_t column, int64_t count) {
    // A residual that lies in the output would be written over by the sums of the first slice: it joins them.
    const bool withResidual = product.residual && (kind == Activation::None ? slice.first : slice.last);
    for (int64_t j = 0; j < count; j += lanes) {
        const int64_t left = least<int64_t>(lanes, count - j);
        const bool whole = left == lanes;
        const int64_t at = column + j;
        Vec value = load(tile + j);
        if (!slice.first) {
            const float* sums = static_cast<const float*>(product.out) + row * product.outStride + at;
            value = value + (whole ? load(sums) : load(sums, left));
        }
        if (product.bias && slice.last)
            value = value + (whole ? load(product.bias + at) : load(product.bias + at, left));
        if (slice.last)
            value = activated<kind>(value);
        if (withResidual) {
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
__attribute__((noinline)) void multiplyStrip(const PanelProduct& product, const Slice& slice, int64_t row,
                                             int64_t panel) {
    alignas(64) float tile[rows * 32];
    const int64_t column = panel * 32;
    const int64_t count = least<int64_t>(32, product.columns - column);
    if (product.type == PanelType::F32) {
        multiplyF32<rows, vectorsPerPanel, false, true, true>(
            {static_cast<const float*>(product.x) + row * product.xStride + slice.begin, product.xStride, 1},
            static_cast<const float*>(product.panels) + column * product.depth + slice.begin * 32, 32,
            slice.end - slice.begin, tile, 32);
    } else if (product.type == PanelType::BF16) {
        const int64_t pairs = (product.depth + 1) / 2;
        multiplyBf16<rows, 32, false, true>(
            static_cast<const uint16_t*>(product.x) + row * product.xStride + slice.begin, product.xStride,
            static_cast<const uint16_t*>(product.panels) + column * pairs * 2 + slice.begin * 32, 64,
            (slice.end - slice.begin + 1) / 2, tile, 32);
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
            finishRow<kind>(product, slice, tile + 32 * i, row + i, column, count);
    });
}

/// Cuts a product so that a block of x and a slice of a panel share a second-level cache of 1 MiB, with room.
inline Order orderOf(const PanelProduct& product) {
    constexpr int64_t blockBytes = 576 << 10;
    constexpr int64_t sliceBytes = 4096; // of a row: 128 KiB of a panel
    const int64_t rowBytes = product.depth * (4 / panelDepthStep(product.type));
    Order order{(product.rows + maxStripRows - 1) / maxStripRows, 1, 1};
    if (product.rows * rowBytes <= blockBytes)
        return order;
    // Sums of slices wait in the output as floats, and a residual there can only be added to them at once.
    const bool sliced =
        product.type != PanelType::S8 && !product.outBf16 &&
        (!product.residual || product.residual != product.out || product.activation == Activation::None);
    if (sliced)
        order.slices = (rowBytes + sliceBytes - 1) / sliceBytes;
    const int64_t blockRows = blockBytes / (rowBytes / order.slices) + 1;
    order.blocks = least((product.rows + blockRows - 1) / blockRows, order.strips);
    return order;
}

/// Units begin .. end of panels x strips. A thread's panels pass by each block of rows, slice by slice.
inline void multiplyUnits(const PanelProduct& product, int64_t begin, int64_t end) {
    const Order order = orderOf(product);
    const int64_t step = (product.depth / order.slices + 8) / 8 * 8;
    for (int64_t block = 0; block < order.blocks; ++block) {
        const int64_t firstStrip = order.strips * block / order.blocks;
        const int64_t lastStrip = order.strips * (block + 1) / order.blocks;
        for (int64_t k = 0; k < product.depth || k == 0; k += step) {
            const Slice slice{k, least(k + step, product.depth), k == 0, k + step >= product.depth};
            for (int64_t panel = begin / order.strips; panel * order.strips < end; ++panel) {
                const int64_t unit = panel * order.strips;
                const int64_t from = begin - unit > firstStrip ? begin - unit : firstStrip;
                const int64_t to = least(end - unit, lastStrip);
                for (int64_t strip = from; strip < to; ++strip) {
                    const int64_t first = product.rows * strip / order.strips;
                    const int64_t next = product.rows * (strip + 1) / order.strips;
                    withRows(next - first,
                             [&]<int rows>() { multiplyStrip<rows>(product, slice, first, panel); });
                }
            }
        }
    }
}

} // namespace orrery::kernels::ORRERY_SIMD
