// SPDX-License-Identifier: GPL-3.0-or-later
#include "generate/verification.h"

#include "base/error.h"
#include "generate/generate.h"
#include "generate/generation_config.h"
#include "generate/write.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::generate {
namespace {

/// An argument that is null stands for "none", whatever the model's configuration says.
void applyArguments(const GenerationConfig& arguments, OptionValues& values) {
    for (const Option& option : values.schema().all()) {
        const Json& json = arguments.config().json();
        if (json.contains(option.name()) && json.at(option.name()).is_null())
            values.reset(option.name());
    }
    arguments.apply(values);
}

model::ModelInput textOf(const model::NamedTensors& prompts) {
    model::ModelInput input;
    input.inputIds = prompts.at("input_ids");
    if (const auto mask = prompts.find("attention_mask"); mask != prompts.end())
        input.attentionMask = mask->second;
    return input;
}

/// What a decoder writes after its first ids.
Generation written(const model::Model& model, const model::NamedTensors& prompts,
                   const DecodingStrategy& strategy, const OptionValues& how, const GenerateOptions& options,
                   const Context& context) {
    model::ModelInput begin;
    begin.inputIds = prompts.at("decoder_input_ids");
    return write(model, prompts, strategy, how, options, context, promptsOf(begin));
}

} // namespace

model::Continuation continuation() {
    return [](const model::Model& model, const model::NamedTensors& prompts, const Json& given,
              std::int64_t newTokens, const Progress& progress) {
        const Json greedily{{"do_sample", false}, {"num_beams", 1}, {"eos_token_id", nullptr}};
        const GenerationConfig arguments(
            checkpoint::ModelConfig(given.empty() ? greedily : given, "case.json"));
        const std::string wanted = arguments.strategy();
        const auto strategies = builtInStrategies();
        const auto strategy = std::find_if(strategies.begin(), strategies.end(),
                                           [&](const auto& one) { return one->info().id == wanted; });
        if (strategy == strategies.end() || wanted.ends_with("sampling"))
            throw InputError(fmt::format("case.json: continuations by {} cannot be compared.", wanted));
        OptionValues how((*strategy)->options());
        GenerationConfig::of(model).apply(how);
        applyArguments(arguments, how);
        OptionValues values = defaultValues(model);
        applyArguments(arguments, values);
        if (!arguments.config().has("max_new_tokens"))
            values.set("max_new_tokens", newTokens);
        GenerateOptions options = toGenerateOptions(values, model.tokenizer().get());
        Context context;
        context.progress = progress;
        const Generation made = EncoderDecoderStepModel::fits(model)
                                    ? written(model, prompts, **strategy, how, options, context)
                                    : generate(model, textOf(prompts), **strategy, how, options, context);
        std::vector<std::vector<std::int64_t>> best(
            static_cast<std::size_t>(prompts.begin()->second.size(0)));
        for (auto sequence = made.sequences.rbegin(); sequence != made.sequences.rend(); ++sequence)
            best[sequence->prompt] = sequence->ids(); // the first of a prompt is written last
        return best;
    };
}

} // namespace orrery::generate
