// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "model/stack_config.h"
#include "nn/attention_kernel.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "nn/token_mixer.h"
#include "probe/context.h"
#include "probe/site.h"
#include "tensor/tensor.h"

#include <memory>
#include <vector>

namespace orrery::model {

/// One of the feed-forwards of a mixture.
struct Expert {
    nn::Linear in; ///< gate and units in one product, as Block::mlpIn
    nn::Linear out;
};

/// What relative attention has beside queries, keys and values.
struct RelativeAttention {
    nn::Linear key;      ///< of positions
    nn::Linear query;    ///< of positions (DeBERTa)
    Tensor contentBias;  ///< [H, d] f32, added to queries that meet keys (XLNet's r_w_bias) ...
    Tensor positionBias; ///< ... positions (r_r_bias)
    Tensor segmentBias;  ///< ... segments (r_s_bias)
    Tensor segments;     ///< [2, H, d] f32: of the same segment, of another one
};

struct Block {
    nn::Norm norm1;
    nn::Norm norm2;
    nn::Norm attentionNorm; ///< of the attention's result (NormPlacement::Both)
    nn::Norm mlpNorm;       ///< of the feed-forward's result
    nn::Linear qkv;         ///< queries, keys and values in one product
    nn::Norm queryNorm;     ///< of single heads
    nn::Norm keyNorm;
    nn::Linear attentionOut;
    nn::Linear mlpIn; ///< of a gated feed-forward: rows of the gate, then those of the units
    nn::Linear mlpOut;
    nn::Linear router; ///< of a mixture of experts, in place of the two
    std::vector<Expert> experts;
    RelativeAttention relative;
    double scale = 1;                                  ///< of the scores
    std::shared_ptr<const nn::TokenMixer> mixer;       ///< in place of the attention
    std::shared_ptr<const nn::AttentionKernel> kernel; ///< null: the fused one
};

/// What makes answers of the last hidden state. Undefined modules are not there.
struct Head {
    nn::Linear transform; ///< masked LM
    nn::Norm norm;
    nn::Linear decoder;         ///< to the vocabulary
    nn::Linear pooler;          ///< of the first token
    nn::Linear classifierDense; ///< of the first token, or of every one
    nn::Linear classifier;      ///< to labels, or start and end
};

/// The modules of a model. Copies share all weights.
struct Stack {
    StackConfig config;
    Tensor tokenEmbedding; ///< [V, E] as stored: rows are converted when they are looked up
    Tensor positionEmbedding;
    Tensor typeEmbedding;
    nn::Norm embeddingNorm;
    nn::Linear embeddingProjection; ///< E to D
    Tensor relativeTable;           ///< [2 * relativeSpan, D] f32, normed where the model does
    std::vector<Block> blocks;      ///< those of one group hold the same modules, named after its first layer
    nn::Norm finalNorm;
    nn::Linear outputProjection; ///< D to E
    Head head;
};

[[nodiscard]] probe::SiteLayout layoutOf(const Stack& stack);
/// With the mixers that a run chooses.
[[nodiscard]] probe::SiteLayout layoutOf(const Stack& stack, const Context& context);
/// The first layer of the group of this one: the layer itself, unless weights are shared.
[[nodiscard]] int ownerOf(const StackConfig& config, int layer);

} // namespace orrery::model
