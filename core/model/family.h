// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "checkpoint/checkpoint.h"
#include "checkpoint/config.h"
#include "model/stack_config.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::model {

/// Where a family keeps the weights of the stack. "{}" in a block's name stands for the layer (for its group
/// where layers share weights), a second one for the expert. An empty name: the family has none. Base models
/// are stored without prefix, models with a head with it (or another of "model." and "transformer."); all are
/// found.
struct WeightNames {
    std::string prefix; ///< "bert.", "transformer."
    // Under the prefix; ".weight" and ".bias" are added.
    std::string tokenEmbedding;
    std::string positionEmbedding;
    std::string typeEmbedding;
    std::string embeddingNorm;
    std::string embeddingProjection;
    std::string query, key, value;    ///< three matrices, or
    std::string fusedQkv;             ///< one, its rows as StackConfig::qkvOrder says
    std::string queryBias, valueBias; ///< full names; of a fused one without bias of its own (DeBERTa)
    std::string queryNorm, keyNorm;
    std::string positionKey, positionQuery; ///< relative attention
    std::string relativeTable, relativeNorm;
    /// XLNet: full names of tensors [D, H, d] of queries, keys, values, positions and the output, and of
    /// biases [H, d] and segments [2, H, d].
    std::string headedQuery, headedKey, headedValue, headedPosition, headedOut;
    std::string contentBias, positionBias, segmentBias, segments;
    std::string attentionOut;
    std::string norm1, norm2;
    std::string attentionNorm, mlpNorm; ///< NormPlacement::Both
    std::string mlpGate;                ///< gated feed-forwards; empty: the first half of mlpIn's rows
    std::string mlpIn, mlpOut;
    std::string router, expertGate, expertIn, expertOut; ///< mixtures of experts
    std::string finalNorm;
    std::string outputProjection;
    std::string pooler;
    // Not under the prefix.
    std::string headTransform; ///< masked LM: dense and norm before the vocabulary
    std::string headNorm;
    std::string headDecoder;     ///< its own matrix when not tied
    std::string headBias;        ///< full name of the vocabulary's bias
    std::string classifier;      ///< token classification; of sequences too, unless one of the next
    std::string classifierDense; ///< sequence classification of the first token: a dense layer ...
    std::string classifierOut;   ///< ... and its output
    std::string tokenDense;      ///< replaced tokens: a dense layer for every token ...
    std::string tokenOut;        ///< ... and its output
    std::string lastTokenScore;  ///< sequence classification of the last token, without bias
    std::string questionAnswering;
    bool poolerUnderPrefix = true;
    bool transformEverywhere = false; ///< classifiers too read the head's transform (ModernBERT)
    bool transposedLinear = false;    ///< GPT-2's Conv1D keeps [in, out]
};

/// A family of checkpoints: how its config.json is read and what its weights are called.
class ModelFamily {
public:
    virtual ~ModelFamily() = default;
    [[nodiscard]] virtual std::string id() const = 0;    ///< model_type in config.json
    [[nodiscard]] virtual std::string title() const = 0; ///< "BERT"
    [[nodiscard]] virtual StackConfig read(const checkpoint::ModelConfig& config) const = 0;
    [[nodiscard]] virtual WeightNames names() const = 0;
};

/// All families, sorted by id.
[[nodiscard]] const std::vector<const ModelFamily*>& families();
/// InputError listing the known families when there is none of this model_type.
[[nodiscard]] const ModelFamily& familyFor(const checkpoint::ModelConfig& config);

} // namespace orrery::model
