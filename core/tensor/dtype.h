// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace orrery {

enum class DType : std::uint8_t { F32, BF16, F16, F64, I64, I32, I16, I8, U8, Bool, F8E4M3, F8E5M2 };

[[nodiscard]] std::size_t itemSize(DType dtype) noexcept; ///< bytes of one element
[[nodiscard]] std::string_view
name(DType dtype) noexcept; ///< "f32", "bf16", ... as the command line spells it
[[nodiscard]] bool isFloating(DType dtype) noexcept;
[[nodiscard]] std::optional<DType> dtypeFromName(std::string_view name) noexcept;

/// Storage form of bfloat16: the upper half of a float32, rounded to nearest even.
struct BFloat16 {
    std::uint16_t bits = 0;
    BFloat16() = default;
    explicit BFloat16(float value) noexcept {
        auto word = std::bit_cast<std::uint32_t>(value);
        if ((word & 0x7fffffffU) > 0x7f800000U) // NaN: keep it one
            bits = static_cast<std::uint16_t>((word >> 16U) | 0x40U);
        else
            bits = static_cast<std::uint16_t>((word + 0x7fffU + ((word >> 16U) & 1U)) >> 16U);
    }
    explicit operator float() const noexcept {
        return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
    }
};

/// Storage form of IEEE binary16.
struct Float16 {
    std::uint16_t bits = 0;
    Float16() = default;
    explicit Float16(float value) noexcept;
    explicit operator float() const noexcept;
};

/// Storage form of 8-bit floats with 4 bits of exponent (bias 7) and 3 of mantissa, without infinity: up to
/// 448; what rounds beyond is NaN (Micikevicius et al., "FP8 Formats for Deep Learning", 2022; torch's
/// float8_e4m3fn).
struct Float8E4M3 {
    std::uint8_t bits = 0;
    Float8E4M3() = default;
    explicit Float8E4M3(float value) noexcept;
    explicit operator float() const noexcept;
};

/// Storage form of 8-bit floats with 5 bits of exponent (bias 15) and 2 of mantissa: the upper half of an
/// IEEE binary16, with infinities; up to 57344.
struct Float8E5M2 {
    std::uint8_t bits = 0;
    Float8E5M2() = default;
    explicit Float8E5M2(float value) noexcept;
    explicit operator float() const noexcept;
};

static_assert(sizeof(BFloat16) == 2 && sizeof(Float16) == 2);
static_assert(sizeof(Float8E4M3) == 1 && sizeof(Float8E5M2) == 1);

/// The DType that stands for a C++ type.
template <typename T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
    static constexpr DType value = DType::F32;
};
template <>
struct DTypeOf<double> {
    static constexpr DType value = DType::F64;
};
template <>
struct DTypeOf<BFloat16> {
    static constexpr DType value = DType::BF16;
};
template <>
struct DTypeOf<Float16> {
    static constexpr DType value = DType::F16;
};
template <>
struct DTypeOf<Float8E4M3> {
    static constexpr DType value = DType::F8E4M3;
};
template <>
struct DTypeOf<Float8E5M2> {
    static constexpr DType value = DType::F8E5M2;
};
template <>
struct DTypeOf<std::int64_t> {
    static constexpr DType value = DType::I64;
};
template <>
struct DTypeOf<std::int32_t> {
    static constexpr DType value = DType::I32;
};
template <>
struct DTypeOf<std::int16_t> {
    static constexpr DType value = DType::I16;
};
template <>
struct DTypeOf<std::int8_t> {
    static constexpr DType value = DType::I8;
};
template <>
struct DTypeOf<std::uint8_t> {
    static constexpr DType value = DType::U8;
};
template <>
struct DTypeOf<bool> {
    static constexpr DType value = DType::Bool;
};

} // namespace orrery
