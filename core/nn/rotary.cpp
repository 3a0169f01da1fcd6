// SPDX-License-Identifier: GPL-3.0-or-later
#include "nn/rotary.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace orrery::nn {
namespace {

/// The dimension that makes `turns` full turns over the original length.
double dimensionOf(double turns, const RotarySettings& s) {
    return static_cast<double>(s.dimensions) *
           std::log(static_cast<double>(s.originalPositions) / (turns * 2 * std::numbers::pi)) /
           (2 * std::log(s.theta));
}

double llama3(double frequency, const RotarySettings& s) {
    const double turns = static_cast<double>(s.originalPositions) * frequency / (2 * std::numbers::pi);
    if (turns < s.lowFrequency)
        return frequency / s.factor;
    if (turns > s.highFrequency)
        return frequency;
    const double kept = (turns - s.lowFrequency) / (s.highFrequency - s.lowFrequency);
    return (1 - kept) * frequency / s.factor + kept * frequency;
}

} // namespace

std::vector<float> rotaryFrequencies(const RotarySettings& s, std::int64_t length) {
    const auto pairs = static_cast<std::size_t>(s.dimensions / 2);
    const auto size = static_cast<double>(s.dimensions);
    double theta = s.theta;
    if (s.scaling == RotaryScaling::Dynamic && length > s.originalPositions && s.dimensions > 2)
        theta *= std::pow(s.factor * static_cast<double>(length) / static_cast<double>(s.originalPositions) -
                              (s.factor - 1),
                          size / (size - 2));
    double low = 0;
    double high = 0;
    if (s.scaling == RotaryScaling::Yarn) {
        low = dimensionOf(s.betaFast, s);
        high = dimensionOf(s.betaSlow, s);
        if (s.truncate) {
            low = std::floor(low);
            high = std::ceil(high);
        }
        low = std::max(low, 0.0);
        high = std::min(high, size - 1);
        if (low == high)
            high += 0.001;
    }
    std::vector<float> result(pairs);
    for (std::size_t i = 0; i < pairs; ++i) {
        double frequency = std::pow(theta, -2 * static_cast<double>(i) / size);
        switch (s.scaling) {
        case RotaryScaling::None:
        case RotaryScaling::Dynamic:
            break;
        case RotaryScaling::Linear:
            frequency /= s.factor;
            break;
        case RotaryScaling::Llama3:
            frequency = llama3(frequency, s);
            break;
        case RotaryScaling::Yarn: {
            const double slow = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
            frequency = frequency / s.factor * slow + frequency * (1 - slow);
            break;
        }
        case RotaryScaling::LongRope:
            frequency /= (length > s.originalPositions ? s.longFactors : s.shortFactors)[i];
            break;
        }
        result[i] = static_cast<float>(frequency);
    }
    return result;
}

RotaryAngles rotaryAngles(const RotarySettings& settings, const Tensor& positions) {
    const Tensor ids = positions.contiguous();
    const std::int64_t length = ids.size(1);
    const auto given = ids.data<std::int64_t>();
    const auto width = static_cast<std::size_t>(length);
    std::int64_t rows = 1;
    for (std::size_t i = width; i < given.size(); ++i)
        if (given[i] != given[i % width])
            rows = ids.size(0);
    std::int64_t longest = 0;
    for (const std::int64_t position : given)
        longest = std::max(longest, position + 1);
    const std::vector<float> frequencies = rotaryFrequencies(settings, longest);
    const auto pairs = static_cast<std::int64_t>(frequencies.size());
    RotaryAngles angles{Tensor::empty({rows, length, pairs}), Tensor::empty({rows, length, pairs})};
    float* cosine = angles.cosine.mutablePointer<float>();
    float* sine = angles.sine.mutablePointer<float>();
    const auto magnitude = static_cast<float>(settings.magnitude);
    for (std::int64_t i = 0; i < rows * length; ++i)
        for (std::int64_t j = 0; j < pairs; ++j) {
            const float angle = static_cast<float>(given[static_cast<std::size_t>(i)]) *
                                frequencies[static_cast<std::size_t>(j)];
            cosine[i * pairs + j] = std::cos(angle) * magnitude;
            sine[i * pairs + j] = std::sin(angle) * magnitude;
        }
    return angles;
}

} // namespace orrery::nn
