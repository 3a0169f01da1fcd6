// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/panel_product.h"

#include "base/error.h"
#include "kernels/cpu.h"
#include "kernels/rows.h"
#include "kernels/simd/panel_table.h"
#include "kernels/simd/row_table.h"
#include "kernels/threads.h"
#include "tensor/dtype.h"
#include "tensor/narrow_floats.h"

#include <algorithm>
#include <cstring>

namespace orrery::kernels {
namespace {

const PanelTable& table() noexcept {
    switch (isa()) {
    case Isa::Portable:
        return panelsPortable;
    case Isa::Avx2:
        return panelsAvx2;
    case Isa::Avx512:
        return panelsAvx512;
    case Isa::Avx512Vnni:
        return panelsAvx512Vnni;
    case Isa::Avx512Bf16:
        break;
    }
    return panelsAvx512Bf16;
}

constexpr std::int64_t roundUp(std::int64_t value, std::int64_t step) {
    return (value + step - 1) / step * step;
}

/// Rows that start at multiples of 2 KiB fall into two sets of the first-level cache and drive one another
/// out; a strip reads up to 14 rows side by side.
bool conflicts(std::int64_t rows, std::int64_t strideBytes) {
    return rows > 4 && strideBytes % 2048 == 0;
}

/// Elements between rows of a copy that does not conflict.
std::int64_t quietStride(std::int64_t depth, std::int64_t elementBytes) {
    const std::int64_t stride = roundUp(depth, 64 / elementBytes);
    return stride * elementBytes % 1024 == 0 ? stride + 64 / elementBytes : stride;
}

void copyToF32(PanelProduct& product) {
    const std::int64_t stride = quietStride(product.depth, 4);
    float* target = scratch(0, static_cast<std::size_t>(stride * product.rows));
    const RowTable& rows = rowKernels();
    parallelFor(product.rows, 8, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
            if (product.xBf16)
                rows.widen(static_cast<const std::uint16_t*>(product.x) + row * product.xStride,
                           target + row * stride, product.depth);
            else
                std::memcpy(target + row * stride,
                            static_cast<const float*>(product.x) + row * product.xStride,
                            static_cast<std::size_t>(product.depth) * 4);
        }
    });
    product.x = target;
    product.xBf16 = false;
    product.xStride = stride;
}

void copyToBf16(PanelProduct& product) {
    const std::int64_t stride = quietStride(product.depth + 1, 2);
    auto* target = reinterpret_cast<std::uint16_t*>(
        scratch(0, static_cast<std::size_t>((stride * product.rows + 1) / 2)));
    const RowTable& rows = rowKernels();
    parallelFor(product.rows, 8, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
            std::uint16_t* to = target + row * stride;
            if (product.xBf16)
                std::memcpy(to, static_cast<const std::uint16_t*>(product.x) + row * product.xStride,
                            static_cast<std::size_t>(product.depth) * 2);
            else
                rows.narrow(static_cast<const float*>(product.x) + row * product.xStride, to, product.depth);
            to[product.depth] = 0; // the partner of an odd depth's last element
        }
    });
    product.x = target;
    product.xBf16 = true;
    product.xStride = stride;
}

/// A consecutive run of a source's numbers as floats.
void readRun(const PanelSource& source, std::int64_t index, float* target, std::int64_t count) {
    switch (source.type) {
    case PanelSource::Type::F32:
        std::copy_n(static_cast<const float*>(source.data) + index, count, target);
        break;
    case PanelSource::Type::BF16:
        widenFloats(static_cast<const BFloat16*>(source.data) + index, target, count);
        break;
    case PanelSource::Type::F16:
        widenFloats(static_cast<const Float16*>(source.data) + index, target, count);
        break;
    case PanelSource::Type::F8E4M3:
        widenFloats(static_cast<const Float8E4M3*>(source.data) + index, target, count);
        break;
    case PanelSource::Type::F8E5M2:
        widenFloats(static_cast<const Float8E5M2*>(source.data) + index, target, count);
        break;
    case PanelSource::Type::S8:
        std::copy_n(static_cast<const std::int8_t*>(source.data) + index, count, target);
        break;
    }
}

constexpr std::int64_t packBlock = 64;

