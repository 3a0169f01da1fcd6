// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "model/network_run.h"

#include <array>
#include <cstdint>
#include <string>

// The transformer block that most families of networks share.
namespace orrery::model {

struct BlockSpec {
    std::int64_t width = 0;
    std::int64_t feedForward = 0;
    int heads = 1;
    double epsilon = 1e-5;
    nn::Activation activation = nn::Activation::Gelu;
    /// The feed-forward's first linear gives gate and units: silu(gate) * units (SwiGLU, Shazeer 2020).
    bool gated = false;
    /// norm(x + f(x)) instead of x + f(norm(x))
    bool postNorm = false;
    Bias attentionBias = Bias::IfStored; ///< of queries, keys and values
};

/// Where the checkpoint keeps the parts of a block, under the block's scope.
struct BlockNames {
    std::array<std::string, 3> queryKeyValue; ///< the first alone: one matrix with all three
    std::string attentionOut;
    std::string norm1;
    std::string norm2;
    std::string mlpIn;
    std::string mlpOut;
    std::string scale1{}; ///< layer scale (Touvron et al. 2021); empty: none
    std::string scale2{};
    std::array<std::string, 3> queryKeyValueBias{}; ///< where they are not the matrices' own; "": none
};

/// Where a block stands in a run.
struct BlockPlace {
    std::string name;             ///< "blocks.3"
    int layer = 0;                ///< number of its attention
    std::string attentionAlias{}; ///< "attentions.3"
    std::string hiddenAlias{};    ///< of what enters it, "hidden_states.3"
    std::string outAlias{};       ///< of what leaves it; for the last of a stack
    Tensor keyMask{};             ///< [B, L] u8
    Tensor bias{};                ///< added to the scores, see nn::AttentionInput
    bool causal = false;
    std::vector<std::int64_t> grid{}; ///< of the positions, for mixers
};

class TransformerBlock {
public:
    TransformerBlock(const Weights& scope, const BlockSpec& spec, const BlockNames& names);
    /// x [B, L, D] to [B, L, D]
    [[nodiscard]] Tensor run(NetworkRun& run, Tensor x, const BlockPlace& place) const;

private:
    /// What the attention adds to x (before the layer scale); with x where nobody looks in between.
    [[nodiscard]] Tensor attended(NetworkRun& run, const Tensor& input, const BlockPlace& place,
                                  const Tensor& residual) const;
    [[nodiscard]] Tensor fed(NetworkRun& run, const Tensor& input, const std::string& name,
                             const Tensor& residual) const;

    BlockSpec m_spec;
    LinearId m_queryKeyValue;
    LinearId m_attentionOut;
    LinearId m_mlpIn;
    LinearId m_mlpOut;
    nn::Norm m_norm1;
    nn::Norm m_norm2;
    Tensor m_scale1;
    Tensor m_scale2;
};

/// Blocks one after the other, place.name.0, place.name.1 ...; their attentions are numbered from place.layer
/// on. aliases: what Hugging Face puts before "hidden_states.i" and "attentions.i" ("encoder_"), where every
/// block's input and the last one's output are the hidden states.
[[nodiscard]] Tensor runBlocks(NetworkRun& run, const std::vector<TransformerBlock>& blocks, Tensor x,
                               const BlockPlace& place, std::string_view aliases = {});

/// A mask of 0 and 1 [B, L] i64 as attention takes it, [B, L] u8; UsageError when it is not of this shape.
[[nodiscard]] Tensor keyMaskOf(const Tensor& mask, const Shape& shape);

/// Queries, keys and values out of one product [B, L, 3 H d]: views [B, L, H, d].
void splitHeads(const Tensor& qkv, int heads, nn::AttentionInput& input);
/// [B, L, H, d] as [B, L, H d]: a view.
[[nodiscard]] Tensor joinHeads(const Tensor& mixed);
/// [B, L, D] as [B, L, H, D / H]: a view.
[[nodiscard]] Tensor headsOf(const Tensor& x, int heads);

} // namespace orrery::model
