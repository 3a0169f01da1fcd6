// SPDX-License-Identifier: GPL-3.0-or-later
// Encoders that change one thing of BERT each: DistilBERT (names, no segments), ALBERT (shared layers,
// factorised embeddings), ELECTRA (factorised embeddings, a discriminator), RoFormer (rotary positions).
#include "base/error.h"
#include "model/bert_reading.h"
#include "model/family_reading.h"
#include "model/rotary_reading.h"

#include <fmt/format.h>

namespace orrery::model {
namespace {

using checkpoint::ModelConfig;

class DistilBert final : public ModelFamily {
public:
    [[nodiscard]] std::string id() const override { return "distilbert"; }
    [[nodiscard]] std::string title() const override { return "DistilBERT"; }
    [[nodiscard]] StackConfig read(const ModelConfig& config) const override {
        StackConfig stack;
        stack.vocabulary = config.positive({"vocab_size"});
        stack.hiddenSize = config.positive({"dim"});
        stack.layers = config.positive({"n_layers"});
        stack.heads = static_cast<int>(config.positive({"n_heads"}));
        stack.feedForward = config.positive({"hidden_dim"});
        stack.maxPositions = config.positive({"max_position_embeddings"});
        stack.activation = nn::activationFromName(config.text({"activation"}, "gelu"), config.fileName());
        stack.headActivation = stack.activation;
        stack.classifierActivation = nn::Activation::Relu;
        stack.embeddingNorm = true;
        readCommon(config, HeadKind::None, stack);
        return stack;
    }
    [[nodiscard]] WeightNames names() const override {
        WeightNames names;
        names.prefix = "distilbert.";
        names.tokenEmbedding = "embeddings.word_embeddings";
        names.positionEmbedding = "embeddings.position_embeddings";
        names.embeddingNorm = "embeddings.LayerNorm";
        names.query = "transformer.layer.{}.attention.q_lin";
        names.key = "transformer.layer.{}.attention.k_lin";
        names.value = "transformer.layer.{}.attention.v_lin";
        names.attentionOut = "transformer.layer.{}.attention.out_lin";
        names.norm1 = "transformer.layer.{}.sa_layer_norm";
        names.mlpIn = "transformer.layer.{}.ffn.lin1";
        names.mlpOut = "transformer.layer.{}.ffn.lin2";
        names.norm2 = "transformer.layer.{}.output_layer_norm";
        names.headTransform = "vocab_transform";
        names.headNorm = "vocab_layer_norm";
        names.headDecoder = "vocab_projector";
        names.headBias = "vocab_projector.bias";
        names.classifierDense = "pre_classifier";
        names.classifierOut = "classifier";
        names.classifier = "classifier";
        names.questionAnswering = "qa_outputs";
        return names;
    }
};

class Albert final : public ModelFamily {
public:
    [[nodiscard]] std::string id() const override { return "albert"; }
    [[nodiscard]] std::string title() const override { return "ALBERT"; }
    [[nodiscard]] StackConfig read(const ModelConfig& config) const override {
        StackConfig stack = readBertLike(config);
        stack.embeddingSize = config.positive({"embedding_size"}, 128);
        stack.alwaysProject = true;
        stack.pooler = stack.head == HeadKind::None || stack.head == HeadKind::SequenceClassification;
        if (config.positive({"inner_group_num"}, 1) != 1)
            throw config.error("inner_group_num", "but only 1 is supported");
        const std::int64_t groups = config.positive({"num_hidden_groups"}, 1);
        if (groups > stack.layers)
            throw config.error("num_hidden_groups",
                               fmt::format("but there are only {} layers", stack.layers));
        for (std::int64_t layer = 0; layer < stack.layers; ++layer)
            stack.layerSettings[static_cast<std::size_t>(layer)].group =
                static_cast<int>(layer * groups / stack.layers);
        return stack;
    }
    [[nodiscard]] WeightNames names() const override {
        const std::string layer = "encoder.albert_layer_groups.{}.albert_layers.0.";
        WeightNames names = bertLikeNames("albert.");
        names.embeddingProjection = "encoder.embedding_hidden_mapping_in";
        names.query = layer + "attention.query";
        names.key = layer + "attention.key";
        names.value = layer + "attention.value";
        names.attentionOut = layer + "attention.dense";
        names.norm1 = layer + "attention.LayerNorm";
        names.mlpIn = layer + "ffn";
        names.mlpOut = layer + "ffn_output";
        names.norm2 = layer + "full_layer_layer_norm";
        names.pooler = "pooler";
        names.headTransform = "predictions.dense";
        names.headNorm = "predictions.LayerNorm";
        names.headDecoder = "predictions.decoder";
        names.headBias = "predictions.bias";
        return names;
    }
};

class Electra final : public ModelFamily {
public:
    [[nodiscard]] std::string id() const override { return "electra"; }
    [[nodiscard]] std::string title() const override { return "ELECTRA"; }
    [[nodiscard]] StackConfig read(const ModelConfig& config) const override {
        StackConfig stack = readBertLike(config);
        stack.embeddingSize = config.positive({"embedding_size"}, 128);
        stack.headActivation = nn::Activation::Gelu; // whatever the layers use
        stack.classifierActivation = nn::Activation::Gelu;
        if (stack.architecture.ends_with("ForPreTraining")) {
            stack.head = HeadKind::ReplacedTokens;
            stack.classifierActivation = stack.activation;
        }
        return stack;
    }
    [[nodiscard]] WeightNames names() const override {
        WeightNames names = bertLikeNames("electra.");
        names.embeddingProjection = "embeddings_project";
        names.pooler.clear();
        names.headTransform = "generator_predictions.dense";
        names.headNorm = "generator_predictions.LayerNorm";
        names.headDecoder = "generator_lm_head";
        names.headBias = "generator_lm_head.bias";
        names.classifierDense = "classifier.dense";
        names.classifierOut = "classifier.out_proj";
        names.tokenDense = "discriminator_predictions.dense";
        names.tokenOut = "discriminator_predictions.dense_prediction";
        return names;
    }
};

class RoFormer final : public ModelFamily {
public:
    [[nodiscard]] std::string id() const override { return "roformer"; }
    [[nodiscard]] std::string title() const override { return "RoFormer"; }
    [[nodiscard]] StackConfig read(const ModelConfig& config) const override {
        StackConfig stack = readBertLike(config);
        stack.embeddingSize = config.positive({"embedding_size"}, stack.hiddenSize);
        stack.classifierActivation = stack.activation;
        useRotary(config, stack, {.layout = nn::RotaryLayout::Adjacent});
        stack.rotaryValues = config.boolean({"rotary_value"}, false);
        return stack;
    }
    [[nodiscard]] WeightNames names() const override {
        WeightNames names = bertLikeNames("roformer.");
        names.positionEmbedding.clear();
        names.embeddingProjection = "embeddings_project";
        names.headTransform = "cls.predictions.transform.dense";
        names.headNorm = "cls.predictions.transform.LayerNorm";
        names.headDecoder = "cls.predictions.decoder";
        names.headBias = "cls.predictions.bias";
        names.classifierDense = "classifier.dense";
        names.classifierOut = "classifier.out_proj";
        return names;
    }
};

} // namespace

std::vector<const ModelFamily*> bertRelatives() {
    static const DistilBert distilBert;
    static const Albert albert;
    static const Electra electra;
    static const RoFormer roFormer;
    return {&distilBert, &albert, &electra, &roFormer};
}

} // namespace orrery::model
