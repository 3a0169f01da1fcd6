// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace orrery {

/// Quantised numbers in blocks along a row, as GGUF files hold them: a block is a scale (binary16) and small
/// integers, in the K formats a block of 256 with scales of its own for every 16 or 32. Value = scale * q or
/// scale * q - minimum. Layouts: https://github.com/ggml-org/ggml (ggml-common.h, block_q4_0 and so on).
enum class BlockFormat : std::uint8_t {
    Q40, ///< 32 of 4 bits, q - 8
    Q41, ///< 32 of 4 bits and a minimum
    Q50, ///< 32 of 5 bits, q - 16
    Q51, ///< 32 of 5 bits and a minimum
    Q80, ///< 32 of 8 bits
    Q4K, ///< 256 of 4 bits; scale and minimum of 6 bits for every 32
    Q5K, ///< 256 of 5 bits; the same
    Q6K, ///< 256 of 6 bits, q - 32; scale of 8 bits for every 16
};

inline constexpr std::array allBlockFormats{BlockFormat::Q40, BlockFormat::Q41, BlockFormat::Q50,
                                            BlockFormat::Q51, BlockFormat::Q80, BlockFormat::Q4K,
                                            BlockFormat::Q5K, BlockFormat::Q6K};

[[nodiscard]] std::string_view name(BlockFormat format) noexcept; ///< "q4_0", "q6_k"
[[nodiscard]] std::optional<BlockFormat> blockFormatFromName(std::string_view name) noexcept;
[[nodiscard]] std::int64_t blockElements(BlockFormat format) noexcept; ///< 32 or 256
[[nodiscard]] std::int64_t blockBytes(BlockFormat format) noexcept;

/// elements: a multiple of blockElements(). The order of operations is the published one, in f32.
void dequantise(BlockFormat format, const std::byte* blocks, float* target, std::int64_t elements) noexcept;

/// Q8_0: scale = max |x| / 127, q = round(x / scale); error at most scale / 2 and what rounding the scale to
/// binary16 adds. Q4_0: scale = (the x of largest magnitude) / -8; error at most |scale|, scale / 2 but for
/// values near the other end. Numbers that are not finite, or too large for a scale in binary16, make the
/// block as large as it can be. UsageError for the other formats, which are only read.
void quantise(BlockFormat format, const float* source, std::byte* blocks, std::int64_t elements);
[[nodiscard]] bool canQuantise(BlockFormat format) noexcept;

} // namespace orrery
