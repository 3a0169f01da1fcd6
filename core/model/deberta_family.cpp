// SPDX-License-Identifier: GPL-3.0-or-later
// DeBERTa (He et al. 2021) and DeBERTa-v2 and -v3: BERT with disentangled attention to content and distance.
#include "base/error.h"
#include "model/bert_reading.h"
#include "model/family_reading.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace orrery::model {
namespace {

using checkpoint::ModelConfig;

/// The terms of the scores, as a list or as the older "p2c|c2p".
void readTerms(const ModelConfig& config, StackConfig& stack) {
    const std::string key = "pos_att_type";
    if (!config.has(key))
        return;
    std::vector<std::string> terms;
    if (config.json()[key].is_string()) {
        const auto text = config.text({key});
        for (std::size_t start = 0; start <= text.size();) {
            const std::size_t end = std::min(text.find('|', start), text.size());
            terms.push_back(text.substr(start, end - start));
            start = end + 1;
        }
    } else {
        terms = config.texts({key});
    }
    for (const std::string& term : terms) {
        if (term == "c2p")
            stack.contentToPosition = true;
        else if (term == "p2c")
            stack.positionToContent = true;
        else if (!term.empty())
            throw config.error(key, "but only c2p and p2c are known");
    }
}

class Deberta final : public ModelFamily {
public:
    explicit Deberta(bool second) : m_second(second) {}
    [[nodiscard]] std::string id() const override { return m_second ? "deberta-v2" : "deberta"; }
    [[nodiscard]] std::string title() const override { return m_second ? "DeBERTa-v2" : "DeBERTa"; }

    [[nodiscard]] StackConfig read(const ModelConfig& config) const override {
        StackConfig stack = readBertLike(config);
        stack.typeVocabulary = config.integer({"type_vocab_size"}, 0);
        stack.embeddingSize = config.positive({"embedding_size"}, stack.hiddenSize);
        stack.projectionBias = false;
        if (stack.embeddingSize != stack.hiddenSize)
            throw config.error("embedding_size", "but only the hidden size is supported");
        if (config.integer({"conv_kernel_size"}, 0) > 0)
            throw config.error("conv_kernel_size",
                               "but the convolution beside the first layer is not supported yet");
        if (config.boolean({"talking_head"}, false))
            throw config.error("talking_head", "which is not supported yet");
        if (!config.boolean({"position_biased_input"}, true))
            stack.positions = PositionKind::None;
        stack.pooler = stack.head == HeadKind::SequenceClassification;
        stack.poolerActivation =
            nn::activationFromName(config.text({"pooler_hidden_act"}, "gelu"), config.fileName());
        if (!m_second)
            stack.qkvOrder = QkvOrder::ByHead;
        stack.qkvBias = m_second;
        if (!config.boolean({"relative_attention"}, false))
            return stack;
        stack.relative = RelativeKind::Disentangled;
        readTerms(config, stack);
        const std::int64_t reach =
            config.integerIn({"max_relative_positions"}, {.low = -1, .high = 1 << 24}, -1);
        stack.relativeReach = reach < 1 ? stack.maxPositions : reach;
        stack.relativeSpan = stack.relativeReach;
        stack.positionKeyBias = m_second;
        if (m_second) {
            stack.relativeBuckets = std::max<std::int64_t>(
                0, config.integerIn({"position_buckets"}, {.low = -1, .high = 1 << 24}, -1));
            if (stack.relativeBuckets == 1 || stack.relativeBuckets / 2 >= stack.relativeReach - 1)
                throw config.error("position_buckets",
                                   fmt::format("but it must be more than 1, and half of it "
                                               "less than the {} distances",
                                               stack.relativeReach));
            if (stack.relativeBuckets > 0)
                stack.relativeSpan = stack.relativeBuckets;
            stack.relativeNorm =
                config.text({"norm_rel_ebd"}, "none").find("layer_norm") != std::string::npos;
            stack.sharedRelative = config.boolean({"share_att_key"}, false);
        }
        const int terms = 1 + (stack.contentToPosition ? 1 : 0) + (stack.positionToContent ? 1 : 0);
        stack.scoreScale = 1 / std::sqrt(static_cast<double>(stack.headSize * terms));
        return stack;
    }

    [[nodiscard]] WeightNames names() const override {
        WeightNames names = bertLikeNames("deberta.");
        const std::string self = "encoder.layer.{}.attention.self.";
        if (m_second) {
            names.query = self + "query_proj";
            names.key = self + "key_proj";
            names.value = self + "value_proj";
            names.positionKey = self + "pos_key_proj";
            names.positionQuery = self + "pos_query_proj";
        } else {
            names.fusedQkv = self + "in_proj";
            names.queryBias = self + "q_bias";
            names.valueBias = self + "v_bias";
            names.positionKey = self + "pos_proj";
            names.positionQuery = self + "pos_q_proj";
        }
        names.relativeTable = "encoder.rel_embeddings";
        names.relativeNorm = "encoder.LayerNorm";
        names.poolerUnderPrefix = false;
        names.headTransform = "cls.predictions.transform.dense";
        names.headNorm = "cls.predictions.transform.LayerNorm";
        names.headDecoder = "cls.predictions.decoder";
        names.headBias = "cls.predictions.bias";
        return names;
    }

private:
    bool m_second;
};

} // namespace

std::vector<const ModelFamily*> debertaFamilies() {
    static const Deberta first(false);
    static const Deberta second(true);
    return {&first, &second};
}

} // namespace orrery::model
