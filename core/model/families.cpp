// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "model/family.h"
#include "model/network.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::model {

std::vector<const ModelFamily*> bertFamilies(); // bert_family.cpp, and so on
std::vector<const ModelFamily*> bertRelatives();
std::vector<const ModelFamily*> modernBertFamilies();
std::vector<const ModelFamily*> debertaFamilies();
std::vector<const ModelFamily*> xlnetFamilies();
std::vector<const ModelFamily*> fnetFamilies();
std::vector<const ModelFamily*> gpt2Families();
std::vector<const ModelFamily*> gptRelatives();
std::vector<const ModelFamily*> llamaFamilies();

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
    case HeadKind::ReplacedTokens:
        return "detection of replaced tokens";
    }
    return "";
}

const std::vector<const ModelFamily*>& families() {
    static const std::vector<const ModelFamily*> all = [] {
        std::vector<const ModelFamily*> found;
        for (const auto& some :
             {bertFamilies(), bertRelatives(), modernBertFamilies(), debertaFamilies(), xlnetFamilies(),
              fnetFamilies(), gpt2Families(), gptRelatives(), llamaFamilies()})
            found.insert(found.end(), some.begin(), some.end());
        std::sort(found.begin(), found.end(),
                  [](const ModelFamily* a, const ModelFamily* b) { return a->id() < b->id(); });
        return found;
    }();
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
