// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/family.h"
#include "model/family_reading.h"

namespace orrery::model {
namespace {

class Gpt2 final : public ModelFamily {
public:
    [[nodiscard]] std::string id() const override { return "gpt2"; }
    [[nodiscard]] std::string title() const override { return "GPT-2"; }
    [[nodiscard]] StackConfig read(const checkpoint::ModelConfig& config) const override {
        StackConfig stack;
        stack.vocabulary = config.positive({"vocab_size"});
        stack.hiddenSize = config.positive({"n_embd", "hidden_size"});
        stack.layers = config.positive({"n_layer", "num_hidden_layers"});
        stack.heads = static_cast<int>(config.positive({"n_head", "num_attention_heads"}));
        stack.feedForward = config.positive({"n_inner"}, 4 * stack.hiddenSize);
        stack.maxPositions = config.positive({"n_positions", "max_position_embeddings"});
        stack.normEpsilon = config.real({"layer_norm_epsilon"}, 1e-5);
        stack.activation =
            nn::activationFromName(config.text({"activation_function"}, "gelu_new"), config.fileName());
        stack.normPlacement = NormPlacement::Before;
        stack.finalNorm = true;
        stack.causal = true;
        stack.scaleScores = config.boolean({"scale_attn_weights"}, true);
        stack.scaleByLayer = config.boolean({"scale_attn_by_inverse_layer_idx"}, false);
        readCommon(config, HeadKind::CausalLM, stack);
        stack.pooling = Pooling::Last;
        return stack;
    }
    [[nodiscard]] WeightNames names() const override {
        WeightNames names;
        names.prefix = "transformer.";
        names.tokenEmbedding = "wte";
        names.positionEmbedding = "wpe";
        names.fusedQkv = "h.{}.attn.c_attn";
        names.attentionOut = "h.{}.attn.c_proj";
        names.norm1 = "h.{}.ln_1";
        names.norm2 = "h.{}.ln_2";
        names.mlpIn = "h.{}.mlp.c_fc";
        names.mlpOut = "h.{}.mlp.c_proj";
        names.finalNorm = "ln_f";
        names.headDecoder = "lm_head";
        names.classifier = "classifier";
        names.lastTokenScore = "score";
        names.questionAnswering = "qa_outputs";
        names.transposedLinear = true;
        return names;
    }
};

} // namespace

std::vector<const ModelFamily*> gpt2Families() {
    static const Gpt2 family;
    return {&family};
}

} // namespace orrery::model
