// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/activation.h"

#include <cstddef>
#include <cstdint>

// Products with a weight matrix packed in panels of 32 columns, deep first: what the microkernels read is one
// stream, from one row of x (decoding, bound by memory) to thousands (bound by the multipliers).
//   F32:  [ceil(columns / 32)][depth][32] f32
//   BF16: [ceil(columns / 32)][ceil(depth / 2)][32][2] bf16
//   S8:   [ceil(columns / 32)][ceil(depth / 4)][32][4] s8
// Missing columns and depth are zeros.
namespace orrery::kernels {

inline constexpr std::int64_t panelColumns = 32;

enum class PanelType { F32, BF16, S8 };

[[nodiscard]] std::int64_t panelDepthStep(PanelType type) noexcept; ///< 1, 2, 4
[[nodiscard]] std::size_t panelBytes(PanelType type, std::int64_t columns, std::int64_t depth) noexcept;

/// Where a source matrix lies: element (column, k) is at column * columnStride + k * depthStride.
struct PanelSource {
    enum class Type { F32, BF16, F16, S8, F8E4M3, F8E5M2 };
    const void* data = nullptr;
    Type type = Type::F32;
    std::int64_t columnStride = 0;
    std::int64_t depthStride = 0;
};

/// Packs the columns [firstColumn, firstColumn + columns) of panels from a source (whose own columns begin
/// at 0); zeros of the padding are written once by whoever fills the last column. Runs on all threads.
void packPanels(PanelType type, const PanelSource& source, std::int64_t firstColumn, std::int64_t columns,
                std::int64_t allColumns, std::int64_t depth, void* panels);

/// The same for one panel of up to 32 rows of floats that lie stride apart, dense in the depth; on this
/// thread.
void packPanel(PanelType type, const float* rows, std::int64_t stride, std::int64_t columns,
               std::int64_t depth, void* panel);

struct PanelProduct {
    PanelType type = PanelType::F32;
    /// [rows, depth] f32 (F32), bf16 (BF16; or f32, converted on the way) or u8 (S8: quantised + 128, rows
    /// padded to a multiple of 4 with any values); dense in the depth.
    const void* x = nullptr;
    bool xBf16 = false;
    std::int64_t xStride = 0; ///< elements between rows
    const void* panels = nullptr;
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    std::int64_t depth = 0;
    void* out = nullptr; ///< [rows, columns] f32 or bf16
    bool outBf16 = false;
    std::int64_t outStride = 0;
    const float* bias = nullptr; ///< [columns]
    Activation activation = Activation::None;
    const void* residual = nullptr; ///< [rows, columns] f32 or bf16, may be out
    bool residualBf16 = false;
    std::int64_t residualStride = 0;
    // S8: y = rowScale[row] * columnScale[column] * (sum x q - 128 sum q)
    const float* rowScale = nullptr;
    const float* columnScale = nullptr;
    const std::int32_t* columnSum = nullptr; ///< sum over the depth of each column's values
};

/// out = activation(x W + bias) + residual, on all threads: each takes a consecutive share of (panel, strip
/// of rows) pairs and works through it in blocks that stay in the second-level cache.
void multiplyPanels(const PanelProduct& product);

/// Quantises rows symmetrically: q = round(x / scale) + 128 with scale = max |x| / 127. target: rows of
/// paddedDepth u8.
void quantiseRows(const void* x, bool xBf16, std::int64_t xStride, std::int64_t rows, std::int64_t depth,
                  std::uint8_t* target, std::int64_t paddedDepth, float* scales);

} // namespace orrery::kernels
