// SPDX-License-Identifier: GPL-3.0-or-later
#include "nn/rotary.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <numbers>

namespace orrery::nn {
namespace {

RotarySettings plain(std::int64_t dimensions = 16) {
    RotarySettings settings;
    settings.dimensions = dimensions;
    return settings;
}

RotarySettings scaled(RotaryScaling scaling, double factor) {
    RotarySettings settings = plain();
    settings.scaling = scaling;
    settings.factor = factor;
    settings.originalPositions = 64;
    return settings;
}

TEST(Rotary, FrequenciesFallFromOneByPowersOfTheta) {
    const auto found = rotaryFrequencies(plain(8), 10);
    ASSERT_EQ(found.size(), 4U);
    for (std::size_t i = 0; i < 4; ++i)
        EXPECT_NEAR(found[i], std::pow(10000.0, -static_cast<double>(i) / 4), 1e-7);
}

TEST(Rotary, LinearScalingIsSlowerPositions) {
    const auto before = rotaryFrequencies(plain(), 10);
    const auto after = rotaryFrequencies(scaled(RotaryScaling::Linear, 4), 10);
    for (std::size_t i = 0; i < before.size(); ++i)
        EXPECT_NEAR(after[i], before[i] / 4, 1e-7);
}

TEST(Rotary, DynamicScalingBeginsBeyondTheOriginalLength) {
    const RotarySettings settings = scaled(RotaryScaling::Dynamic, 2);
    EXPECT_EQ(rotaryFrequencies(settings, 64), rotaryFrequencies(plain(), 64));
    const auto longer = rotaryFrequencies(settings, 128);
    // theta (2 * 128 / 64 - 1)^(16 / 14)
    const double theta = 10000 * std::pow(3.0, 16.0 / 14);
    for (std::size_t i = 0; i < longer.size(); ++i)
        EXPECT_NEAR(longer[i], std::pow(theta, -2 * static_cast<double>(i) / 16), 1e-7);
}

TEST(Rotary, Llama3AndYarnKeepFastTurnsAndSlowSlowOnes) {
    for (const RotaryScaling scaling : {RotaryScaling::Llama3, RotaryScaling::Yarn}) {
        RotarySettings settings = scaled(scaling, 8);
        settings.dimensions = 64;
        settings.originalPositions = 4096;
        const auto before = rotaryFrequencies(plain(64), 10);
        const auto after = rotaryFrequencies(settings, 10);
        EXPECT_FLOAT_EQ(after.front(), before.front());
        EXPECT_NEAR(after.back(), before.back() / 8, 1e-9);
        for (std::size_t i = 0; i < before.size(); ++i) {
            EXPECT_LE(after[i], before[i] * 1.000001F);
            EXPECT_GE(after[i], before[i] / 8 * 0.999999F);
        }
    }
}

TEST(Rotary, LongRopeDividesByItsLists) {
    RotarySettings settings = scaled(RotaryScaling::LongRope, 2);
    settings.shortFactors.assign(8, 1);
    settings.longFactors.assign(8, 3);
    const auto before = rotaryFrequencies(plain(), 10);
    EXPECT_EQ(rotaryFrequencies(settings, 64), before);
    EXPECT_NEAR(rotaryFrequencies(settings, 65)[2], before[2] / 3, 1e-7);
}

TEST(Rotary, AlikeRowsShareTheirAngles) {
    const Tensor same = Tensor::of<std::int64_t>({2, 3}, {4, 5, 6, 4, 5, 6});
    const RotaryAngles shared = rotaryAngles(plain(), same);
    EXPECT_EQ(shared.cosine.shape(), Shape({1, 3, 8}));
    EXPECT_NEAR(shared.cosine.at({0, 1, 0}), std::cos(5.0), 1e-6);
    EXPECT_NEAR(shared.sine.at({0, 2, 0}), std::sin(6.0), 1e-6);
    const Tensor other = Tensor::of<std::int64_t>({2, 3}, {4, 5, 6, 0, 0, 1});
    const RotaryAngles own = rotaryAngles(plain(), other);
    EXPECT_EQ(own.cosine.shape(), Shape({2, 3, 8}));
    EXPECT_NEAR(own.sine.at({1, 2, 0}), std::sin(1.0), 1e-6);
}

TEST(Rotary, MagnitudeScalesBoth) {
    RotarySettings settings = plain();
    settings.magnitude = 1.5;
    const RotaryAngles angles = rotaryAngles(settings, Tensor::of<std::int64_t>({1, 1}, {2}));
    EXPECT_NEAR(angles.cosine.at({0, 0, 0}), 1.5 * std::cos(2.0), 1e-6);
    EXPECT_NEAR(angles.sine.at({0, 0, 0}), 1.5 * std::sin(2.0), 1e-6);
}

} // namespace
} // namespace orrery::nn