/// Packs columns begin .. end of a panel whose numbers need converting, a square block at a time: runs of the
/// source, whichever way they lie, become floats in a tile, and the tile becomes a part of the panel.
template <typename T, int step, typename Write>
void packConverted(T* panel, std::int64_t begin, std::int64_t end, std::int64_t depth,
                   const PanelSource& source, std::int64_t origin, const Write& write) {
    const bool alongDepth = source.depthStride == 1;
    const bool alongColumns = !alongDepth && source.columnStride == 1;
    float tile[32 * packBlock]; // [column][k] along the depth, else [k][column]
    for (std::int64_t k0 = 0; k0 < depth; k0 += packBlock) {
        const std::int64_t count = std::min(packBlock, depth - k0);
        const std::int64_t columnStep = alongColumns ? 1 : packBlock;
        const std::int64_t kStep = alongColumns ? 32 : 1;
        if (alongColumns) {
            for (std::int64_t k = 0; k < count; ++k)
                readRun(source, origin + begin + (k0 + k) * source.depthStride, tile + k * 32 + begin,
                        end - begin);
        } else {
            for (std::int64_t column = begin; column < end; ++column) {
                const std::int64_t index = (origin + column) * source.columnStride + k0 * source.depthStride;
                float* to = tile + column * packBlock;
                if (alongDepth)
                    readRun(source, index, to, count);
                else
                    for (std::int64_t k = 0; k < count; ++k)
                        readRun(source, index + k * source.depthStride, to + k, 1);
            }
        }
        for (std::int64_t k = 0; k < count; ++k) {
            T* to = panel + ((k0 + k) / step) * 32 * step + (k0 + k) % step;
            const float* from = tile + k * kStep;
            for (std::int64_t column = begin; column < end; ++column)
                to[column * step] = write(from[column * columnStep]);
        }
    }
}

/// Packs one panel: square blocks keep both the source's rows and the panel's in cache.
template <typename T, int step, typename Read, typename Write>
void packPlain(T* panel, std::int64_t begin, std::int64_t end, std::int64_t depth, const Read& read,
               const Write& write) {
    for (std::int64_t k0 = 0; k0 < depth; k0 += packBlock)
        for (std::int64_t column = begin; column < end; ++column)
            for (std::int64_t k = k0; k < std::min(depth, k0 + packBlock); ++k)
                panel[(k / step) * 32 * step + column * step + k % step] = write(read(column, k));
}

/// Columns begin .. end of one panel; column c of it is column origin + c of the source.
void packPart(PanelType type, const PanelSource& source, std::int64_t origin, std::int64_t begin,
              std::int64_t end, std::int64_t depth, std::byte* bytes) {
    if (type == PanelType::F32 && source.type == PanelSource::Type::F32 && source.depthStride == 1 &&
        begin == 0 && end == panelColumns) {
        table().interleave(static_cast<const float*>(source.data) + origin * source.columnStride,
                           source.columnStride, depth, reinterpret_cast<float*>(bytes));
        return;
    }
    const auto index = [&](std::int64_t column, std::int64_t k) {
        return (origin + column) * source.columnStride + k * source.depthStride;
    };
    if (type == PanelType::F32 && source.type == PanelSource::Type::F32)
        packPlain<float, 1>(
            reinterpret_cast<float*>(bytes), begin, end, depth,
            [&](auto c, auto k) { return static_cast<const float*>(source.data)[index(c, k)]; },
            [](float v) { return v; });
    else if (type == PanelType::F32)
        packConverted<float, 1>(reinterpret_cast<float*>(bytes), begin, end, depth, source, origin,
                                [](float v) { return v; });
    else if (type == PanelType::BF16)
        packConverted<std::uint16_t, 2>(reinterpret_cast<std::uint16_t*>(bytes), begin, end, depth, source,
                                        origin, [](float v) { return BFloat16(v).bits; });
    else
        packPlain<std::int8_t, 4>(
            reinterpret_cast<std::int8_t*>(bytes), begin, end, depth,
            [&](auto c, auto k) { return static_cast<const std::int8_t*>(source.data)[index(c, k)]; },
            [](std::int8_t v) { return v; });
}

} // namespace

std::int64_t panelDepthStep(PanelType type) noexcept {
    return type == PanelType::F32 ? 1 : type == PanelType::BF16 ? 2 : 4;
}

std::size_t panelBytes(PanelType type, std::int64_t columns, std::int64_t depth) noexcept {
    const std::int64_t step = panelDepthStep(type);
    const std::int64_t elementBytes = 4 / step;
    return static_cast<std::size_t>(roundUp(columns, panelColumns) * roundUp(depth, step) * elementBytes);
}

