// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/part.h"
#include "base/random.h"
#include "nn/cost.h"
#include "probe/attention_pattern.h"
#include "probe/context.h"
#include "tensor/tensor.h"

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::nn {

/// What a mixer is given: the block's input after whatever norm the block puts before its attention.
struct MixerInput {
    Tensor hidden;  ///< [B, L, D] f32, contiguous
    Tensor keyMask; ///< [B, L] u8, 1 for real positions, or undefined
    bool causal = false;
    std::vector<std::int64_t> grid; ///< sizes of the positions' grid; {} means {L}
};

/// State of incremental decoding, where a mixer has one.
class MixerState {
public:
    virtual ~MixerState() = default;
    [[nodiscard]] virtual std::size_t bytes() const = 0;
    /// A state of its own in which row i continues what was row rows[i] here; rows may repeat or be left out.
    /// Beams and several continuations of one prompt need it; the default is a UsageError.
    [[nodiscard]] virtual std::shared_ptr<MixerState> select(std::span<const std::int64_t> rows) const;
};

/// Mixes positions in place of attention and owns whatever projections it needs. One instance serves one
/// layer (or several, when it has no parameters); immutable in inference and shared between threads.
class TokenMixer {
public:
    virtual ~TokenMixer() = default;
    [[nodiscard]] virtual std::string name() const = 0;
    [[nodiscard]] virtual MixingSupport supports() const = 0;
    /// [B, L, D], to be added to the residual stream by the block.
    [[nodiscard]] virtual Tensor run(const MixerInput& input, const Context& context) const = 0;
    /// The materialised mixing matrix for this input, [B, heads, L, L] (heads is 1 when there are none): how
    /// much of position j's input reaches position i's output.
    [[nodiscard]] virtual probe::AttentionPattern matrix(const MixerInput& input) const = 0;
    [[nodiscard]] virtual Cost cost(std::int64_t batch, std::int64_t length, std::int64_t width) const = 0;

    // Incremental decoding (supports().incremental).
    [[nodiscard]] virtual std::shared_ptr<MixerState> makeState(std::int64_t batch) const;
    [[nodiscard]] virtual Tensor step(const Tensor& hidden, MixerState& state, const Context& context) const;

    /// Own parameters by name, empty for none; loading checks shapes.
    [[nodiscard]] virtual std::map<std::string, Tensor> parameters() const { return {}; }
};

/// Where a mixer will stand.
struct MixerPlace {
    int layer = 0;
    std::int64_t width = 0;
    int heads = 1;
    std::int64_t maxPositions = 0;
    bool causal = false;
};

/// Makes token mixers from options: the part that a plugin registers.
class TokenMixerPart : public Part {
public:
    static constexpr std::string_view kind = "token_mixer";

    [[nodiscard]] virtual MixingSupport supports() const = 0;
    /// A fresh mixer for a place; generator initialises what it has to learn.
    [[nodiscard]] virtual std::shared_ptr<const TokenMixer>
    make(const MixerPlace& place, const OptionValues& options, Generator& generator) const = 0;
};

} // namespace orrery::nn
