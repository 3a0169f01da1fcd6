// SPDX-License-Identifier: GPL-3.0-or-later
// ModernBERT (Warner et al. 2024): an encoder with norms before both halves, rotary positions, a gated
// feed-forward, and layers that look nearby only, with rotary positions of their own.
#include "base/error.h"
#include "model/family.h"
#include "model/family_reading.h"
#include "model/rotary_reading.h"

#include <fmt/format.h>

namespace orrery::model {
namespace {

using checkpoint::ModelConfig;

nn::RotarySettings rotaryOf(const ModelConfig& config, std::int64_t headSize, std::string_view layerType,
                            std::string_view olderKey, double theta) {
    return readRotary(config, headSize, {.theta = config.real({olderKey}, theta)}, layerType);
}

class ModernBert final : public ModelFamily {
public:
    [[nodiscard]] std::string id() const override { return "modernbert"; }
    [[nodiscard]] std::string title() const override { return "ModernBERT"; }
    [[nodiscard]] StackConfig read(const ModelConfig& config) const override {
        StackConfig stack;
        stack.vocabulary = config.positive({"vocab_size"});
        stack.hiddenSize = config.positive({"hidden_size"});
        stack.layers = config.positive({"num_hidden_layers"});
        stack.heads = static_cast<int>(config.positive({"num_attention_heads"}));
        stack.feedForward = config.positive({"intermediate_size"});
        stack.maxPositions = config.positive({"max_position_embeddings"});
        stack.normEpsilon = config.real({"norm_eps"}, 1e-5);
        stack.normBias = config.boolean({"norm_bias"}, false);
        stack.normPlacement = NormPlacement::Before;
        stack.positions = PositionKind::None;
        stack.embeddingNorm = true;
        stack.finalNorm = true;
        stack.gated = true;
        stack.qkvBias = stack.attentionOutBias = config.boolean({"attention_bias"}, false);
        stack.mlpBias = config.boolean({"mlp_bias"}, false);
        stack.activation =
            nn::activationFromName(config.text({"hidden_activation"}, "gelu"), config.fileName());
        stack.headActivation =
            nn::activationFromName(config.text({"classifier_activation"}, "gelu"), config.fileName());
        stack.headBias = config.boolean({"classifier_bias"}, false);
        stack.vocabularyBias = config.boolean({"decoder_bias"}, true);
        const std::string pooling = config.text({"classifier_pooling"}, "cls");
        if (pooling != "cls" && pooling != "mean")
            throw config.error("classifier_pooling", "but only cls and mean are known");
        stack.pooling = pooling == "cls" ? Pooling::First : Pooling::Mean;
        readCommon(config, HeadKind::None, stack);
        stack.layerSettings.front().norm1 = false;
        layers(config, stack);
        return stack;
    }
    [[nodiscard]] WeightNames names() const override {
        WeightNames names;
        names.prefix = "model.";
        names.tokenEmbedding = "embeddings.tok_embeddings";
        names.embeddingNorm = "embeddings.norm";
        names.norm1 = "layers.{}.attn_norm";
        names.fusedQkv = "layers.{}.attn.Wqkv";
        names.attentionOut = "layers.{}.attn.Wo";
        names.norm2 = "layers.{}.mlp_norm";
        names.mlpIn = "layers.{}.mlp.Wi";
        names.mlpOut = "layers.{}.mlp.Wo";
        names.finalNorm = "final_norm";
        names.headTransform = "head.dense";
        names.headNorm = "head.norm";
        names.headDecoder = "decoder";
        names.headBias = "decoder.bias";
        names.classifier = "classifier";
        names.questionAnswering = "classifier";
        names.transformEverywhere = true;
        return names;
    }

private:
    static void layers(const ModelConfig& config, StackConfig& stack) {
        stack.rotaries = {rotaryOf(config, stack.headSize, "full_attention", "global_rope_theta", 160000),
                          rotaryOf(config, stack.headSize, "sliding_attention", "local_rope_theta",
                                   config.real({"global_rope_theta"}, 10000))};
        const std::int64_t every = config.positive({"global_attn_every_n_layers"}, 3);
        const std::int64_t reach = config.positive({"local_attention"}, 128) / 2;
        std::vector<std::string> types = config.texts({"layer_types"}, {});
        if (types.empty())
            for (std::int64_t layer = 0; layer < stack.layers; ++layer)
                types.emplace_back(layer % every == 0 ? "full_attention" : "sliding_attention");
        if (static_cast<std::int64_t>(types.size()) != stack.layers)
            throw config.error("layer_types", "but it must name the type of every layer");
        for (std::size_t layer = 0; layer < types.size(); ++layer) {
            LayerSettings& settings = stack.layerSettings[layer];
            settings.rotary = types[layer] == "full_attention" ? 0 : 1;
            if (types[layer] == "sliding_attention")
                settings.window = reach + 1; // both ends are seen
            else if (types[layer] != "full_attention")
                throw config.error("layer_types", "but only full_attention and sliding_attention are known");
        }
    }
};

} // namespace

std::vector<const ModelFamily*> modernBertFamilies() {
    static const ModernBert family;
    return {&family};
}

} // namespace orrery::model
