// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/networks/text.h"
#include "model/networks/vision.h"

#include <fmt/format.h>

namespace orrery::model {

TextHead::TextHead(const Weights& all, const Weights& base, const checkpoint::ModelConfig& config,
                   const StackConfig& sizes, const Tensor& words, const Names& names) {
    const std::int64_t width = sizes.hiddenSize;
    const nn::Activation activation =
        nn::activationFromName(config.text({"hidden_act"}, "gelu"), config.fileName());
    m_activation = names.gelu ? nn::Activation::Gelu : activation;
    if (!names.pooler.empty() && base.has(names.pooler + ".weight"))
        m_pooler = base.linear("pooler", names.pooler, width, width);
    const auto labels = static_cast<std::int64_t>(sizes.labels.size());
    const bool pretraining = isArchitecture(sizes, "ForPreTraining");
    if (pretraining || isArchitecture(sizes, "ForMaskedLM")) {
        m_dense = all.linear("head.dense", names.dense, width, width);
        m_norm = all.layerNorm("head.norm", names.norm, width, config.real({"layer_norm_eps"}, 1e-12));
        const Tensor bias = all.parameter("unembed.bias", names.bias, {sizes.vocabulary});
        const std::string decoder = names.decoder + ".weight";
        const bool own = !config.boolean({"tie_word_embeddings"}, true) && all.has(decoder);
        if (!own)
            all.ignore(decoder);
        all.ignore(names.decoder + ".bias"); // the bias again
        m_decoder = all.tied(
            "unembed", own ? all.table("unembed.table", decoder, {sizes.vocabulary, width}) : words, bias);
        if (pretraining)
            m_relation = all.linear("relation", "cls.seq_relationship", width, 2);
    } else if (isArchitecture(sizes, "ForSequenceClassification")) {
        if (all.has("classifier.out_proj.weight")) {
            m_classDense = all.linear("classifier.dense", "classifier.dense", width, width);
            m_classActivation = names.gelu ? nn::Activation::Tanh : activation;
            m_classifier = all.linear("classifier", "classifier.out_proj", width, labels);
        } else {
            m_classifier = all.linear("classifier", "classifier", width, labels);
        }
    } else if (isArchitecture(sizes, "ForTokenClassification")) {
        m_classifier = all.linear("classifier", "classifier", width, labels);
        m_byToken = true;
    } else if (isArchitecture(sizes, "ForQuestionAnswering")) {
        m_answers = all.linear("answers", "qa_outputs", width, 2);
    } else {
        m_pools = m_pooler.defined();
    }
}

std::string TextHead::task() const {
    if (givesWords())
        return "masked language model";
    if (m_classifier.defined())
        return m_byToken ? "token classification" : "text classification";
    return m_answers.defined() ? "question answering" : "base model";
}

Tensor TextHead::words(NetworkRun& run, const Tensor& x) const {
    return run.linear(m_decoder, run.norm(m_norm, run.linear(m_dense, x, m_activation)));
}

NamedTensors TextHead::run(NetworkRun& run, const Tensor& x) const {
    NamedTensors outputs{{"last_hidden_state", x}};
    const auto pooled = [&] {
        return m_pooler.defined() ? run.linear(m_pooler, tokenAt(x, 0), nn::Activation::Tanh) : tokenAt(x, 0);
    };
    if (m_pools)
        outputs["pooler_output"] = pooled();
    if (m_relation.defined()) {
        outputs["prediction_logits"] = words(run, x);
        outputs["seq_relationship_logits"] = run.linear(m_relation, pooled());
    } else if (givesWords()) {
        outputs["logits"] = words(run, x);
    } else if (m_classDense.defined()) {
        outputs["logits"] =
            run.linear(m_classifier, run.linear(m_classDense, tokenAt(x, 0), m_classActivation));
    } else if (m_classifier.defined()) {
        outputs["logits"] = run.linear(m_classifier, m_byToken ? x : pooled());
    } else if (m_answers.defined()) {
        const Tensor both = run.linear(m_answers, x);
        outputs["start_logits"] = run.dense(both.select(2, 0));
        outputs["end_logits"] = run.dense(both.select(2, 1));
    }
    return outputs;
}

} // namespace orrery::model
