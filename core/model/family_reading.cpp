// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/family_reading.h"

#include "base/error.h"

#include <fmt/format.h>

namespace orrery::model {
namespace {

std::optional<std::int64_t> tokenId(const checkpoint::ModelConfig& config, std::string_view key,
                                    std::int64_t vocabulary) {
    if (!config.has(key) || !config.json()[std::string(key)].is_number_integer())
        return std::nullopt;
    const auto id = config.json()[std::string(key)].get<std::int64_t>();
    // Some configs keep ids of another vocabulary (-1, or beyond the end): they name no token.
    return id < 0 || id >= vocabulary ? std::nullopt : std::optional(id);
}

} // namespace

HeadKind headFromArchitecture(std::string_view architecture, HeadKind fallback) {
    struct Ending {
        std::string_view text;
        HeadKind head;
    };
    static constexpr Ending endings[] = {
        {"ForMaskedLM", HeadKind::MaskedLM},
        {"ForPreTraining", HeadKind::MaskedLM},
        {"ForCausalLM", HeadKind::CausalLM},
        {"LMHeadModel", HeadKind::CausalLM},
        {"ForSequenceClassification", HeadKind::SequenceClassification},
        {"ForTokenClassification", HeadKind::TokenClassification},
        {"ForQuestionAnswering", HeadKind::QuestionAnswering},
        {"Model", HeadKind::None},
    };
    for (const Ending& ending : endings)
        if (architecture.ends_with(ending.text))
            return ending.head;
    return fallback;
}

void readCommon(const checkpoint::ModelConfig& config, HeadKind fallbackHead, StackConfig& stack) {
    stack.family = config.modelType();
    const std::vector<std::string> architectures = config.architectures();
    if (!architectures.empty())
        stack.architecture = architectures.front();
    stack.head = headFromArchitecture(stack.architecture, fallbackHead);
    if (stack.heads < 1 || (stack.headSize == 0 && stack.hiddenSize % stack.heads != 0))
        throw InputError(fmt::format("{}: the hidden size {} is not a multiple of the {} attention heads.",
                                     config.fileName(), stack.hiddenSize, stack.heads));
    if (stack.layers > 10000 || stack.hiddenSize > (1 << 20) || stack.feedForward > (1 << 22) ||
        stack.heads > (1 << 16) || stack.headSize > (1 << 16) || stack.experts > (1 << 16))
        throw InputError(
            fmt::format("{}: {} layers of width {} with feed-forward {} and {} heads are more than any "
                        "model has; the file is damaged.",
                        config.fileName(), stack.layers, stack.hiddenSize, stack.feedForward, stack.heads));
    if (stack.keyValueHeads == 0)
        stack.keyValueHeads = stack.heads;
    if (stack.keyValueHeads < 1 || stack.heads % stack.keyValueHeads != 0)
        throw InputError(
            fmt::format("{}: the {} attention heads cannot share {} heads of keys and values evenly.",
                        config.fileName(), stack.heads, stack.keyValueHeads));
    if (stack.headSize == 0)
        stack.headSize = stack.hiddenSize / stack.heads;
    if (stack.embeddingSize == 0)
        stack.embeddingSize = stack.hiddenSize;
    stack.layerSettings.resize(static_cast<std::size_t>(stack.layers));
    for (std::size_t layer = 0; layer < stack.layerSettings.size(); ++layer)
        stack.layerSettings[layer].group = static_cast<int>(layer);
    if (!(stack.normEpsilon >= 0 && stack.normEpsilon < 1))
        throw InputError(
            fmt::format("{}: the epsilon of the layer norms is {}, which is not between 0 and 1.",
                        config.fileName(), stack.normEpsilon));
    stack.tiedEmbeddings = config.boolean({"tie_word_embeddings"}, stack.tiedEmbeddings);
    if (config.boolean({"add_cross_attention"}, false))
        throw InputError(
            fmt::format("{}: models with cross-attention (add_cross_attention) are not supported yet.",
                        config.fileName()));
    if (stack.head == HeadKind::SequenceClassification || stack.head == HeadKind::TokenClassification)
        stack.labels = config.labels();
    stack.padToken = tokenId(config, "pad_token_id", stack.vocabulary);
    stack.bosToken = tokenId(config, "bos_token_id", stack.vocabulary);
    if (config.has("eos_token_id") && config.json()["eos_token_id"].is_array()) {
        for (const Json& id : config.json()["eos_token_id"])
            if (id.is_number_integer())
                stack.eosTokens.push_back(id.get<std::int64_t>());
    } else if (const auto eos = tokenId(config, "eos_token_id", stack.vocabulary)) {
        stack.eosTokens.push_back(*eos);
    }
}

} // namespace orrery::model
