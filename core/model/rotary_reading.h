// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "checkpoint/config.h"
#include "model/stack_config.h"
#include "nn/rotary.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace orrery::model {

/// What a family takes for rotary positions where its config.json says nothing.
struct RotaryDefaults {
    double theta = 10000;
    double part = 1; ///< of each head that turns
    nn::RotaryLayout layout = nn::RotaryLayout::Halves;
};

/// The rotary positions of config.json: "rope_parameters" (of layerType where it has one for each type of
/// layer), or the older "rope_theta", "rope_scaling", "partial_rotary_factor", "rotary_pct". Types default,
/// linear, dynamic, llama3, yarn and longrope; InputError naming the type for others, and for factors that
/// make no sense.
[[nodiscard]] nn::RotarySettings readRotary(const checkpoint::ModelConfig& config, std::int64_t headSize,
                                            const RotaryDefaults& defaults = {},
                                            std::string_view layerType = {});

/// Gives all layers of the stack the rotary positions of config.json. Scaled ones may lengthen maxPositions.
void useRotary(const checkpoint::ModelConfig& config, StackConfig& stack,
               const RotaryDefaults& defaults = {});

/// Layers of "layer_types" that say "sliding_attention" see config's "sliding_window"; without that list
/// those do for which slides(layer) holds. fallback: the window where config.json has no such key; 0: none.
template <typename Slides>
void useWindows(const checkpoint::ModelConfig& config, StackConfig& stack, std::int64_t fallback,
                const Slides& slides) {
    const std::vector<std::string> types = config.texts({"layer_types"}, {});
    if (!types.empty() && static_cast<std::int64_t>(types.size()) != stack.layers)
        throw config.error("layer_types", "but it must name the type of every layer");
    for (std::int64_t layer = 0; layer < stack.layers; ++layer) {
        bool slide = slides(layer);
        if (!types.empty()) {
            const std::string& type = types[static_cast<std::size_t>(layer)];
            slide = type == "sliding_attention";
            if (!slide && type != "full_attention")
                throw config.error("layer_types", "but only full_attention and sliding_attention are known");
        }
        const bool written = config.json().contains("sliding_window");
        if (!slide || (written ? !config.has("sliding_window") : fallback == 0))
            continue;
        stack.layerSettings[static_cast<std::size_t>(layer)].window =
            config.positive({"sliding_window"}, fallback);
    }
}

} // namespace orrery::model
