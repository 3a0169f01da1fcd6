// SPDX-License-Identifier: GPL-3.0-or-later
#include "generate/write.h"

#include "base/error.h"
#include "generate/generate.h"
#include "generate/generation_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace orrery::generate {
namespace {

/// The ids of an object like {"<|en|>": 50259}, which must be words of the model.
std::vector<std::pair<std::string, std::int64_t>> namedIds(const checkpoint::ModelConfig& config,
                                                           const char* key, std::int64_t vocabulary) {
    std::vector<std::pair<std::string, std::int64_t>> ids;
    if (!config.has(key))
        return ids;
    const Json& names = config.json().at(key);
    if (!names.is_object())
        throw config.error(key, "but names with token ids are needed");
    for (const auto& [name, id] : names.items()) {
        if (!id.is_number_integer() || id.get<std::int64_t>() < 0 || id.get<std::int64_t>() >= vocabulary)
            throw config.error(key, fmt::format("where {} is no token of the model", name));
        ids.emplace_back(name, id.get<std::int64_t>());
    }
    return ids;
}

/// The id of a language or task as people write it: en, <|en|>.
std::int64_t idOf(const std::vector<std::pair<std::string, std::int64_t>>& known, const std::string& wanted,
                  const char* what) {
    std::vector<std::string> names;
    for (const auto& [name, id] : known) {
        if (name == wanted || name == "<|" + wanted + "|>")
            return id;
        names.push_back(name);
    }
    throw UsageError(fmt::format("The model does not know the {} '{}'; it knows {}.", what, wanted,
                                 fmt::join(names, ", ")));
}

std::int64_t startToken(const model::Model& model, const checkpoint::ModelConfig& config) {
    for (const char* key : {"decoder_start_token_id", "bos_token_id"})
        for (const auto* source : {&config, &model.fileConfig()})
            if (source->has(key)) {
                const std::int64_t id = source->integer({key});
                if (id >= model.vocabulary())
                    throw source->error(key, "which is no token of the model");
                return id;
            }
    throw UsageError(
        fmt::format("{} does not say with which token a text begins; give decoder_input_ids.", model.name()));
}

/// "forced_decoder_ids": [[1, 50362], ...], from position 1 on as far as they are known.
TokenIds forcedIds(const checkpoint::ModelConfig& config, std::int64_t vocabulary) {
    TokenIds ids;
    if (!config.has("forced_decoder_ids"))
        return ids;
    for (const Json& pair : config.json().at("forced_decoder_ids")) {
        const bool known = pair.is_array() && pair.size() == 2 && pair[0].is_number_integer() &&
                           pair[0].get<std::int64_t>() == static_cast<std::int64_t>(ids.size()) + 1 &&
                           pair[1].is_number_integer();
        if (!known)
            break;
        const auto id = pair[1].get<std::int64_t>();
        if (id < 0 || id >= vocabulary)
            throw config.error("forced_decoder_ids", "where an id is no token of the model");
        ids.push_back(id);
    }
    return ids;
}

} // namespace

std::vector<TokenIds> decoderBegins(const model::Model& model, EncoderDecoderStepModel& steps,
                                    const DecoderStart& start) {
    const auto items = static_cast<std::size_t>(steps.items());
    if (!start.ids.empty())
        return std::vector<TokenIds>(items, start.ids);
    const checkpoint::ModelConfig config = GenerationConfig::of(model).config();
    std::vector<TokenIds> begins(items, TokenIds{startToken(model, config)});
    const auto languages = namedIds(config, "lang_to_id", model.vocabulary());
    const auto tasks = namedIds(config, "task_to_id", model.vocabulary());
    TokenIds rest;
    if (languages.empty()) {
        if (!start.language.empty())
            throw UsageError(fmt::format("{} has no languages to choose from.", model.name()));
        rest = forcedIds(config, model.vocabulary());
    } else if (!start.language.empty()) {
        rest.push_back(idOf(languages, start.language, "language"));
    } else {
        const Tensor logits = steps.prefill(begins);
        for (std::size_t item = 0; item < items; ++item) {
            const float* row = logits.pointer<float>() + static_cast<std::int64_t>(item) * logits.size(1);
            std::int64_t best = languages.front().second;
            for (const auto& [name, id] : languages)
                if (row[id] > row[best])
                    best = id;
            begins[item].push_back(best);
        }
    }
    if (!tasks.empty())
        rest.push_back(idOf(tasks, start.task.empty() ? "transcribe" : start.task, "task"));
    else if (!start.task.empty())
        throw UsageError(fmt::format("{} has no tasks to choose from.", model.name()));
    if (config.has("no_timestamps_token_id")) {
        const std::int64_t id = config.integer({"no_timestamps_token_id"});
        if (id < model.vocabulary() && (rest.empty() || rest.back() != id))
            rest.push_back(id);
    }
    for (TokenIds& ids : begins)
        ids.insert(ids.end(), rest.begin(), rest.end());
    return begins;
}

Generation write(const model::Model& model, const model::NamedTensors& read, const DecodingStrategy& strategy,
                 const OptionValues& strategyOptions, const GenerateOptions& options, const Context& context,
                 std::vector<TokenIds> begins) {
    EncoderDecoderStepModel steps(model, read, context);
    if (begins.empty())
        begins = decoderBegins(model, steps, options.decoderStart);
    return generate(steps, begins, strategy, strategyOptions, options, model.tokenizer().get(),
                    context.progress);
}

} // namespace orrery::generate
