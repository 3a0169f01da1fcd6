// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "generate/causal_step_model.h"
#include "generate/decoding_strategy.h"
#include "generate/generation.h"
#include "model/model.h"

#include <memory>
#include <span>

namespace orrery::generate {

/// Continues prompts with anything that steps. tokenizer: for texts and stop strings, or null.
[[nodiscard]] Generation generate(StepModel& model, std::span<const TokenIds> prompts,
                                  const DecodingStrategy& strategy, const OptionValues& strategyOptions,
                                  const GenerateOptions& options, const text::Tokenizer* tokenizer = nullptr,
                                  const Progress& progress = {});

/// Continues the prompts of a causal model. Prompts of different lengths are padded on the left
/// (attentionMask). UsageError for models that are not causal.
[[nodiscard]] Generation generate(const model::Model& model, const model::ModelInput& prompt,
                                  const DecodingStrategy& strategy, const OptionValues& strategyOptions,
                                  const GenerateOptions& options, const Context& context = {});

/// Generations one after the other that do not compute again what their prompts have in common (a
/// conversation, an edited prompt): the keys and values stay.
class Session {
public:
    explicit Session(std::shared_ptr<const model::Model> model, const Context& context = {});
    [[nodiscard]] Generation generate(const TokenIds& prompt, const DecodingStrategy& strategy,
                                      const OptionValues& strategyOptions, const GenerateOptions& options,
                                      const Progress& progress = {});
    [[nodiscard]] std::size_t bytes() const { return m_steps ? m_steps->stateBytes() : 0; }

private:
    std::shared_ptr<const model::Model> m_model;
    Context m_context;
    CausalStepOptions m_settings;
    std::unique_ptr<CausalStepModel> m_steps;
};

/// The rows of an input without their padding on the left; UsageError when it is elsewhere.
[[nodiscard]] std::vector<TokenIds> promptsOf(const model::ModelInput& input);

} // namespace orrery::generate
