// SPDX-License-Identifier: GPL-3.0-or-later
#include "tensor/block_format.h"

#include "base/error.h"
#include "tensor/dtype.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace orrery {
namespace {

using Byte = std::uint8_t;

struct Layout {
    std::string_view name;
    std::int64_t elements;
    std::int64_t bytes;
};

constexpr std::array<Layout, 8> layouts{{{"q4_0", 32, 18},
                                         {"q4_1", 32, 20},
                                         {"q5_0", 32, 22},
                                         {"q5_1", 32, 24},
                                         {"q8_0", 32, 34},
                                         {"q4_k", 256, 144},
                                         {"q5_k", 256, 176},
                                         {"q6_k", 256, 210}}};

const Layout& layout(BlockFormat format) noexcept {
    return layouts[static_cast<std::size_t>(format)];
}

float half(const Byte* at) noexcept {
    Float16 value;
    std::memcpy(&value.bits, at, sizeof value.bits);
    return static_cast<float>(value);
}

/// Q4_0, Q4_1, Q5_0, Q5_1: the low halves of 16 bytes are the first 16 numbers, the high halves the others;
/// a fifth bit of all of them lies in the four bytes before.
void smallBlock(const Byte* quants, const Byte* fifthBits, float scale, int zero, float minimum,
                float* y) noexcept {
    std::uint32_t high = 0;
    if (fifthBits != nullptr)
        std::memcpy(&high, fifthBits, sizeof high);
    for (unsigned i = 0; i < 16; ++i) {
        const auto first = static_cast<int>((quants[i] & 15U) | ((high >> i) & 1U) << 4U);
        const auto second = static_cast<int>((quants[i] >> 4U) | ((high >> (i + 16)) & 1U) << 4U);
        y[i] = static_cast<float>(first - zero) * scale + minimum;
        y[i + 16] = static_cast<float>(second - zero) * scale + minimum;
    }
}

/// Scale and minimum of 6 bits, eight of each in 12 bytes.
void packedScale(const Byte* scales, unsigned j, unsigned& scale, unsigned& minimum) noexcept {
    if (j < 4) {
        scale = scales[j] & 63U;
        minimum = scales[j + 4] & 63U;
    } else {
        scale = (scales[j + 4] & 15U) | (scales[j - 4] >> 6U) << 4U;
        minimum = (scales[j + 4] >> 4U) | (scales[j] >> 6U) << 4U;
    }
}

/// Q4_K and Q5_K: 32 bytes hold the low halves of 64 numbers; bit j of fifthBits[i] belongs to number i of
/// the group j of 32.
void scaledBlock(const Byte* block, const Byte* quants, const Byte* fifthBits, float* y) noexcept {
    const float scale = half(block);
    const float minimumScale = half(block + 2);
    for (unsigned j = 0; j < 8; ++j) {
        unsigned factor = 0;
        unsigned minimum = 0;
        packedScale(block + 4, j, factor, minimum);
        const float d = scale * static_cast<float>(factor);
        const float m = minimumScale * static_cast<float>(minimum);
        for (unsigned i = 0; i < 32; ++i) {
            const unsigned byte = quants[j / 2 * 32 + i];
            unsigned q = j % 2 == 0 ? byte & 15U : byte >> 4U;
            if (fifthBits != nullptr)
                q |= ((fifthBits[i] >> j) & 1U) << 4U;
            y[32 * j + i] = d * static_cast<float>(q) - m;
        }
    }
}

void block6K(const Byte* block, float* y) noexcept {
    const float scale = half(block + 208);
    for (unsigned part = 0; part < 2; ++part) {
        const Byte* low = block + 64 * part;
        const Byte* high = block + 128 + 32 * part;
        const auto* scales = reinterpret_cast<const std::int8_t*>(block + 192 + 8 * part);
        for (unsigned group = 0; group < 4; ++group)
            for (unsigned i = 0; i < 32; ++i) {
                const unsigned byte = low[(group % 2) * 32 + i];
                const unsigned q = (group < 2 ? byte & 15U : byte >> 4U) |
                                   ((static_cast<unsigned>(high[i]) >> (2 * group)) & 3U) << 4U;
                const std::int8_t own = scales[2 * group + i / 16];
                y[128 * part + 32 * group + i] =
                    scale * static_cast<float>(own) * static_cast<float>(static_cast<int>(q) - 32);
            }
    }
}

void dequantiseBlock(BlockFormat format, const Byte* block, float* y) noexcept {
    switch (format) {
    case BlockFormat::Q40:
        return smallBlock(block + 2, nullptr, half(block), 8, 0, y);
    case BlockFormat::Q41:
        return smallBlock(block + 4, nullptr, half(block), 0, half(block + 2), y);
    case BlockFormat::Q50:
        return smallBlock(block + 6, block + 2, half(block), 16, 0, y);
    case BlockFormat::Q51:
        return smallBlock(block + 8, block + 4, half(block), 0, half(block + 2), y);
    case BlockFormat::Q80: {
        const float scale = half(block);
        const auto* quants = reinterpret_cast<const std::int8_t*>(block + 2);
        for (unsigned i = 0; i < 32; ++i)
            y[i] = static_cast<float>(quants[i]) * scale;
        return;
    }
    case BlockFormat::Q4K:
        return scaledBlock(block, block + 16, nullptr, y);
    case BlockFormat::Q5K:
        return scaledBlock(block, block + 48, block + 16, y);
    case BlockFormat::Q6K:
        return block6K(block, y);
    }
}

/// Writes the scale and gives back 1 / what the file will say, 0 for a block of zeros.
float putScale(float scale, Byte* block) noexcept {
    constexpr float largest = 65504;
    const Float16 stored(std::isnan(scale) ? largest : std::clamp(scale, -largest, largest));
    std::memcpy(block, &stored.bits, sizeof stored.bits);
    const auto read = static_cast<float>(stored);
    return read != 0 ? 1 / read : 0;
}

/// round(x) within the limits; NaN becomes zero.
int quant(float x, int low, int high) noexcept {
    if (std::isnan(x))
        return 0;
    return static_cast<int>(std::nearbyint(std::clamp(x, static_cast<float>(low), static_cast<float>(high))));
}

void quantiseBlock8(const float* x, Byte* block) noexcept {
    float peak = 0;
    for (int i = 0; i < 32; ++i)
        peak = std::max(peak, std::abs(x[i]));
    const float inverse = putScale(peak / 127, block);
    for (int i = 0; i < 32; ++i)
        block[2 + i] = static_cast<Byte>(quant(x[i] * inverse, -127, 127));
}

void quantiseBlock4(const float* x, Byte* block) noexcept {
    float extreme = 0;
    for (int i = 0; i < 32; ++i)
        if (std::abs(x[i]) > std::abs(extreme))
            extreme = x[i];
    const float inverse = putScale(extreme / -8, block);
    for (int i = 0; i < 16; ++i) {
        const auto first = static_cast<unsigned>(quant(x[i] * inverse, -8, 7) + 8);
        const auto second = static_cast<unsigned>(quant(x[i + 16] * inverse, -8, 7) + 8);
        block[2 + i] = static_cast<Byte>(first | second << 4U);
    }
}

} // namespace

