// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/options.h"
#include "checkpoint/config.h"

#include <string>

namespace orrery::model {
class Model;
}

namespace orrery::generate {

/// How a checkpoint wants to generate: generation_config.json, or, where that is missing, the same keys of
/// config.json. Everything is checked when it is used; InputError naming file and key.
class GenerationConfig {
public:
    /// Of a model's folder, which may have neither key.
    static GenerationConfig of(const model::Model& model);
    explicit GenerationConfig(checkpoint::ModelConfig config) : m_config(std::move(config)) {}

    /// The strategy that its do_sample, num_beams, penalty_alpha and prompt_lookup_num_tokens stand for.
    [[nodiscard]] std::string strategy() const;
    /// Takes over every key that the options know.
    void apply(OptionValues& values) const;
    [[nodiscard]] const checkpoint::ModelConfig& config() const { return m_config; }

private:
    checkpoint::ModelConfig m_config;
};

/// The values of generationOptions() for a model: its configuration's, with the ends of text of config.json
/// or the tokenizer where it names none, and a padding token.
[[nodiscard]] OptionValues defaultValues(const model::Model& model);

} // namespace orrery::generate
