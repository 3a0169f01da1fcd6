// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/networks/vision.h"

#include "base/error.h"

#include <fmt/format.h>

namespace orrery::model {

using kernels::Pair;

namespace {

Pair pairOf(const checkpoint::ModelConfig& config, checkpoint::ModelConfig::Keys keys,
            const std::vector<std::int64_t>& values) {
    constexpr std::int64_t most = 1 << 16;
    const bool fits = values.size() == 1 || values.size() == 2;
    for (const std::int64_t value : values)
        if (!fits || value < 1 || value > most)
            throw config.error(*keys.begin(), "which is no size of one or two sides");
    if (!fits)
        throw config.error(*keys.begin(), "which is no size of one or two sides");
    return {values.front(), values.back()};
}

} // namespace

Pair sidesOf(const checkpoint::ModelConfig& config, checkpoint::ModelConfig::Keys keys) {
    return pairOf(config, keys, config.integers(keys));
}

Pair sidesOf(const checkpoint::ModelConfig& config, checkpoint::ModelConfig::Keys keys,
             std::int64_t fallback) {
    return pairOf(config, keys, config.integers(keys, {fallback}));
}

Pair gridOf(const checkpoint::ModelConfig& config, const Pair& image, const Pair& patch) {
    if (image[0] < patch[0] || image[1] < patch[1])
        throw config.error("patch_size", "which is larger than the image");
    return {image[0] / patch[0], image[1] / patch[1]};
}

NetworkInput imageInput(std::int64_t channels, const Pair& size) {
    return {.name = "pixel_values",
            .meaning = "images, channels first, normalised as preprocessor_config.json says",
            .example = {1, channels, size[0], size[1]},
            .sizes = {-1, channels, -1, -1}};
}

NetworkInput videoInput(std::int64_t channels, std::int64_t frames, const Pair& size) {
    return {.name = "pixel_values",
            .meaning = "videos: frames, channels, height, width; normalised",
            .example = {1, frames, channels, size[0], size[1]},
            .sizes = {-1, -1, channels, -1, -1}};
}

Tensor GridPositions::at(NetworkRun& run, const Pair& grid) const {
    const std::int64_t width = m_table.size(-1);
    const Tensor rows = m_table.reshape({-1, width});
    if (grid == m_grid)
        return rows;
    const Tensor map =
        rows.slice(0, m_prefix, rows.size(0)).contiguous().reshape({1, m_grid[0], m_grid[1], width});
    const Tensor resampled = run.resample(map, grid[0], grid[1], kernels::Interpolation::Bicubic);
    return run.concat({rows.slice(0, 0, m_prefix), resampled.reshape({grid[0] * grid[1], width})}, 0);
}

std::int64_t widened(const checkpoint::ModelConfig& config, std::string_view key, std::int64_t width,
                     double fallback) {
    const bool one = config.has(key) && config.json()[std::string(key)].is_number();
    const double ratio = one ? config.real({key}) : fallback;
    if (!(ratio > 0 && ratio < 1024))
        throw config.error(key, "which is no widening of a feed-forward");
    return static_cast<std::int64_t>(static_cast<double>(width) * ratio);
}

std::int64_t sumOfDepths(const checkpoint::ModelConfig& config, const std::vector<std::int64_t>& fallback) {
    std::int64_t sum = 0;
    for (const std::int64_t depth : config.integers({"depths"}, fallback)) {
        if (depth < 0 || depth > 10000)
            throw config.error("depths", "which are no numbers of layers");
        sum += depth;
    }
    return sum;
}

std::string hiddenStates(std::int64_t index, std::string_view prefix) {
    return fmt::format("{}hidden_states.{}", prefix, index);
}

std::string attentions(std::int64_t index, std::string_view prefix) {
    return fmt::format("{}attentions.{}", prefix, index);
}

Tensor repeated(NetworkRun& run, const Tensor& row, std::int64_t batch) {
    const std::int64_t width = row.elements();
    const Tensor out = run.empty({batch, 1, width});
    out.copyFrom(row.contiguous().reshape({1, 1, width}).expand({batch, 1, width}));
    return out;
}

Tensor tokenAt(const Tensor& x, std::int64_t index) {
    return x.select(1, index).contiguous();
}

} // namespace orrery::model
