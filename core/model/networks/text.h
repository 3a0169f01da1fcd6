// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "model/network.h"
#include "model/network_run.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// What families of text networks share.
namespace orrery::model {

/// input_ids and an attention_mask that may be left out.
[[nodiscard]] std::vector<NetworkInput> textInputs(std::int64_t maxPositions);
/// An input of the shape of the ids: "token_type_ids" ...
[[nodiscard]] NetworkInput idsInput(std::string name, std::string meaning, std::int64_t maxPositions);
/// The input of this name, or an undefined tensor.
[[nodiscard]] Tensor inputOf(const NamedTensors& inputs, std::string_view name);
/// The attention mask [B, L] u8 when it is given and masks something.
[[nodiscard]] Tensor maskInput(const NamedTensors& inputs, const Shape& ids);
/// x [B, L, ..] with zeros where the mask [B, L] u8 is 0; x itself without a mask.
[[nodiscard]] Tensor masked(NetworkRun& run, const Tensor& x, const Tensor& mask);
/// UsageError when a text is longer than the model's table of positions.
void checkLength(std::int64_t length, std::int64_t maxPositions);

/// Learned embeddings of words, positions and segments, added and normed, as BERT has them.
class TextEmbeddings {
public:
    /// How the positions of tokens are numbered.
    struct Positions {
        std::int64_t first = 0;    ///< row of the first position
        std::int64_t padding = -1; ///< RoBERTa: counted from padding + 1 over what is not this token
    };
    TextEmbeddings() = default;
    /// weights: the scope that holds "embeddings".
    TextEmbeddings(const Weights& weights, const checkpoint::ModelConfig& config, const StackConfig& sizes,
                   const Positions& positions, std::int64_t rows);
    [[nodiscard]] const Tensor& words() const { return m_words; }
    /// Longest text.
    [[nodiscard]] std::int64_t maxPositions() const { return m_maxPositions; }
    /// input_ids, attention_mask (when asked for), token_type_ids, position_ids.
    [[nodiscard]] std::vector<NetworkInput> inputs(bool mask) const;
    /// [B, L, D]; wordScale multiplies the words' rows.
    [[nodiscard]] Tensor run(NetworkRun& run, const NamedTensors& inputs, double wordScale = 1) const;

private:
    [[nodiscard]] Tensor positionsOf(const Tensor& ids) const;

    Tensor m_words;
    Tensor m_table;
    Tensor m_types;
    nn::Norm m_norm;
    Positions m_positions;
    std::int64_t m_maxPositions = 0;
};

/// The second half of a post-norm block: what the mixing of positions gave is added and normed, then the
/// feed-forward network.
class PostNormTail {
public:
    struct Names {
        std::string norm1 = "attention.output.LayerNorm";
        std::string mlpIn = "intermediate.dense";
        std::string mlpOut = "output.dense";
        std::string norm2 = "output.LayerNorm";
    };
    PostNormTail(const Weights& scope, const checkpoint::ModelConfig& config, std::int64_t width,
                 std::int64_t feedForward, const Names& names);
    /// x: what entered the block; out: what the mixing gave. name: the block's; outAlias: of what leaves it.
    [[nodiscard]] Tensor run(NetworkRun& run, const Tensor& x, const Tensor& out, const std::string& name,
                             const std::string& outAlias) const;

private:
    nn::Norm m_norm1;
    LinearId m_in;
    LinearId m_out;
    nn::Norm m_norm2;
    nn::Activation m_activation;
};

/// The head of a text model that its class name asks for: words (masked language models and their
/// pretraining), a class for the text or for each token, start and end of an answer, or none.
class TextHead {
public:
    struct Names {
        std::string dense = "cls.predictions.transform.dense"; ///< of the head that gives words
        std::string norm = "cls.predictions.transform.LayerNorm";
        std::string bias = "cls.predictions.bias";
        std::string decoder = "cls.predictions.decoder";
        std::string pooler = "pooler.dense"; ///< in the base model; empty: none
        bool gelu = false;                   ///< the head's activation, whatever config.json says
    };
    TextHead() = default;
    /// all: the scope of the whole file; base: that of the base model.
    TextHead(const Weights& all, const Weights& base, const checkpoint::ModelConfig& config,
             const StackConfig& sizes, const Tensor& words, const Names& names);
    [[nodiscard]] std::string task() const;
    [[nodiscard]] bool givesWords() const { return m_decoder.defined(); }
    [[nodiscard]] Tensor words(NetworkRun& run, const Tensor& x) const;
    /// Outputs by name: last_hidden_state and what the head makes of it.
    [[nodiscard]] NamedTensors run(NetworkRun& run, const Tensor& x) const;

private:
    LinearId m_dense;
    nn::Norm m_norm;
    LinearId m_decoder;
    LinearId m_pooler;
    LinearId m_relation; ///< whether two texts follow each other, beside the words
    LinearId m_classDense;
    LinearId m_classifier;
    LinearId m_answers;
    nn::Activation m_activation = nn::Activation::Gelu;
    nn::Activation m_classActivation = nn::Activation::Gelu;
    bool m_pools = false; ///< the pooled state is an output
    bool m_byToken = false;
};

/// What a text network of hidden_size and so on reads of config.json.
[[nodiscard]] StackConfig textConfig(const checkpoint::ModelConfig& config);

} // namespace orrery::model
