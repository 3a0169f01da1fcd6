// SPDX-License-Identifier: GPL-3.0-or-later
#include "tensor/dtype.h"

#include <array>

namespace orrery {
namespace {

struct Entry {
    DType dtype;
    std::string_view name;
    std::size_t size;
    bool floating;
};

constexpr std::array entries{
    Entry{DType::F32, "f32", 4, true},        Entry{DType::BF16, "bf16", 2, true},
    Entry{DType::F16, "f16", 2, true},        Entry{DType::F64, "f64", 8, true},
    Entry{DType::I64, "i64", 8, false},       Entry{DType::I32, "i32", 4, false},
    Entry{DType::I16, "i16", 2, false},       Entry{DType::I8, "i8", 1, false},
    Entry{DType::U8, "u8", 1, false},         Entry{DType::Bool, "bool", 1, false},
    Entry{DType::F8E4M3, "f8_e4m3", 1, true}, Entry{DType::F8E5M2, "f8_e5m2", 1, true},
};

const Entry& entry(DType dtype) noexcept {
    return entries[static_cast<std::size_t>(dtype)];
}

/// An 8-bit float widened, for the tables below; NaN where it stands for none or an infinity.
template <unsigned mantissaBits, unsigned bias>
constexpr float widened(unsigned bits) {
    constexpr unsigned exponentBits = 7 - mantissaBits;
    const unsigned exponent = (bits >> mantissaBits) & ((1U << exponentBits) - 1U);
    const unsigned mantissa = bits & ((1U << mantissaBits) - 1U);
    // Subnormals count in units of the smallest normal's last place.
    const unsigned place = (exponent == 0 ? 1U : exponent) + 127U - bias - mantissaBits;
    const float unit = std::bit_cast<float>(place << 23U);
    const auto count = static_cast<float>(exponent == 0 ? mantissa : mantissa | (1U << mantissaBits));
    return (bits & 0x80U) != 0 ? -(count * unit) : count * unit;
}

constexpr std::array<float, 256> tableE4M3 = [] {
    std::array<float, 256> table{};
    for (unsigned bits = 0; bits < 256; ++bits)
        table[bits] = (bits & 0x7fU) == 0x7fU ? std::bit_cast<float>(0x7fc00000U | (bits & 0x80U) << 24U)
                                              : widened<3, 7>(bits);
    return table;
}();

constexpr std::array<float, 256> tableE5M2 = [] {
    std::array<float, 256> table{};
    for (unsigned bits = 0; bits < 256; ++bits) {
        const unsigned magnitude = bits & 0x7fU;
        const unsigned sign = (bits & 0x80U) << 24U;
        table[bits] = magnitude == 0x7cU  ? std::bit_cast<float>(0x7f800000U | sign)
                      : magnitude > 0x7cU ? std::bit_cast<float>(0x7fc00000U | (magnitude << 21U) | sign)
                                          : widened<2, 15>(bits);
    }
    return table;
}();

/// |value| rounded to nearest even at a format's precision, as its bits without sign; may exceed the format.
template <unsigned mantissaBits, unsigned bias>
unsigned narrowed(std::uint32_t magnitude) {
    constexpr unsigned drop = 23 - mantissaBits;
    constexpr std::uint32_t smallestNormal = (128U - bias) << 23U;
    if (magnitude < smallestNormal) {
        // Adding 2^k moves the last place of the sum to the format's smallest step: the adder rounds.
        constexpr std::uint32_t step = (128U - bias - mantissaBits) << 23U; // bits of the smallest step
        constexpr float anchor = std::bit_cast<float>(step + (23U << 23U));
        const float shifted = std::bit_cast<float>(magnitude) + anchor;
        return std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(anchor);
    }
    const std::uint32_t rounded = magnitude + (1U << (drop - 1U)) - 1U + ((magnitude >> drop) & 1U);
    return (rounded >> drop) - ((127U - bias) << mantissaBits);
}

} // namespace

std::size_t itemSize(DType dtype) noexcept {
    return entry(dtype).size;
}
std::string_view name(DType dtype) noexcept {
    return entry(dtype).name;
}
bool isFloating(DType dtype) noexcept {
    return entry(dtype).floating;
}

std::optional<DType> dtypeFromName(std::string_view name) noexcept {
    for (const Entry& candidate : entries)
        if (candidate.name == name)
            return candidate.dtype;
    return std::nullopt;
}

Float16::Float16(float value) noexcept {
    const auto word = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = (word >> 16U) & 0x8000U;
    const std::uint32_t magnitude = word & 0x7fffffffU;
    if (magnitude > 0x7f800000U) { // NaN
        bits = static_cast<std::uint16_t>(sign | 0x7e00U | ((magnitude >> 13U) & 0x1ffU));
    } else if (magnitude >= 0x477ff000U) { // rounds to infinity
        bits = static_cast<std::uint16_t>(sign | 0x7c00U);
    } else if (magnitude < 0x38800000U) { // subnormal or zero: let the float adder do the rounding
        const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
        bits = static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3f000000U));
    } else {
        const std::uint32_t rounded = magnitude + 0xfffU + ((magnitude >> 13U) & 1U);
        bits = static_cast<std::uint16_t>(sign | ((rounded - 0x38000000U) >> 13U));
    }
}

Float16::operator float() const noexcept {
    const std::uint32_t sign = (bits & 0x8000U) << 16U;
    const std::uint32_t exponent = (bits >> 10U) & 0x1fU;
    const std::uint32_t mantissa = bits & 0x3ffU;
    if (exponent == 0) {
        const float magnitude = static_cast<float>(mantissa) * 0x1.0p-24F;
        return sign != 0 ? -magnitude : magnitude;
    }
    std::uint32_t wide = (exponent + 112U) << 23U;
    if (exponent == 31) // a signalling NaN becomes a quiet one, as the processor's own conversion does it
        wide = mantissa == 0 ? 0x7f800000U : 0x7fc00000U;
    return std::bit_cast<float>(sign | wide | (mantissa << 13U));
}

Float8E4M3::Float8E4M3(float value) noexcept {
    const auto word = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t magnitude = word & 0x7fffffffU;
    const unsigned rounded = magnitude > 0x43f00000U ? 0x7fU : narrowed<3, 7>(magnitude); // beyond 480: NaN
    bits = static_cast<std::uint8_t>(((word >> 24U) & 0x80U) | (rounded > 0x7eU ? 0x7fU : rounded));
}

Float8E4M3::operator float() const noexcept {
    return tableE4M3[bits];
}

Float8E5M2::Float8E5M2(float value) noexcept {
    const auto word = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t magnitude = word & 0x7fffffffU;
    unsigned rounded = 0;
    if (magnitude > 0x7f800000U)
        rounded = 0x7eU | ((magnitude >> 21U) & 1U);
    else if (magnitude >= 0x47800000U) // 65536
        rounded = 0x7cU;
    else
        rounded = narrowed<2, 15>(magnitude); // at most 0x7c: infinity
    bits = static_cast<std::uint8_t>(((word >> 24U) & 0x80U) | rounded);
}

Float8E5M2::operator float() const noexcept {
    return tableE5M2[bits];
}

} // namespace orrery
