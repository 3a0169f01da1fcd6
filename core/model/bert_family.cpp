// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "model/bert_reading.h"
#include "model/family_reading.h"

#include <fmt/format.h>

#include <utility>

namespace orrery::model {

StackConfig readBertLike(const checkpoint::ModelConfig& config) {
    StackConfig stack;
    stack.vocabulary = config.positive({"vocab_size"});
    stack.hiddenSize = config.positive({"hidden_size"});
    stack.layers = config.positive({"num_hidden_layers"});
    stack.heads = static_cast<int>(config.positive({"num_attention_heads"}));
    stack.feedForward = config.positive({"intermediate_size"});
    stack.maxPositions = config.positive({"max_position_embeddings"});
    stack.typeVocabulary = config.integer({"type_vocab_size"}, 2);
    stack.normEpsilon = config.real({"layer_norm_eps"}, 1e-12);
    const std::string activation = config.text({"hidden_act"}, "gelu");
    stack.activation = nn::activationFromName(activation, config.fileName());
    stack.headActivation = stack.activation;
    stack.embeddingNorm = true;
    const std::string positions = config.text({"position_embedding_type"}, "absolute");
    if (positions != "absolute")
        throw InputError(fmt::format("{}: position_embedding_type is \"{}\"; only \"absolute\" is supported.",
                                     config.fileName(), positions));
    readCommon(config, HeadKind::None, stack);
    if (config.boolean({"is_decoder"}, false))
        stack.causal = true;
    return stack;
}

WeightNames bertLikeNames(std::string prefix) {
    WeightNames names;
    names.prefix = std::move(prefix);
    names.tokenEmbedding = "embeddings.word_embeddings";
    names.positionEmbedding = "embeddings.position_embeddings";
    names.typeEmbedding = "embeddings.token_type_embeddings";
    names.embeddingNorm = "embeddings.LayerNorm";
    names.query = "encoder.layer.{}.attention.self.query";
    names.key = "encoder.layer.{}.attention.self.key";
    names.value = "encoder.layer.{}.attention.self.value";
    names.attentionOut = "encoder.layer.{}.attention.output.dense";
    names.norm1 = "encoder.layer.{}.attention.output.LayerNorm";
    names.mlpIn = "encoder.layer.{}.intermediate.dense";
    names.mlpOut = "encoder.layer.{}.output.dense";
    names.norm2 = "encoder.layer.{}.output.LayerNorm";
    names.pooler = "pooler.dense";
    names.classifier = "classifier";
    names.questionAnswering = "qa_outputs";
    return names;
}

namespace {

class Bert final : public ModelFamily {
public:
    [[nodiscard]] std::string id() const override { return "bert"; }
    [[nodiscard]] std::string title() const override { return "BERT"; }
    [[nodiscard]] StackConfig read(const checkpoint::ModelConfig& config) const override {
        StackConfig stack = readBertLike(config);
        stack.pooler = stack.head == HeadKind::None || stack.head == HeadKind::SequenceClassification;
        return stack;
    }
    [[nodiscard]] WeightNames names() const override {
        WeightNames names = bertLikeNames("bert.");
        names.headTransform = "cls.predictions.transform.dense";
        names.headNorm = "cls.predictions.transform.LayerNorm";
        names.headDecoder = "cls.predictions.decoder";
        names.headBias = "cls.predictions.bias";
        return names;
    }
};

/// RoBERTa, and what was trained on other texts in the same shape.
class Roberta final : public ModelFamily {
public:
    Roberta(std::string id, std::string title) : m_id(std::move(id)), m_title(std::move(title)) {}
    [[nodiscard]] std::string id() const override { return m_id; }
    [[nodiscard]] std::string title() const override { return m_title; }
    [[nodiscard]] StackConfig read(const checkpoint::ModelConfig& config) const override {
        StackConfig stack = readBertLike(config);
        stack.headActivation = nn::Activation::Gelu; // whatever the layers use
        if (!stack.padToken)
            stack.padToken = 1;
        stack.positionCount = PositionCount::SkipPadding;
        // Rows up to the padding token's own are never a real position.
        stack.reservedPositions = *stack.padToken + 1;
        stack.maxPositions -= stack.reservedPositions;
        if (stack.maxPositions < 1)
            throw config.error("max_position_embeddings",
                               "but it must be larger than pad_token_id + 1, where RoBERTa starts to count");
        stack.pooler = stack.head == HeadKind::None;
        return stack;
    }
    [[nodiscard]] WeightNames names() const override {
        WeightNames names = bertLikeNames("roberta.");
        names.headTransform = "lm_head.dense";
        names.headNorm = "lm_head.layer_norm";
        names.headDecoder = "lm_head.decoder";
        names.headBias = "lm_head.bias";
        names.classifierDense = "classifier.dense"; // sequence classification only
        names.classifierOut = "classifier.out_proj";
        return names;
    }

private:
    std::string m_id;
    std::string m_title;
};

} // namespace

std::vector<const ModelFamily*> bertFamilies() {
    static const Bert bert;
    static const Roberta roberta("roberta", "RoBERTa");
    static const Roberta camembert("camembert", "CamemBERT");
    static const Roberta xlmRoberta("xlm-roberta", "XLM-RoBERTa");
    return {&bert, &roberta, &camembert, &xlmRoberta};
}

} // namespace orrery::model
