// SPDX-License-Identifier: GPL-3.0-or-later
#include "generate/generate.h"

#include "base/error.h"
#include "generate/decoding_run.h"

#include <algorithm>

namespace orrery::generate {

std::vector<TokenIds> promptsOf(const model::ModelInput& input) {
    std::vector<TokenIds> prompts;
    for (std::int64_t row = 0; row < input.batch(); ++row) {
        TokenIds& prompt = prompts.emplace_back();
        for (std::int64_t i = 0; i < input.length(); ++i) {
            if (!input.attentionMask.defined() || input.attentionMask.at({row, i}) != 0)
                prompt.push_back(static_cast<std::int64_t>(input.inputIds.at({row, i})));
            else if (!prompt.empty())
                throw UsageError(
                    "Prompts of different lengths are padded on the left for generation, so that every "
                    "row ends in its last word.");
        }
    }
    return prompts;
}

Generation generate(StepModel& model, std::span<const TokenIds> prompts, const DecodingStrategy& strategy,
                    const OptionValues& strategyOptions, const GenerateOptions& options,
                    const text::Tokenizer* tokenizer, const Progress& progress) {
    DecodingRun run(model, prompts, options, tokenizer, progress);
    strategy.decode(run, strategyOptions);
    return run.finish();
}

Generation generate(const model::Model& model, const model::ModelInput& prompt,
                    const DecodingStrategy& strategy, const OptionValues& strategyOptions,
                    const GenerateOptions& options, const Context& context) {
    CausalStepModel steps(
        model, context,
        {.useCache = options.useCache, .keepHidden = strategy.needsHidden(), .padId = options.padId});
    Generation made = generate(steps, promptsOf(prompt), strategy, strategyOptions, options,
                               model.tokenizer().get(), context.progress);
    // The prompts as they were given, with their padding.
    const std::int64_t width = prompt.length() + made.ids.size(1) - made.promptLength;
    const Tensor ids = Tensor::empty({made.ids.size(0), width}, DType::I64);
    ids.slice(1, prompt.length(), width).copyFrom(made.ids.slice(1, made.promptLength, made.ids.size(1)));
    for (std::int64_t row = 0; row < ids.size(0); ++row)
        ids.select(0, row)
            .slice(0, 0, prompt.length())
            .copyFrom(prompt.inputIds.select(
                0, static_cast<std::int64_t>(made.sequences[static_cast<std::size_t>(row)].prompt)));
    made.ids = ids;
    made.promptLength = prompt.length();
    return made;
}

Session::Session(std::shared_ptr<const model::Model> model, const Context& context)
    : m_model(std::move(model)), m_context(context) {}

Generation Session::generate(const TokenIds& prompt, const DecodingStrategy& strategy,
                             const OptionValues& strategyOptions, const GenerateOptions& options,
                             const Progress& progress) {
    const CausalStepOptions wanted{
        .useCache = options.useCache, .keepHidden = strategy.needsHidden(), .padId = options.padId};
    // Hidden states are needed of the whole prompt, so nothing may be left out.
    if (!m_steps || wanted.keepHidden || m_settings.keepHidden || wanted.useCache != m_settings.useCache)
        m_steps = std::make_unique<CausalStepModel>(*m_model, m_context, wanted);
    m_settings = wanted;
    m_steps->setProgress(progress);
    return orrery::generate::generate(*m_steps, std::span(&prompt, 1), strategy, strategyOptions, options,
                                      m_model->tokenizer().get(), progress);
}

} // namespace orrery::generate
