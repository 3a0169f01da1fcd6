// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/random.h"
#include "tensor/narrow_floats.h"
#include "tensor/tensor.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

namespace orrery {
namespace {

/// What the bits stand for, from the definition: sign, exponent with bias, mantissa, subnormals.
double defined(unsigned bits, int exponentBits, int mantissaBits, bool hasInfinity) {
    const int bias = (1 << (exponentBits - 1)) - 1;
    const int exponent = static_cast<int>(bits >> mantissaBits) & ((1 << exponentBits) - 1);
    const int mantissa = static_cast<int>(bits) & ((1 << mantissaBits) - 1);
    const double sign = ((bits >> (exponentBits + mantissaBits)) & 1U) != 0 ? -1 : 1;
    const int last = (1 << exponentBits) - 1;
    if (hasInfinity && exponent == last)
        return mantissa == 0 ? sign * std::numeric_limits<double>::infinity()
                             : std::numeric_limits<double>::quiet_NaN();
    if (!hasInfinity && exponent == last && mantissa == (1 << mantissaBits) - 1)
        return std::numeric_limits<double>::quiet_NaN();
    const double fraction = std::ldexp(mantissa, -mantissaBits);
    return sign *
           (exponent == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, exponent - bias));
}

template <typename T>
struct Form;
template <>
struct Form<Float16> {
    static constexpr int exponent = 5, mantissa = 10;
    static constexpr bool infinity = true;
};
template <>
struct Form<Float8E4M3> {
    static constexpr int exponent = 4, mantissa = 3;
    static constexpr bool infinity = false;
};
template <>
struct Form<Float8E5M2> {
    static constexpr int exponent = 5, mantissa = 2;
    static constexpr bool infinity = true;
};

template <typename T>
class NarrowFloats : public testing::Test {
public:
    static constexpr unsigned count = 1U << (8 * sizeof(T));
    static T of(unsigned bits) {
        T value;
        value.bits = static_cast<decltype(value.bits)>(bits);
        return value;
    }
    static double meaning(unsigned bits) {
        return defined(bits, Form<T>::exponent, Form<T>::mantissa, Form<T>::infinity);
    }
};
using Types = testing::Types<Float16, Float8E4M3, Float8E5M2>;
TYPED_TEST_SUITE(NarrowFloats, Types);

TYPED_TEST(NarrowFloats, EveryValueWidensToWhatItsBitsMean) {
    std::vector<TypeParam> all;
    for (unsigned bits = 0; bits < this->count; ++bits)
        all.push_back(this->of(bits));
    std::vector<float> wide(all.size());
    widenFloats(all.data(), wide.data(), static_cast<std::int64_t>(all.size()));
    for (unsigned bits = 0; bits < this->count; ++bits) {
        const double want = this->meaning(bits);
        const auto one = static_cast<float>(all[bits]);
        ASSERT_EQ(std::bit_cast<std::uint32_t>(one), std::bit_cast<std::uint32_t>(wide[bits])) << bits;
        if (std::isnan(want)) {
            ASSERT_TRUE(std::isnan(one)) << bits;
            ASSERT_TRUE(std::isnan(static_cast<float>(TypeParam(one)))) << bits;
            continue;
        }
        ASSERT_EQ(static_cast<double>(one), want) << bits;
        ASSERT_EQ(std::signbit(one), std::signbit(want)) << bits;
        ASSERT_EQ(TypeParam(one).bits, bits);
    }
}

/// Between any two neighbours: just below the middle, the middle (to even), just above it.
TYPED_TEST(NarrowFloats, RoundsToNearestEvenBetweenAllNeighbours) {
    const unsigned half = this->count / 2;
    for (unsigned bits = 0; bits + 1 < half; ++bits) {
        const double low = this->meaning(bits);
        const double high = this->meaning(bits + 1);
        if (!std::isfinite(low) || !std::isfinite(high))
            continue;
        const auto middle = static_cast<float>((low + high) / 2); // exact: one more bit
        const unsigned even = bits % 2 == 0 ? bits : bits + 1;
        ASSERT_EQ(TypeParam(middle).bits, even);
        ASSERT_EQ(TypeParam(std::nextafter(middle, 0.0F)).bits, bits);
        ASSERT_EQ(TypeParam(std::nextafter(middle, 1e30F)).bits, bits + 1);
        ASSERT_EQ(TypeParam(-middle).bits, even + half);
    }
}

TEST(NarrowFloat, WhatLiesBeyondTheLargest) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    EXPECT_EQ(Float16(65519.9F).bits, 0x7bffU);
    EXPECT_EQ(Float16(65520.0F).bits, 0x7c00U);
    EXPECT_EQ(Float16(-infinity).bits, 0xfc00U);
    EXPECT_EQ(Float8E5M2(61439.0F).bits, 0x7bU);
    EXPECT_EQ(Float8E5M2(61440.0F).bits, 0x7cU);
    EXPECT_EQ(Float8E5M2(infinity).bits, 0x7cU);
    EXPECT_EQ(Float8E4M3(464.0F).bits, 0x7eU); // 448, the largest
    EXPECT_EQ(Float8E4M3(464.1F).bits, 0x7fU); // NaN: there is no infinity
    EXPECT_EQ(Float8E4M3(-1e9F).bits, 0xffU);
    EXPECT_EQ(Float8E4M3(infinity).bits, 0x7fU);
}

