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

struct Block {
    nn::Norm norm1;
    nn::Norm norm2;
    nn::Linear qkv; ///< queries, keys and values in one product
    nn::Linear attentionOut;
    nn::Linear mlpIn;
    nn::Linear mlpOut;
    double scale = 1;                                  ///< of the scores
    std::shared_ptr<const nn::TokenMixer> mixer;       ///< in place of the attention
    std::shared_ptr<const nn::AttentionKernel> kernel; ///< null: the fused one
};

/// What makes answers of the last hidden state. Undefined modules are not there.
struct Head {
    nn::Linear transform; ///< masked LM
    nn::Norm norm;
    nn::Linear decoder;         ///< to the vocabulary
    nn::Linear pooler;          ///< of the first token, with tanh
    nn::Linear classifierDense; ///< of the first token, with tanh
    nn::Linear classifier;      ///< to labels, or start and end
};

/// The modules of a model. Copies share all weights.
struct Stack {
    StackConfig config;
    Tensor tokenEmbedding; ///< [V, D] as stored: rows are converted when they are looked up
    Tensor positionEmbedding;
    Tensor typeEmbedding;
    nn::Norm embeddingNorm;
    std::vector<Block> blocks;
    nn::Norm finalNorm;
    Head head;
};

[[nodiscard]] probe::SiteLayout layoutOf(const Stack& stack);
/// With the mixers that a run chooses.
[[nodiscard]] probe::SiteLayout layoutOf(const Stack& stack, const Context& context);

} // namespace orrery::model
