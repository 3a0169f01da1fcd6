// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/rotary_reading.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace orrery::model {
namespace {

using checkpoint::ModelConfig;
using nn::RotaryScaling;

RotaryScaling scalingOf(const ModelConfig& parameters, const std::string& fileName) {
    const std::string type = parameters.text({"rope_type", "type"}, "default");
    struct Name {
        std::string_view text;
        RotaryScaling scaling;
    };
    static constexpr Name names[] = {
        {"default", RotaryScaling::None},    {"linear", RotaryScaling::Linear},
        {"dynamic", RotaryScaling::Dynamic}, {"llama3", RotaryScaling::Llama3},
        {"yarn", RotaryScaling::Yarn},       {"longrope", RotaryScaling::LongRope},
        {"su", RotaryScaling::LongRope}};
    for (const Name& name : names)
        if (name.text == type)
            return name.scaling;
    throw InputError(
        fmt::format("{}: the rotary positions are scaled by \"{}\", which is not known; known are "
                    "default, linear, dynamic, llama3, yarn and longrope.",
                    fileName, type));
}

/// A number that must be finite and above a bound.
double above(const ModelConfig& parameters, std::string_view key, double bound,
             std::optional<double> fallback = {}) {
    const double value = fallback ? parameters.real({key}, *fallback) : parameters.real({key});
    if (!std::isfinite(value) || !(value > bound))
        throw parameters.error(key, fmt::format("but it must be a number above {}", bound));
    return value;
}

double yarnMagnitude(double factor, double scale) {
    return factor <= 1 ? 1.0 : 0.1 * scale * std::log(factor) + 1;
}

void readYarn(const ModelConfig& parameters, nn::RotarySettings& rotary) {
    rotary.betaFast = above(parameters, "beta_fast", 0, 32);
    rotary.betaSlow = above(parameters, "beta_slow", 0, 1);
    rotary.truncate = parameters.boolean({"truncate"}, true);
    if (parameters.has("attention_factor"))
        rotary.magnitude = above(parameters, "attention_factor", 0);
    else if (parameters.has("mscale") && parameters.has("mscale_all_dim"))
        rotary.magnitude = yarnMagnitude(rotary.factor, parameters.real({"mscale"})) /
                           yarnMagnitude(rotary.factor, parameters.real({"mscale_all_dim"}));
    else
        rotary.magnitude = yarnMagnitude(rotary.factor, 1);
    if (!std::isfinite(rotary.magnitude))
        throw parameters.error("mscale_all_dim", "which gives no finite factor");
}

void readLongRope(const ModelConfig& parameters, nn::RotarySettings& rotary) {
    rotary.shortFactors = parameters.reals({"short_factor"});
    rotary.longFactors = parameters.reals({"long_factor"});
    const auto pairs = static_cast<std::size_t>(rotary.dimensions / 2);
    for (const char* key : {"short_factor", "long_factor"}) {
        const auto& factors = key[0] == 's' ? rotary.shortFactors : rotary.longFactors;
        if (factors.size() != pairs ||
            !std::all_of(factors.begin(), factors.end(), [](double f) { return f > 0 && std::isfinite(f); }))
            throw parameters.error(key, fmt::format("but it must hold {} positive numbers", pairs));
    }
    if (parameters.has("attention_factor"))
        rotary.magnitude = above(parameters, "attention_factor", 0);
    else if (rotary.factor > 1)
        rotary.magnitude =
            std::sqrt(1 + std::log(rotary.factor) / std::log(static_cast<double>(rotary.originalPositions)));
}

} // namespace

nn::RotarySettings readRotary(const ModelConfig& config, std::int64_t headSize,
                              const RotaryDefaults& defaults, std::string_view layerType) {
    ModelConfig parameters =
        config.section(config.has("rope_parameters") ? "rope_parameters" : "rope_scaling");
    if (!layerType.empty() && parameters.has(layerType))
        parameters = parameters.section(layerType);
    nn::RotarySettings rotary;
    rotary.layout = defaults.layout;
    rotary.theta = above(parameters.has("rope_theta") ? parameters : config,
                         !parameters.has("rope_theta") && config.has("rotary_emb_base") ? "rotary_emb_base"
                                                                                        : "rope_theta",
                         1, defaults.theta);
    const double part = parameters.has("partial_rotary_factor")
                            ? parameters.real({"partial_rotary_factor"})
                            : config.real({"partial_rotary_factor", "rotary_pct"}, defaults.part);
    if (!(part > 0 && part <= 1))
        throw InputError(
            fmt::format("{}: {} of each head turns with its position, but that must be more than 0 "
                        "and at most 1.",
                        config.fileName(), part));
    rotary.dimensions = static_cast<std::int64_t>(static_cast<double>(headSize) * part);
    if (rotary.dimensions < 2 || rotary.dimensions % 2 != 0)
        throw InputError(
            fmt::format("{}: {} numbers of each head of {} turn with their position, but they turn in "
                        "pairs.",
                        config.fileName(), rotary.dimensions, headSize));
    rotary.scaling = scalingOf(parameters, config.fileName());
    if (rotary.scaling == RotaryScaling::None)
        return rotary;
    const std::int64_t positions = config.positive({"max_position_embeddings", "n_positions"}, 2048);
    rotary.originalPositions =
        parameters.positive({"original_max_position_embeddings"},
                            config.positive({"original_max_position_embeddings"}, positions));
    const bool fromLengths =
        rotary.scaling == RotaryScaling::LongRope || rotary.scaling == RotaryScaling::Yarn;
    const double ratio = static_cast<double>(positions) / static_cast<double>(rotary.originalPositions);
    if (fromLengths && !parameters.has("factor"))
        rotary.factor = ratio;
    else
        rotary.factor = above(parameters, "factor", 0);
    if (rotary.scaling == RotaryScaling::Llama3) {
        rotary.lowFrequency = above(parameters, "low_freq_factor", 0);
        rotary.highFrequency = above(parameters, "high_freq_factor", rotary.lowFrequency);
    } else if (rotary.scaling == RotaryScaling::Yarn) {
        readYarn(parameters, rotary);
    } else if (rotary.scaling == RotaryScaling::LongRope) {
        readLongRope(parameters, rotary);
    }
    return rotary;
}

void useRotary(const ModelConfig& config, StackConfig& stack, const RotaryDefaults& defaults) {
    stack.positions = PositionKind::None;
    stack.rotaries = {readRotary(config, stack.headSize, defaults)};
    const nn::RotarySettings& rotary = stack.rotaries.front();
    for (LayerSettings& layer : stack.layerSettings)
        layer.rotary = 0;
    if (rotary.scaling != RotaryScaling::None) {
        const double longest = std::min(static_cast<double>(rotary.originalPositions) * rotary.factor, 1e9);
        stack.maxPositions = std::max(stack.maxPositions, static_cast<std::int64_t>(longest));
    }
}

} // namespace orrery::model