TEST(NarrowFloat, TheProcessorsConversionsAreThePortableOnes) {
    std::vector<Float16> all(65536);
    for (unsigned bits = 0; bits < all.size(); ++bits)
        all[bits].bits = static_cast<std::uint16_t>(bits);
    std::vector<float> fast(all.size());
    std::vector<float> plain(all.size());
    widenFloats(all.data(), fast.data(), 65536);
    detail::widenPortably(all.data(), plain.data(), 65536);
    for (std::size_t i = 0; i < all.size(); ++i)
        ASSERT_EQ(std::bit_cast<std::uint32_t>(fast[i]), std::bit_cast<std::uint32_t>(plain[i])) << i;

    Generator generator(7);
    std::vector<float> words(100003);
    for (float& value : words)
        value = std::bit_cast<float>(static_cast<std::uint32_t>(generator.next()));
    std::vector<Float16> narrow(words.size());
    std::vector<Float16> narrowPlain(words.size());
    narrowFloats(words.data(), narrow.data(), static_cast<std::int64_t>(words.size()));
    detail::narrowPortably(words.data(), narrowPlain.data(), static_cast<std::int64_t>(words.size()));
    for (std::size_t i = 0; i < words.size(); ++i)
        ASSERT_EQ(narrow[i].bits, narrowPlain[i].bits) << std::bit_cast<std::uint32_t>(words[i]);
}

TEST(NarrowFloat, TensorsConvertAsTheirElementsDo) {
    const Tensor values = Tensor::of<float>({2, 3}, {0.1F, -3.3F, 448, 1e-4F, 57344, 0});
    for (const DType dtype : {DType::F16, DType::F8E4M3, DType::F8E5M2}) {
        const Tensor narrow = values.to(dtype);
        EXPECT_EQ(narrow.bytes(), 6 * itemSize(dtype));
        const Tensor turned = narrow.transpose(0, 1);
        EXPECT_EQ(turned.at({2, 0}), narrow.at({0, 2}));
        EXPECT_EQ(narrow.to(DType::F32).to(dtype).toFloats()[1], narrow.toFloats()[1]);
        EXPECT_NEAR(narrow.at({0, 1}), -3.3, dtype == DType::F16 ? 1e-3 : 0.3);
    }
    EXPECT_EQ(values.to(DType::F8E4M3).at({0, 2}), 448);
    EXPECT_EQ(*dtypeFromName("f8_e5m2"), DType::F8E5M2);
}

} // namespace
} // namespace orrery
