// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "nn/weight_format.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::model {

enum class NormPlacement {
    After, ///< norm(x + f(x)): BERT
    Before ///< x + f(norm(x)): GPT-2
};
enum class NormKind { LayerNorm, RmsNorm };
enum class PositionKind { None, Learned };
enum class HeadKind {
    None, ///< the base model, with its pooler where it has one
    MaskedLM,
    CausalLM,
    SequenceClassification,
    TokenClassification,
    QuestionAnswering
};
[[nodiscard]] std::string_view name(HeadKind head); ///< "masked language model", ...

/// Everything that decides how the stack computes, read from config.json by a family.
struct StackConfig {
    std::string family;       ///< "bert"
    std::string architecture; ///< class name in config.json, "BertForMaskedLM"; empty when it names none
    HeadKind head = HeadKind::None;
    std::int64_t vocabulary = 0;
    std::int64_t hiddenSize = 0;
    std::int64_t layers = 0;
    int heads = 0;
    int keyValueHeads = 0;
    std::int64_t headSize = 0;
    std::int64_t feedForward = 0;
    std::int64_t maxPositions = 0; ///< longest input (rows of the position table, less what is reserved)
    std::int64_t typeVocabulary = 0;
    PositionKind positions = PositionKind::Learned;
    bool positionsSkipPadding = false; ///< RoBERTa: numbered from padToken + 1, padding stays at padToken
    NormPlacement normPlacement = NormPlacement::After;
    NormKind normKind = NormKind::LayerNorm;
    double normEpsilon = 1e-12;
    bool embeddingNorm = false;
    bool finalNorm = false;
    bool causal = false;
    bool scaleByLayer = false; ///< GPT-2's scale_attn_by_inverse_layer_idx
    bool scaleScores = true;   ///< by 1 / sqrt(headSize)
    nn::Activation activation = nn::Activation::Gelu;
    nn::Activation headActivation = nn::Activation::Gelu; ///< of the masked LM's transform
    bool tiedEmbeddings = true;
    bool pooler = false;
    std::vector<std::string> labels{}; ///< of classification heads
    std::optional<std::int64_t> padToken{};
    std::optional<std::int64_t> bosToken{};
    std::vector<std::int64_t> eosTokens{};
};

} // namespace orrery::model