void packPanels(PanelType type, const PanelSource& source, std::int64_t firstColumn, std::int64_t columns,
                std::int64_t allColumns, std::int64_t depth, void* panels) {
    const std::int64_t step = panelDepthStep(type);
    const std::int64_t paddedDepth = roundUp(depth, step);
    const std::int64_t firstPanel = firstColumn / panelColumns;
    const std::int64_t lastPanel = (firstColumn + columns - 1) / panelColumns;
    parallelFor(lastPanel - firstPanel + 1, 1, [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t panel = firstPanel + from; panel < firstPanel + to; ++panel) {
            const std::int64_t start = panel * panelColumns;
            const std::int64_t begin = std::max(firstColumn, start) - start;
            const std::int64_t end = std::min(firstColumn + columns, start + panelColumns) - start;
            auto* bytes =
                static_cast<std::byte*>(panels) + static_cast<std::size_t>(start * paddedDepth * (4 / step));
            // A panel with padding is cleared by whoever holds its first column.
            const bool padded = start + panelColumns > allColumns || paddedDepth != depth;
            if (padded && begin == 0)
                std::memset(bytes, 0, static_cast<std::size_t>(panelColumns * paddedDepth * (4 / step)));
            packPart(type, source, start - firstColumn, begin, end, depth, bytes);
        }
    });
}

void packPanel(PanelType type, const float* rows, std::int64_t stride, std::int64_t columns,
               std::int64_t depth, void* panel) {
    if (columns < panelColumns || depth % panelDepthStep(type) != 0)
        std::memset(panel, 0, panelBytes(type, columns, depth));
    packPart(type, {rows, PanelSource::Type::F32, stride, 1}, 0, 0, columns, depth,
             static_cast<std::byte*>(panel));
}

void multiplyPanels(const PanelProduct& given) {
    if (given.rows == 0 || given.columns == 0)
        return;
    PanelProduct product = given;
    if (product.type == PanelType::F32) {
        if (product.xBf16 || conflicts(product.rows, product.xStride * 4))
            copyToF32(product);
    } else if (product.type == PanelType::BF16) {
        if (!product.xBf16 || product.depth % 2 != 0 || conflicts(product.rows, product.xStride * 2))
            copyToBf16(product);
    }
    const PanelTable& kernels = table();
    const std::int64_t strips = (product.rows + kernels.stripRows - 1) / kernels.stripRows;
    const std::int64_t panels = (product.columns + panelColumns - 1) / panelColumns;
    // Fewer than about 30 microseconds of work are not worth waking another thread.
    const double work = static_cast<double>(product.rows) * static_cast<double>(product.depth) * 32;
    const auto grain = static_cast<std::int64_t>(
        std::max(1.0, 500000.0 * static_cast<double>(strips) / std::max(work, 1.0)));
    parallelFor(panels * strips, grain,
                [&](std::int64_t begin, std::int64_t end) { kernels.multiply(product, begin, end); });
}

void quantiseRows(const void* x, bool xBf16, std::int64_t xStride, std::int64_t rows, std::int64_t depth,
                  std::uint8_t* target, std::int64_t paddedDepth, float* scales) {
    const RowTable& kernels = rowKernels();
    parallelFor(rows, std::max<std::int64_t>(1, 65536 / std::max<std::int64_t>(depth, 1)),
                [&](std::int64_t begin, std::int64_t end) {
                    float* buffer = xBf16 ? scratch(1, static_cast<std::size_t>(depth)) : nullptr;
                    for (std::int64_t row = begin; row < end; ++row) {
                        const float* values = nullptr;
                        if (xBf16) {
                            kernels.widen(static_cast<const std::uint16_t*>(x) + row * xStride, buffer,
                                          depth);
                            values = buffer;
                        } else {
                            values = static_cast<const float*>(x) + row * xStride;
                        }
                        const float peak = kernels.absoluteMaximum(values, depth);
                        scales[row] = peak / 127.0F;
                        std::uint8_t* to = target + row * paddedDepth;
                        kernels.quantise(values, peak > 0 ? 127.0F / peak : 0.0F, to, depth);
                        std::memset(to + depth, 128, static_cast<std::size_t>(paddedDepth - depth));
                    }
                });
}

} // namespace orrery::kernels
