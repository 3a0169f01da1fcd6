// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "nn/rotary.h"
#include "nn/weight_format.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::model {

enum class NormPlacement {
    After,  ///< norm(x + f(x)): BERT
    Before, ///< x + f(norm(x)): GPT-2
    Both    ///< x + norm(f(norm(x))): Gemma 2
};
enum class NormKind { LayerNorm, RmsNorm };
enum class PositionKind {
    None,    ///< rotary positions, where there are any, are in the layers
    Learned, ///< a table added to the embeddings
    Alibi    ///< scores fall with distance, at a slope for each head (Press et al. 2022)
};
/// Scores with a part that depends on content and distance both.
enum class RelativeKind {
    None,
    Disentangled, ///< DeBERTa (He et al. 2021): q_i . K(i - j) + k_j . Q(i - j), projections of a table
    TransformerXl ///< Dai et al. 2019, XLNet: (q_i + v) . R(i - j) + u . k_j, of sinusoids, and segments
};
/// What mixes the tokens of a block.
enum class MixingKind { Attention, Fourier /**< FNet (Lee-Thorp et al. 2022) */ };
/// How positions are counted where an input does not give them.
enum class PositionCount {
    Index,       ///< place in the row
    SkipPadding, ///< RoBERTa: from padToken + 1 on, padding tokens stay at padToken
    SkipMasked   ///< OPT: attended tokens only; masked ones are at -1
};
/// How the rows of a fused matrix for queries, keys and values lie.
enum class QkvOrder {
    Stacked, ///< all queries, all keys, all values: GPT-2
    ByHead   ///< query, key and value of one head after the other: GPT-NeoX, BLOOM
};
enum class HeadKind {
    None, ///< the base model, with its pooler where it has one
    MaskedLM,
    CausalLM,
    SequenceClassification,
    TokenClassification,
    QuestionAnswering,
    ReplacedTokens ///< ELECTRA's discriminator: one logit for each token
};
[[nodiscard]] std::string_view name(HeadKind head); ///< "masked language model", ...
/// What of the sequence a classification without pooler reads.
enum class Pooling { First, Last, Mean };

/// What may differ from layer to layer.
struct LayerSettings {
    /// Keys this far away or further are not seen.
    std::int64_t window = std::numeric_limits<std::int64_t>::max();
    int rotary = -1;   ///< which of StackConfig::rotaries; -1: none
    int group = 0;     ///< layers of one group share all weights (ALBERT)
    bool norm1 = true; ///< false: the first norm is left out (ModernBERT's first layer)
};

/// Everything that decides how the stack computes, read from config.json by a family.
struct StackConfig {
    std::string family;       ///< "bert"
    std::string architecture; ///< class name in config.json, "BertForMaskedLM"; empty when it names none
    HeadKind head = HeadKind::None;
    std::int64_t vocabulary = 0;
    std::int64_t hiddenSize = 0;
    std::int64_t layers = 0;
    std::vector<LayerSettings> layerSettings{}; ///< one each
    int heads = 0;
    int keyValueHeads = 0;
    std::int64_t headSize = 0;
    std::int64_t feedForward = 0;  ///< of one expert where there are several
    std::int64_t maxPositions = 0; ///< longest input (rows of the position table, less what is reserved)
    std::int64_t typeVocabulary = 0;

    // Embeddings.
    std::int64_t embeddingSize = 0; ///< hiddenSize, or less with a projection (ALBERT, OPT)
    double embeddingScale = 1;      ///< of the token embeddings (Gemma)
    bool alwaysProject = false;     ///< ALBERT: also when both sizes are the same
    bool projectFirst = false;      ///< OPT: positions are added after the projection, not before
    bool projectionBias = true;     ///< of the embeddings' projections
    bool outputProjection = false;  ///< OPT: the last hidden state goes back to embeddingSize
    bool embeddingNorm = false;
    bool tiedEmbeddings = true;

    // Positions.
    PositionKind positions = PositionKind::Learned;
    PositionCount positionCount = PositionCount::Index;
    std::int64_t positionOffset = 0;    ///< position p is row p + offset of the table (OPT)
    std::int64_t reservedPositions = 0; ///< rows of the table beyond maxPositions
    std::vector<nn::RotarySettings> rotaries{};
    RelativeKind relative = RelativeKind::None;
    std::int64_t relativeSpan = 0;    ///< distances beyond it count as it; the table has two rows for each
    std::int64_t relativeBuckets = 0; ///< 0: distances as they are; else in this many logarithmic buckets ...
    std::int64_t relativeReach = 0;   ///< ... up to this distance
    bool relativeNorm = false;        ///< of the table
    bool sharedRelative = false;      ///< the table is projected as queries and keys are
    bool positionKeyBias = true;
    bool contentToPosition = false; ///< the first term
    bool positionToContent = false; ///< the second
    bool rotaryValues = false;      ///< RoFormer's rotary_value: values turn too

    // Blocks.
    MixingKind mixing = MixingKind::Attention;
    NormPlacement normPlacement = NormPlacement::After;
    NormKind normKind = NormKind::LayerNorm;
    double normEpsilon = 1e-12;
    bool normBias = true;          ///< of layer norms
    bool normPlusOne = false;      ///< the stored weight w stands for 1 + w (Gemma)
    bool headNorms = false;        ///< RMS norm of every query and key (Qwen3)
    bool parallelBranches = false; ///< x + attention(norm1(x)) + mlp(norm2(x)): GPT-NeoX
    bool oneNorm = false;          ///< ... with norm2 = norm1: GPT-J, Phi
    bool finalNorm = false;
    bool causal = false;
    bool scaleByLayer = false;          ///< GPT-2's scale_attn_by_inverse_layer_idx
    bool scaleScores = true;            ///< by 1 / sqrt(headSize), or
    std::optional<double> scoreScale{}; ///< by this
    double scoreCap = 0;                ///< c > 0: scores s become c tanh(s / c) (Gemma 2)
    QkvOrder qkvOrder = QkvOrder::Stacked;
    bool qkvBias = true;
    bool attentionOutBias = true;
    bool mlpBias = true;
    bool gated = false; ///< activation(gate x) * (up x), not activation(in x)
    int experts = 0;    ///< of a mixture; 0: a plain feed-forward
    int expertsPerToken = 0;
    bool expertsShareToOne = true; ///< the chosen experts' weights are divided by their sum
    nn::Activation activation = nn::Activation::Gelu;

    // Head.
    nn::Activation headActivation = nn::Activation::Gelu;       ///< of the transform before the vocabulary
    nn::Activation classifierActivation = nn::Activation::Tanh; ///< of the classifier's dense layer
    nn::Activation poolerActivation = nn::Activation::Tanh;
    bool headBias = true;       ///< of the transform
    bool vocabularyBias = true; ///< where the family's head has one
    double logitCap = 0;        ///< c > 0: logits l become c tanh(l / c) (Gemma 2)
    bool pooler = false;
    Pooling pooling = Pooling::First;
    std::vector<std::string> labels{}; ///< of classification heads
    std::optional<std::int64_t> padToken{};
    std::optional<std::int64_t> bosToken{};
    std::vector<std::int64_t> eosTokens{};

    /// Width of what the vocabulary's product reads.
    [[nodiscard]] std::int64_t headWidth() const { return embeddingSize; }
    [[nodiscard]] const LayerSettings& layer(int index) const {
        return layerSettings[static_cast<std::size_t>(index)];
    }
};

} // namespace orrery::model
