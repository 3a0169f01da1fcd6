// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "generate/decoding_strategy.h"
#include "model/model.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace orrery::generate {

struct GenerateOptions {
    std::int64_t maxNewTokens = 64;
    std::vector<std::int64_t> stopIds; ///< a row ends after one of these
    std::int64_t padId = 0;            ///< fills rows that ended before others
    std::uint64_t seed = 0;
    bool useCache = true; ///< false: every step runs the whole sequence (to compare)
    /// Called after every step with the new id of each row; false ends the generation.
    std::function<bool(std::span<const std::int64_t> ids)> onTokens;
};

enum class StopReason { MaxTokens, StopId, Context, Callback };

struct Generation {
    Tensor ids; ///< [B, prompt + new] i64
    std::int64_t promptLength = 0;
    std::vector<StopReason> reasons; ///< by row
    double prefillSeconds = 0;       ///< the prompt, up to the first new token
    std::vector<double> stepSeconds; ///< each further token
    std::size_t cacheBytes = 0;      ///< keys and values at the end
};

/// Continues the prompts of a causal model. Prompts of different lengths are padded on the left
/// (attentionMask). UsageError for models that are not causal.
[[nodiscard]] Generation generate(const model::Model& model, const model::ModelInput& prompt,
                                  const DecodingStrategy& strategy, const OptionValues& strategyOptions,
                                  const GenerateOptions& options, const Context& context = {});

} // namespace orrery::generate
