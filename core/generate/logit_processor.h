// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "generate/step_model.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::generate {

/// What a processor is told of the row whose next token is to be chosen. Padding is never part of it, so that
/// a row's continuation does not depend on the other rows of its batch.
struct Said {
    std::span<const std::int64_t> ids; ///< prompt and continuation so far
    std::int64_t promptLength = 0;     ///< of which the prompt
};

/// Changes the scores [V] of the next token; -infinity forbids it. Small things that are put one after the
/// other. Scores are logits, or log probabilities in beam search (as Hugging Face has it).
class LogitProcessor {
public:
    virtual ~LogitProcessor() = default;
    [[nodiscard]] virtual std::string_view name() const = 0; ///< "repetition_penalty"
    virtual void apply(const Said& said, std::span<float> scores) const = 0;
};
using LogitProcessorList = std::vector<std::unique_ptr<const LogitProcessor>>;

/// Adds a bias to the last token of a sequence where the tokens before it have just been said; sequences of
/// one token are biased always.
struct SequenceBias {
    TokenIds ids;
    double bias = 0;
};

/// What the processors need to know, with the names that the field uses. Values that change nothing: no
/// processor.
struct ProcessorSettings {
    std::vector<SequenceBias> sequenceBias{};
    double repetitionPenalty =
        1; ///< Keskar et al., CTRL, 2019: scores of said tokens s / p, or s * p below zero
    double presencePenalty = 0;     ///< subtracted from the score of every token of the continuation
    double frequencyPenalty = 0;    ///< the same, times how often it was said
    std::int64_t noRepeatNgram = 0; ///< no n-gram twice, prompt included
    std::vector<TokenIds> badWords{};
    std::int64_t minLength = 0;            ///< prompt included: no end before
    std::int64_t minNewTokens = 0;         ///< no end before so many new tokens
    std::int64_t forcedBos = -1;           ///< after a prompt of one token (decoders of encoder-decoders)
    std::vector<std::int64_t> forcedEos{}; ///< as the last token that fits
    bool removeInvalid = false;            ///< not-a-numbers become 0, infinities the largest number
    /// From this many new tokens on, scores of ends rise by |score| (factor^n - 1); factor 1: not used.
    std::int64_t decayStart = 0;
    double decayFactor = 1;
    std::vector<std::int64_t> suppress{};
    std::vector<std::int64_t> suppressAtBegin{}; ///< for the first new token
    std::vector<std::int64_t> eosIds{};
    std::int64_t maxNewTokens = 0; ///< for forcedEos
};

/// The processors that the settings ask for, in the order of Hugging Face (presence and frequency penalties,
/// which it does not have, after the repetition penalty). UsageError for ids outside the vocabulary.
[[nodiscard]] LogitProcessorList makeProcessors(const ProcessorSettings& settings, std::int64_t vocabulary);

/// scores to log(softmax(scores)), in place.
void normalizeScores(std::span<float> scores);

} // namespace orrery::generate
