// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/rotary.h"
#include "tensor/tensor.h"

#include <cstdint>
#include <vector>

namespace orrery::nn {

using kernels::RotaryLayout;

/// How the angles are changed for inputs longer than those a model was first trained on.
enum class RotaryScaling {
    None,
    Linear,  ///< positions divided by factor (Chen et al. 2023)
    Dynamic, ///< theta grows with the length ("NTK-aware")
    Llama3,  ///< slow turns divided by factor, fast ones kept, a ramp in between
    Yarn,    ///< the same with a ramp over dimensions, and a factor on the scores (Peng et al. 2023)
    LongRope ///< a divisor for every pair, another one beyond the original length (Ding et al. 2024)
};

/// Rotary positions (Su et al. 2021): pair i of a head turns by position * theta^(-2 i / dimensions).
struct RotarySettings {
    std::int64_t dimensions = 0; ///< of each head that turn; even
    double theta = 10000;
    RotaryLayout layout = RotaryLayout::Halves;
    RotaryScaling scaling = RotaryScaling::None;
    double factor = 1;
    std::int64_t originalPositions = 0; ///< length of the first training
    double lowFrequency = 1;  ///< Llama3: turns in originalPositions below which factor applies whole
    double highFrequency = 4; ///< ... and above which not at all
    double betaFast = 32;     ///< Yarn: the same two bounds
    double betaSlow = 1;
    bool truncate = true;               ///< Yarn: bounds of the ramp are whole dimensions
    double magnitude = 1;               ///< of cosine and sine (Yarn, LongRope)
    std::vector<double> shortFactors{}; ///< LongRope, one for each pair
    std::vector<double> longFactors{};
    friend bool operator==(const RotarySettings&, const RotarySettings&) = default;
};

/// Radians a position, for every pair; length: of the whole input (Dynamic, LongRope).
[[nodiscard]] std::vector<float> rotaryFrequencies(const RotarySettings& settings, std::int64_t length);

struct RotaryAngles {
    Tensor cosine; ///< [b, L, dimensions / 2] f32
    Tensor sine;
};
/// Angles of positions [b, L] i64. Rows that are all alike are computed once (b = 1). Products of position
/// and frequency are rounded to f32, as they were when the models were trained.
[[nodiscard]] RotaryAngles rotaryAngles(const RotarySettings& settings, const Tensor& positions);

} // namespace orrery::nn
