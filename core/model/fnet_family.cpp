// SPDX-License-Identifier: GPL-3.0-or-later
// FNet (Lee-Thorp et al. 2022): BERT with a Fourier transform in place of attention.
#include "model/bert_reading.h"
#include "model/family_reading.h"

namespace orrery::model {
namespace {

using checkpoint::ModelConfig;

class FNet final : public ModelFamily {
public:
    [[nodiscard]] std::string id() const override { return "fnet"; }
    [[nodiscard]] std::string title() const override { return "FNet"; }
    [[nodiscard]] StackConfig read(const ModelConfig& config) const override {
        StackConfig stack;
        stack.vocabulary = config.positive({"vocab_size"});
        stack.hiddenSize = config.positive({"hidden_size"});
        stack.layers = config.positive({"num_hidden_layers"});
        stack.heads = 1; // of the pattern that is shown
        stack.feedForward = config.positive({"intermediate_size"});
        stack.maxPositions = config.positive({"max_position_embeddings"});
        stack.typeVocabulary = config.positive({"type_vocab_size"}, 4);
        stack.normEpsilon = config.real({"layer_norm_eps"}, 1e-12);
        stack.activation = nn::activationFromName(config.text({"hidden_act"}, "gelu_new"), config.fileName());
        stack.headActivation = stack.activation;
        stack.embeddingNorm = true;
        stack.alwaysProject = true;
        stack.mixing = MixingKind::Fourier;
        readCommon(config, HeadKind::None, stack);
        stack.pooler = stack.head == HeadKind::None || stack.head == HeadKind::SequenceClassification;
        return stack;
    }
    [[nodiscard]] WeightNames names() const override {
        WeightNames names = bertLikeNames("fnet.");
        names.embeddingProjection = "embeddings.projection";
        names.norm1 = "encoder.layer.{}.fourier.output.LayerNorm";
        names.headTransform = "cls.predictions.transform.dense";
        names.headNorm = "cls.predictions.transform.LayerNorm";
        names.headDecoder = "cls.predictions.decoder";
        names.headBias = "cls.predictions.bias";
        return names;
    }
};

} // namespace

std::vector<const ModelFamily*> fnetFamilies() {
    static const FNet family;
    return {&family};
}

} // namespace orrery::model
