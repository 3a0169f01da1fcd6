// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/block_product.h"

#include "base/error.h"
#include "kernels/cpu.h"
#include "kernels/panel_product.h"
#include "kernels/rows.h"
#include "kernels/simd/block_table.h"
#include "kernels/simd/row_table.h"
#include "kernels/threads.h"

#include <algorithm>
#include <cstring>

namespace orrery::kernels {
namespace {

// Slots of scratch memory (rows.h): multiplyPanels has 0 and 1 in use meanwhile.
constexpr int inputSlot = 5;
constexpr int denseSlot = 6;
constexpr int panelSlot = 7;
constexpr int resultSlot = 6;

const float* rowAsF32(const void* data, bool bf16, std::int64_t offset, std::int64_t count, float* buffer) {
    if (!bf16)
        return static_cast<const float*>(data) + offset;
    rowKernels().widen(static_cast<const std::uint16_t*>(data) + offset, buffer, count);
    return buffer;
}

/// Columns begin .. begin + count of one row: bias, activation, residual, conversion, storing.
void finish(const BlockProduct& product, float* values, std::int64_t row, std::int64_t begin,
            std::int64_t count) {
    const RowTable& rows = rowKernels();
    if (product.bias != nullptr)
        rows.add(values, product.bias + begin, values, count);
    if (product.activation != Activation::None)
        rows.activate(product.activation, values, values, count);
    if (product.residual != nullptr) {
        float* buffer = product.residualBf16 ? scratch(1, static_cast<std::size_t>(count)) : nullptr;
        const float* residual = rowAsF32(product.residual, product.residualBf16,
                                         row * product.residualStride + begin, count, buffer);
        rows.add(values, residual, values, count);
    }
    const std::int64_t to = row * product.outStride + begin;
    if (product.outBf16)
        rows.narrow(values, static_cast<std::uint16_t*>(product.out) + to, count);
    else
        std::memcpy(static_cast<float*>(product.out) + to, values, static_cast<std::size_t>(count) * 4);
}

void multiplyFew(const BlockProduct& product) {
    const BlockMatrix& weights = *product.weights;
    const BlockTable& kernels = blockKernels();
    const std::int64_t depth = weights.columns;
    BlockInput input;
    input.rows = product.rows;
    input.stride = depth + 32; // rows of a power of two would share sets of the first-level cache
    input.groupStride = (depth / 32 + 7) / 8 * 8;
    // In floats: scales, sums, then two quants a float.
    const std::int64_t groups = input.groupStride * input.rows;
    float* memory = scratch(inputSlot, static_cast<std::size_t>(2 * groups + input.stride * input.rows / 2));
    float* scales = memory;
    float* sums = memory + groups;
    auto* quants = reinterpret_cast<std::int16_t*>(memory + 2 * groups);
    std::fill(scales, scales + 2 * groups, 0.0F);
    for (std::int64_t row = 0; row < product.rows; ++row) {
        float* buffer = product.xBf16 ? scratch(1, static_cast<std::size_t>(depth)) : nullptr;
        const float* x = rowAsF32(product.x, product.xBf16, row * product.xStride, depth, buffer);
        kernels.quantise(x, depth / 32, quants + row * input.stride, scales + row * input.groupStride,
                         sums + row * input.groupStride);
    }
    input.quants = quants;
    input.scales = scales;
    input.sums = sums;
    const auto grain = std::max<std::int64_t>(1, 262144 / std::max<std::int64_t>(depth * product.rows, 1));
    parallelFor(weights.rows, grain, [&](std::int64_t from, std::int64_t to) {
        constexpr std::int64_t step = 256;
        float* results = scratch(resultSlot, static_cast<std::size_t>(step * product.rows));
        for (std::int64_t begin = from; begin < to; begin += step) {
            const std::int64_t count = std::min(step, to - begin);
            for (std::int64_t column = 0; column < count; ++column)
                kernels.dot(weights.format, weights.row(begin + column), depth, input, results + column,
                            step);
            for (std::int64_t row = 0; row < product.rows; ++row)
                finish(product, results + row * step, row, begin, count);
        }
    });
}

template <typename T>
T* moved(T* pointer, std::int64_t bytes) {
    using Byte = std::conditional_t<std::is_const_v<T>, const std::byte, std::byte>;
    return pointer == nullptr ? nullptr : static_cast<Byte*>(pointer) + bytes;
}

void multiplyMany(const BlockProduct& product) {
    const BlockMatrix& weights = *product.weights;
    const BlockTable& kernels = blockKernels();
    const std::int64_t depth = weights.columns;
    const PanelType type = product.panelsBf16 ? PanelType::BF16 : PanelType::F32;
    // About 4 MiB of panels at a time: in cache when they are multiplied.
    const std::int64_t step = std::clamp(
        (std::int64_t{1} << 20U) / std::max<std::int64_t>(depth, 1) / panelColumns * panelColumns,
        2 * panelColumns, (weights.rows + panelColumns - 1) / panelColumns * panelColumns + 2 * panelColumns);
    float* panels = scratch(panelSlot, panelBytes(type, step, depth) / sizeof(float) + 16);
    const std::size_t panelSize = panelBytes(type, panelColumns, depth);
    const std::int64_t stride =
        depth + 16; // rows of a power of two would share sets of the first-level cache
    for (std::int64_t begin = 0; begin < weights.rows; begin += step) {
        const std::int64_t count = std::min(step, weights.rows - begin);
        parallelFor((count + panelColumns - 1) / panelColumns, 1, [&](std::int64_t from, std::int64_t to) {
            float* dense = scratch(denseSlot, static_cast<std::size_t>(panelColumns * stride));
            for (std::int64_t panel = from; panel < to; ++panel) {
                const std::int64_t first = panel * panelColumns;
                const std::int64_t columns = std::min(panelColumns, count - first);
                for (std::int64_t column = 0; column < columns; ++column)
                    kernels.dequantise(weights.format, weights.row(begin + first + column),
                                       dense + column * stride, depth);
                packPanel(type, dense, stride, columns, depth,
                          reinterpret_cast<std::byte*>(panels) + static_cast<std::size_t>(panel) * panelSize);
            }
        });
        PanelProduct part;
        part.type = type;
        part.x = product.x;
        part.xBf16 = product.xBf16;
        part.xStride = product.xStride;
        part.panels = panels;
        part.rows = product.rows;
        part.columns = count;
        part.depth = depth;
        part.out = moved(product.out, begin * (product.outBf16 ? 2 : 4));
        part.outBf16 = product.outBf16;
        part.outStride = product.outStride;
        part.bias = product.bias == nullptr ? nullptr : product.bias + begin;
        part.activation = product.activation;
        part.residual = moved(product.residual, begin * (product.residualBf16 ? 2 : 4));
        part.residualBf16 = product.residualBf16;
        part.residualStride = product.residualStride;
        multiplyPanels(part);
    }
}

} // namespace

const BlockTable& blockKernels() noexcept {
    switch (isa()) {
    case Isa::Portable:
        return blocksPortable;
    case Isa::Avx2:
        return blocksAvx2;
    case Isa::Avx512:
        return blocksAvx512;
    default:
        return blocksAvx512Vnni;
    }
}

void multiplyBlocks(const BlockProduct& product) {
    const BlockMatrix& weights = *product.weights;
    if (product.rows == 0 || weights.rows == 0)
        return;
    ORRERY_CHECK(weights.columns > 0, "blocks of some depth");
    product.rows <= blockRowLimit ? multiplyFew(product) : multiplyMany(product);
}

} // namespace orrery::kernels