std::string_view name(BlockFormat format) noexcept {
    return layout(format).name;
}
std::optional<BlockFormat> blockFormatFromName(std::string_view wanted) noexcept {
    for (const BlockFormat format : allBlockFormats)
        if (name(format) == wanted)
            return format;
    return std::nullopt;
}
std::int64_t blockElements(BlockFormat format) noexcept {
    return layout(format).elements;
}
std::int64_t blockBytes(BlockFormat format) noexcept {
    return layout(format).bytes;
}

void dequantise(BlockFormat format, const std::byte* blocks, float* target, std::int64_t elements) noexcept {
    const auto* block = reinterpret_cast<const Byte*>(blocks);
    for (std::int64_t at = 0; at < elements; at += blockElements(format), block += blockBytes(format))
        dequantiseBlock(format, block, target + at);
}

bool canQuantise(BlockFormat format) noexcept {
    return format == BlockFormat::Q80 || format == BlockFormat::Q40;
}

void quantise(BlockFormat format, const float* source, std::byte* blocks, std::int64_t elements) {
    if (!canQuantise(format))
        throw UsageError(
            fmt::format("Orrery reads {} but does not write it; use q8_0 or q4_0.", name(format)));
    ORRERY_CHECK(elements % blockElements(format) == 0, "whole blocks");
    auto* block = reinterpret_cast<Byte*>(blocks);
    for (std::int64_t at = 0; at < elements; at += blockElements(format), block += blockBytes(format))
        format == BlockFormat::Q80 ? quantiseBlock8(source + at, block) : quantiseBlock4(source + at, block);
}

} // namespace orrery
