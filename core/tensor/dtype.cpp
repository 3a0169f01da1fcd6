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
    Entry{DType::F32, "f32", 4, true},  Entry{DType::BF16, "bf16", 2, true},
    Entry{DType::F16, "f16", 2, true},  Entry{DType::F64, "f64", 8, true},
    Entry{DType::I64, "i64", 8, false}, Entry{DType::I32, "i32", 4, false},
    Entry{DType::I16, "i16", 2, false}, Entry{DType::I8, "i8", 1, false},
    Entry{DType::U8, "u8", 1, false},   Entry{DType::Bool, "bool", 1, false},
};

const Entry& entry(DType dtype) noexcept {
    return entries[static_cast<std::size_t>(dtype)];
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
        bits = static_cast<std::uint16_t>(sign | 0x7e00U);
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
    const std::uint32_t widened =
        exponent == 31 ? 0x7f800000U | (mantissa << 13U) : ((exponent + 112U) << 23U) | (mantissa << 13U);
    return std::bit_cast<float>(sign | widened);
}

} // namespace orrery
