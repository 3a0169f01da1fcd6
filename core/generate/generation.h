// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "generate/generate_options.h"
#include "tensor/tensor.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace orrery::generate {

struct Alternative {
    std::int64_t id = 0;
    double probability = 0;
};

/// How one token came to be.
struct TokenRecord {
    std::int64_t id = 0;
    double chosen = 0;      ///< probability with which the strategy chose it, after processors and cuts
    double probability = 0; ///< by the model itself; NaN unless GenerateOptions::probabilities
    std::vector<Alternative> alternatives{}; ///< the model's likeliest tokens, likeliest first
    double seconds = 0;                      ///< since the token before it; 0 in beam search
};

/// One continuation.
struct Sequence {
    std::size_t prompt = 0;          ///< number of its prompt
    std::vector<TokenRecord> tokens; ///< new ones
    std::string text;                ///< of the new tokens; empty without a tokenizer
    StopReason reason = StopReason::MaxTokens;
    std::string stopString; ///< that ended it
    double score = 0;       ///< beams: sum of log probabilities / length^length_penalty; else their sum
    [[nodiscard]] TokenIds ids() const;
};

/// Tokens that were guessed and then confirmed by the model.
struct Speculation {
    std::int64_t drafted = 0;
    std::int64_t accepted = 0;
    std::int64_t modelCalls = 0; ///< after the prompt
    [[nodiscard]] double acceptance() const {
        return drafted == 0 ? 0 : static_cast<double>(accepted) / static_cast<double>(drafted);
    }
};

struct Generation {
    Tensor ids; ///< [sequences, longest prompt + longest continuation] i64, padded with padId
    std::int64_t promptLength = 0;   ///< of the longest prompt
    std::vector<Sequence> sequences; ///< by prompt, the best first
    std::vector<StopReason> reasons; ///< by sequence
    double prefillSeconds = 0;       ///< the prompts, up to the first new token
    std::int64_t prefillTokens = 0;  ///< computed for it
    std::int64_t reusedTokens = 0;   ///< of the prompt, held from before
    std::vector<double> stepSeconds; ///< each further step
    std::int64_t newTokens = 0;      ///< of all sequences
    std::int64_t contextShifts = 0;
    Speculation speculation;
    std::size_t cacheBytes = 0; ///< keys and values at the end

    [[nodiscard]] double decodeSeconds() const;
    [[nodiscard]] double prefillTokensPerSecond() const; ///< 0 when nothing was computed
    /// Tokens that the strategy accepted after the first of each sequence.
    [[nodiscard]] double decodeTokensPerSecond() const;
};

} // namespace orrery::generate
