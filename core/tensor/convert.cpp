// SPDX-License-Identifier: GPL-3.0-or-later
#include "tensor/convert.h"

#include "tensor/narrow_floats.h"
#include "tensor/tensor.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

namespace orrery {
namespace {

/// Floats that exist as storage only: arithmetic goes by way of float.
template <typename T>
constexpr bool isStoredFloat = std::is_same_v<T, BFloat16> || std::is_same_v<T, Float16> ||
                               std::is_same_v<T, Float8E4M3> || std::is_same_v<T, Float8E5M2>;

template <typename To, typename From>
To convertOne(From value) {
    if constexpr (std::is_same_v<To, From>) {
        return value;
    } else if constexpr (isStoredFloat<From>) {
        return convertOne<To>(static_cast<float>(value));
    } else if constexpr (isStoredFloat<To>) {
        return To(static_cast<float>(value));
    } else if constexpr (std::is_same_v<To, bool>) {
        return value != From{};
    } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
        const auto low = static_cast<From>(std::numeric_limits<To>::min());
        const auto high = static_cast<From>(std::numeric_limits<To>::max());
        if (std::isnan(value))
            return To{};
        if (value <= low)
            return std::numeric_limits<To>::min();
        if (value >= high)
            return std::numeric_limits<To>::max();
        return static_cast<To>(value);
    } else {
        return static_cast<To>(value);
    }
}

template <typename To, typename From>
void convertRun(const From* source, std::int64_t sourceStep, To* target, std::int64_t targetStep,
                std::int64_t count) {
    if (sourceStep == 1 && targetStep == 1) {
        if constexpr (std::is_same_v<To, From>) {
            std::memcpy(target, source, static_cast<std::size_t>(count) * sizeof(To));
        } else if constexpr (std::is_same_v<To, float> && isStoredFloat<From>) {
            widenFloats(source, target, count);
        } else if constexpr (std::is_same_v<To, Float16> && std::is_same_v<From, float>) {
            narrowFloats(source, target, count);
        } else {
            for (std::int64_t i = 0; i < count; ++i)
                target[i] = convertOne<To>(source[i]);
        }
        return;
    }
    for (std::int64_t i = 0; i < count; ++i)
        target[i * targetStep] = convertOne<To>(source[i * sourceStep]);
}

template <typename To, typename From>
void convertDimension(const From* source, To* target, const Tensor& from, const Tensor& to, int dimension) {
    const std::int64_t count = to.size(dimension);
    if (dimension == to.rank() - 1) {
        convertRun(source, from.strides()[dimension], target, to.strides()[dimension], count);
        return;
    }
    for (std::int64_t i = 0; i < count; ++i)
        convertDimension(source + i * from.strides()[dimension], target + i * to.strides()[dimension], from,
                         to, dimension + 1);
}

template <typename Action>
void withType(DType dtype, Action&& action) {
    switch (dtype) {
    case DType::F32:
        return action(float{});
    case DType::BF16:
        return action(BFloat16{});
    case DType::F16:
        return action(Float16{});
    case DType::F64:
        return action(double{});
    case DType::I64:
        return action(std::int64_t{});
    case DType::I32:
        return action(std::int32_t{});
    case DType::I16:
        return action(std::int16_t{});
    case DType::I8:
        return action(std::int8_t{});
    case DType::U8:
        return action(std::uint8_t{});
    case DType::Bool:
        return action(bool{});
    case DType::F8E4M3:
        return action(Float8E4M3{});
    case DType::F8E5M2:
        return action(Float8E5M2{});
    }
}

} // namespace

void convertElements(const Tensor& source, const Tensor& target) {
    if (target.elements() == 0)
        return;
    withType(source.dtype(), [&]<typename From>(From) {
        withType(target.dtype(), [&]<typename To>(To) {
            const From* from = source.pointer<From>();
            To* to = target.mutablePointer<To>();
            if (source.isContiguous() && target.isContiguous())
                convertRun(from, 1, to, 1, target.elements());
            else
                convertDimension(from, to, source, target, 0);
        });
    });
}

} // namespace orrery
