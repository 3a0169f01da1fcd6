// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/progress.h"
#include "base/random.h"
#include "generate/decoding_strategy.h"
#include "generate/generation.h"
#include "generate/text_stream.h"

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace orrery::generate {

/// What a strategy works with in one generation: the model's steps (timed), the processors, the ends, and the
/// place where accepted tokens go.
class DecodingRun {
public:
    DecodingRun(StepModel& model, std::span<const TokenIds> prompts, const GenerateOptions& options,
                const text::Tokenizer* tokenizer, const Progress& progress);

    [[nodiscard]] StepModel& model() { return m_model; }
    [[nodiscard]] std::span<const TokenIds> prompts() const { return m_prompts; }
    [[nodiscard]] const GenerateOptions& options() const { return m_options; }
    [[nodiscard]] const Progress& progress() const { return m_progress; }
    [[nodiscard]] std::int64_t maxNewTokens() const { return m_maxNewTokens; } ///< at least 1
    /// A stream of random numbers of its own for each call, the same for the same seed.
    [[nodiscard]] Generator makeGenerator() { return m_seed.split(); }

    // Calls of the model, timed and cancellable. Logits as StepModel gives them.
    Tensor prefill();
    Tensor step(std::span<const std::int64_t> tokens);
    Tensor extend(std::span<const std::int64_t> tokens); ///< see StepModel::extend

    /// Applies all processors to the scores [V] of what follows ids (a prompt and its continuation).
    /// UsageError when they leave no token.
    void process(std::size_t prompt, std::span<const std::int64_t> ids, std::span<float> scores) const;
    /// The record of a token that was chosen from logits [V] as the model gave them.
    [[nodiscard]] TokenRecord record(const Choice& choice, std::span<const float> logits) const;

    // Strategies that make their sequences token by token.
    /// A new sequence of a prompt; its number.
    std::size_t begin(std::size_t prompt);
    /// Prompt and continuation so far.
    [[nodiscard]] std::span<const std::int64_t> said(std::size_t sequence) const;
    [[nodiscard]] std::size_t promptOf(std::size_t sequence) const;
    /// Adds a token; false when the sequence ends with it.
    bool accept(std::size_t sequence, TokenRecord token);
    /// Ends a sequence for another reason, unless it has ended.
    void end(std::size_t sequence, StopReason reason);
    [[nodiscard]] bool ended(std::size_t sequence) const;
    /// Goes on from the last part of the texts of these sequences, one a row of the model, when there are no
    /// further positions: logits of their last tokens. Nothing when the options do not allow it.
    std::optional<Tensor> shiftContext(std::span<const std::size_t> sequences);

    // Strategies that search.
    /// Why a candidate (prompt and continuation) would end with its last token, apart from positions and
    /// callbacks.
    struct End {
        StopReason reason;
        std::string stopString{};
    };
    [[nodiscard]] std::optional<End> endOf(std::size_t prompt, std::span<const std::int64_t> ids) const;
    [[nodiscard]] bool timeIsUp() const;
    /// Adds a whole sequence.
    void add(std::size_t prompt, std::vector<TokenRecord> tokens, double score, const End& end);

    [[nodiscard]] Speculation& speculation() { return m_result.speculation; }
    /// What was made.
    [[nodiscard]] Generation finish();

private:
    struct Track {
        TokenIds ids;
        Sequence sequence;
        bool ended = false;
        std::unique_ptr<TextStream> stream;
        std::unique_ptr<StopStrings> stops;
        std::chrono::steady_clock::time_point last;
    };
    [[nodiscard]] TokenIds lastPart(std::span<const std::int64_t> ids) const;
    Tensor timed(const std::function<Tensor()>& call);
    void closeInterval();
    [[nodiscard]] bool isStop(std::int64_t id) const;
    Track& open(std::size_t prompt);
    /// Takes a token into the sequence's text; what can be shown of it.
    static std::string addText(Track& track, std::int64_t id);
    /// Ends a sequence; the rest of its text.
    static std::string close(Track& track, StopReason reason);
    void tell(std::size_t sequence, std::int64_t id, std::string_view text);

    StepModel& m_model;
    std::vector<TokenIds> m_prompts;
    const GenerateOptions& m_options;
    const text::Tokenizer* m_tokenizer;
    const Progress& m_progress;
    std::int64_t m_maxNewTokens = 0;
    LogitProcessorList m_processors;
    std::deque<Track> m_tracks;
    Generation m_result;
    Generator m_seed;
    std::chrono::steady_clock::time_point m_start;
    std::optional<std::chrono::steady_clock::time_point> m_callStart;
    bool m_prefilled = false; ///< the interval that began with the prompts is over
};

} // namespace orrery::generate
