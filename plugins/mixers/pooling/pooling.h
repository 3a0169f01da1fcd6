// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "nn/token_mixer.h"

#include <utility>

namespace orrery::mixers {

/// Average pooling over a window of positions (1-D grids; rows of x are positions).
class Pooling final : public nn::TokenMixer {
public:
    Pooling(std::int64_t size, bool subtractInput) : m_size(size), m_subtractInput(subtractInput) {}
    [[nodiscard]] std::string name() const override { return "pooling"; }
    [[nodiscard]] nn::MixingSupport supports() const override;
    [[nodiscard]] Tensor run(const nn::MixerInput& input, const Context& context) const override;
    [[nodiscard]] probe::AttentionPattern matrix(const nn::MixerInput& input) const override;
    [[nodiscard]] nn::Cost cost(std::int64_t batch, std::int64_t length, std::int64_t width) const override;

private:
    /// First and one past the last position of the window of i, cut to [0, length).
    [[nodiscard]] std::pair<std::int64_t, std::int64_t> window(std::int64_t i, std::int64_t length,
                                                               bool causal) const;
    std::int64_t m_size;
    bool m_subtractInput;
};

class PoolingPart final : public nn::TokenMixerPart {
public:
    [[nodiscard]] PartInfo info() const override;
    [[nodiscard]] OptionSchema options() const override;
    [[nodiscard]] nn::MixingSupport supports() const override { return Pooling(3, true).supports(); }
    [[nodiscard]] std::shared_ptr<const nn::TokenMixer>
    make(const nn::MixerPlace& place, const OptionValues& options, Generator& generator) const override;
};

} // namespace orrery::mixers
