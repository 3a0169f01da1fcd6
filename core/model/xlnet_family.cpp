// SPDX-License-Identifier: GPL-3.0-or-later
// XLNet (Yang et al. 2019): Transformer-XL's relative attention, in both directions.
#include "base/error.h"
#include "model/family.h"
#include "model/family_reading.h"

#include <fmt/format.h>

namespace orrery::model {
namespace {

using checkpoint::ModelConfig;

class XlNet final : public ModelFamily {
public:
    [[nodiscard]] std::string id() const override { return "xlnet"; }
    [[nodiscard]] std::string title() const override { return "XLNet"; }
    [[nodiscard]] StackConfig read(const ModelConfig& config) const override {
        StackConfig stack;
        stack.vocabulary = config.positive({"vocab_size"});
        stack.hiddenSize = config.positive({"d_model"});
        stack.layers = config.positive({"n_layer"});
        stack.heads = static_cast<int>(config.positive({"n_head"}));
        stack.feedForward = config.positive({"d_inner"});
        stack.maxPositions = 1 << 16; // distances have no end; the scores are what is dear
        stack.typeVocabulary = 3;     // two texts and the classifying token
        stack.normEpsilon = config.real({"layer_norm_eps"}, 1e-12);
        stack.activation = nn::activationFromName(config.text({"ff_activation"}, "gelu"), config.fileName());
        stack.positions = PositionKind::None;
        stack.relative = RelativeKind::TransformerXl;
        stack.pooling = Pooling::Last;
        stack.classifierActivation = nn::Activation::Tanh;
        for (const char* key : {"clamp_len", "mem_len", "reuse_len"})
            if (config.integerIn({key}, {.low = -1}, -1) > 0)
                throw config.error(key, "but memories and clamped distances are not supported yet");
        if (config.text({"attn_type"}, "bi") != "bi")
            throw config.error("attn_type", "but only bi is supported");
        if (config.boolean({"same_length"}, false) || config.boolean({"bi_data"}, false))
            throw config.error("bi_data", "but neither it nor same_length is supported");
        readCommon(config, HeadKind::None, stack);
        if (stack.head == HeadKind::CausalLM)
            stack.head = HeadKind::MaskedLM; // its words are those of hidden places, whatever the order
        if (stack.hiddenSize % 2 != 0)
            throw config.error("d_model", "but sinusoids come in pairs");
        return stack;
    }
    [[nodiscard]] WeightNames names() const override {
        const std::string attention = "layer.{}.rel_attn.";
        WeightNames names;
        names.prefix = "transformer.";
        names.tokenEmbedding = "word_embedding";
        names.headedQuery = attention + "q";
        names.headedKey = attention + "k";
        names.headedValue = attention + "v";
        names.headedPosition = attention + "r";
        names.headedOut = attention + "o";
        names.contentBias = attention + "r_w_bias";
        names.positionBias = attention + "r_r_bias";
        names.segmentBias = attention + "r_s_bias";
        names.segments = attention + "seg_embed";
        names.norm1 = attention + "layer_norm";
        names.mlpIn = "layer.{}.ff.layer_1";
        names.mlpOut = "layer.{}.ff.layer_2";
        names.norm2 = "layer.{}.ff.layer_norm";
        names.headDecoder = "lm_loss";
        names.headBias = "lm_loss.bias";
        names.classifierDense = "sequence_summary.summary";
        names.classifierOut = "logits_proj";
        names.classifier = "classifier";
        names.questionAnswering = "qa_outputs";
        return names;
    }
};

} // namespace

std::vector<const ModelFamily*> xlnetFamilies() {
    static const XlNet family;
    return {&family};
}

} // namespace orrery::model
