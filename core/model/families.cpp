// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "model/family.h"
#include "model/network.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::model {

const ModelFamily& bertFamily();
const ModelFamily& robertaFamily();
const ModelFamily& gpt2Family();

std::string_view name(HeadKind head) {
    switch (head) {
    case HeadKind::None:
        return "base model";
    case HeadKind::MaskedLM:
        return "masked language model";
    case HeadKind::CausalLM:
        return "causal language model";
    case HeadKind::SequenceClassification:
        return "sequence classification";
    case HeadKind::TokenClassification:
        return "token classification";
    case HeadKind::QuestionAnswering:
        return "question answering";
    }
    return "";
}

const std::vector<const ModelFamily*>& families() {
    static const std::vector<const ModelFamily*> all{&bertFamily(), &gpt2Family(), &robertaFamily()};
    return all;
}

const ModelFamily& familyFor(const checkpoint::ModelConfig& config) {
    const std::string type = config.modelType();
    std::string known;
    for (const ModelFamily* family : families()) {
        if (family->id() == type)
            return *family;
        known += (known.empty() ? "" : ", ") + family->id();
    }
    for (const NetworkFamily& family : networkFamilies())
        known += (known.empty() ? "" : ", ") + std::string(family.id);
    throw InputError(fmt::format("{}: the model family \"{}\" is not known to Orrery; it knows {}.",
                                 config.fileName(), type, known));
}

} // namespace orrery::model
