// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "model/network.h"
#include "model/network_run.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// What families of images share.
namespace orrery::model {

/// A number for both sides or [height, width]; every size is at least 1.
[[nodiscard]] kernels::Pair sidesOf(const checkpoint::ModelConfig& config,
                                    checkpoint::ModelConfig::Keys keys);
[[nodiscard]] kernels::Pair sidesOf(const checkpoint::ModelConfig& config, checkpoint::ModelConfig::Keys keys,
                                    std::int64_t fallback);
/// Whole patches of an image, down and across: at least one of each.
[[nodiscard]] kernels::Pair gridOf(const checkpoint::ModelConfig& config, const kernels::Pair& image,
                                   const kernels::Pair& patch);
/// pixel_values [B, channels, H, W] of any height and width.
[[nodiscard]] NetworkInput imageInput(std::int64_t channels, const kernels::Pair& size);
/// pixel_values [B, frames, channels, H, W] of any number of frames and size.
[[nodiscard]] NetworkInput videoInput(std::int64_t channels, std::int64_t frames, const kernels::Pair& size);

/// Positions of a grid [1, prefix + rows columns, D], learned for one grid and brought to another by bicubic
/// interpolation; the first ones (class token ...) stay.
class GridPositions {
public:
    GridPositions() = default;
    GridPositions(Tensor table, std::int64_t prefix, const kernels::Pair& grid)
        : m_table(std::move(table)), m_prefix(prefix), m_grid(grid) {}
    [[nodiscard]] bool defined() const { return m_table.defined(); }
    /// [prefix + rows columns, D]
    [[nodiscard]] Tensor at(NetworkRun& run, const kernels::Pair& grid) const;

private:
    Tensor m_table;
    std::int64_t m_prefix = 0;
    kernels::Pair m_grid{1, 1};
};

/// width times a ratio, rounded down: the one that config.json gives under the key as a number, else
/// fallback.
[[nodiscard]] std::int64_t widened(const checkpoint::ModelConfig& config, std::string_view key,
                                   std::int64_t width, double fallback);
/// The number of blocks in all stages that "depths" lists.
[[nodiscard]] std::int64_t sumOfDepths(const checkpoint::ModelConfig& config,
                                       const std::vector<std::int64_t>& fallback);

/// The hidden states' alias in a list: "hidden_states.3".
[[nodiscard]] std::string hiddenStates(std::int64_t index, std::string_view prefix = {});
[[nodiscard]] std::string attentions(std::int64_t index, std::string_view prefix = {});

/// Copies of a row [1, 1, D] or [D] for every item of a batch: [B, 1, D].
[[nodiscard]] Tensor repeated(NetworkRun& run, const Tensor& row, std::int64_t batch);
/// A token of every item: x [B, L, D] to [B, D].
[[nodiscard]] Tensor tokenAt(const Tensor& x, std::int64_t index);

} // namespace orrery::model
