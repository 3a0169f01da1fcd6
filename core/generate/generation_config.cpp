// SPDX-License-Identifier: GPL-3.0-or-later
#include "generate/generation_config.h"

#include "base/error.h"
#include "generate/generate_options.h"
#include "model/model.h"
#include "text/tokenizer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <limits>

namespace orrery::generate {
namespace {

std::vector<std::string> sequencesOf(const Json& value, const checkpoint::ModelConfig& config,
                                     std::string_view key) {
    const auto broken = [&] { return config.error(key, "but a list of lists of token ids is needed"); };
    if (!value.is_array())
        throw broken();
    std::vector<std::string> texts;
    for (const Json& sequence : value) {
        TokenIds ids;
        if (!sequence.is_array())
            throw broken();
        for (const Json& id : sequence) {
            if (!id.is_number_integer())
                throw broken();
            ids.push_back(id.get<std::int64_t>());
        }
        texts.push_back(fmt::format("{}", fmt::join(ids, " ")));
    }
    return texts;
}

/// [[[12, 7], -3.5], ...]
std::vector<std::string> biasesOf(const Json& value, const checkpoint::ModelConfig& config) {
    std::vector<std::string> texts;
    for (const Json& pair : value) {
        if (!pair.is_array() || pair.size() != 2 || !pair[1].is_number())
            throw config.error("sequence_bias", "but a list of [[token ids], bias] is needed");
        texts.push_back(fmt::format("{}:{}",
                                    sequencesOf(Json::array({pair[0]}), config, "sequence_bias").front(),
                                    pair[1].get<double>()));
    }
    return texts;
}

OptionValue valueOf(const Option& option, const checkpoint::ModelConfig& config) {
    const std::string& key = option.name();
    switch (option.type()) {
    case OptionType::Boolean:
        return config.boolean({key});
    case OptionType::Integer:
        return config.integerIn({key}, {.low = std::numeric_limits<std::int32_t>::min()});
    case OptionType::Real:
        return config.real({key});
    case OptionType::IntegerList:
        return config.integers({key});
    case OptionType::RealList:
        return config.reals({key});
    case OptionType::TextList:
        return key == "bad_words_ids" ? sequencesOf(config.json().at(key), config, key) : config.texts({key});
    case OptionType::Text:
    case OptionType::Path:
    case OptionType::Choice:
        if (config.json().at(key).is_boolean()) // early_stopping
            return std::string(config.boolean({key}) ? "true" : "false");
        return config.text({key});
    }
    return false;
}

} // namespace

GenerationConfig GenerationConfig::of(const model::Model& model) {
    const auto file = model.folder() / "generation_config.json";
    std::error_code failed;
    return GenerationConfig(std::filesystem::is_regular_file(file, failed)
                                ? checkpoint::ModelConfig::read(file)
                                : model.fileConfig());
}

std::string GenerationConfig::strategy() const {
    const bool beams = m_config.integer({"num_beams"}, 1) > 1;
    if (m_config.boolean({"do_sample"}, false))
        return beams ? "beam_sampling" : "sampling";
    if (beams)
        return "beam_search";
    if (m_config.real({"penalty_alpha"}, 0) > 0 && m_config.integer({"top_k"}, 50) > 1)
        return "contrastive_search";
    return m_config.integer({"prompt_lookup_num_tokens"}, 0) > 0 ? "prompt_lookup" : "greedy";
}

void GenerationConfig::apply(OptionValues& values) const {
    for (const Option& option : values.schema().all()) {
        try {
            if (m_config.has(option.name()))
                values.set(option.name(), valueOf(option, m_config));
            else if (option.name() == "logit_bias" && m_config.has("sequence_bias"))
                values.set("logit_bias", biasesOf(m_config.json().at("sequence_bias"), m_config));
        } catch (const UsageError& error) {
            throw InputError(fmt::format("{}: {}", m_config.fileName(), error.what()));
        }
    }
    if (m_config.has("max_new_tokens") && values.schema().find("max_length") != nullptr)
        values.reset("max_length");
}

OptionValues defaultValues(const model::Model& model) {
    OptionValues values(generationOptions());
    GenerationConfig::of(model).apply(values);
    const auto tokenizer = model.tokenizer();
    if (values.integers("eos_token_id").empty()) {
        std::vector<std::int64_t> ends = model.config().eosTokens;
        if (ends.empty() && tokenizer && tokenizer->eosId())
            ends.push_back(*tokenizer->eosId());
        values.set("eos_token_id", ends);
    }
    if (values.integer("pad_token_id") < 0) {
        const auto& ends = values.integers("eos_token_id");
        values.set("pad_token_id", model.config().padToken.value_or(ends.empty() ? 0 : ends.front()));
    }
    return values;
}

} // namespace orrery::generate
