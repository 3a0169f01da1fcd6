// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/options.h"
#include "generate/logit_processor.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::text {
class Tokenizer;
}

namespace orrery::generate {

enum class StopReason {
    MaxTokens,  ///< max_new_tokens (or max_length) is reached
    StopId,     ///< an end-of-sequence token was said
    StopString, ///< the text holds a stop string
    Context,    ///< the model has no further positions
    Time,       ///< the time budget is used up
    Callback    ///< the listener wanted no more
};
[[nodiscard]] std::string_view name(StopReason reason); ///< "max_new_tokens", "eos_token", ...

/// A token as it is accepted, for those who watch. In beam search tokens are only certain at the end: one
/// event a sequence with its last token and its whole text.
struct TokenEvent {
    std::size_t sequence = 0;
    std::int64_t id = 0;
    std::string_view
        text; ///< what can be shown now: whole characters only, never part of a stop string to be cut
    bool last = false; ///< the sequence ends here
};

/// With what the decoder of an encoder-decoder begins; see write.h.
struct DecoderStart {
    std::vector<std::int64_t> ids{}; ///< empty: as the model's configuration says
    std::string language{};          ///< of models that are told: "en"; empty: found by the model
    std::string task{};              ///< of models that are told: "transcribe" or "translate"
};

/// What holds for a generation whatever the strategy.
struct GenerateOptions {
    std::int64_t maxNewTokens = 64;
    std::int64_t maxLength = 0;        ///< prompt included; above 0 it takes the place of maxNewTokens
    std::vector<std::int64_t> stopIds; ///< a row ends after one of these
    std::int64_t padId = 0;            ///< fills rows that ended before others
    std::vector<std::string> stopStrings;
    bool keepStopString = false; ///< the text ends behind the stop string instead of before it
    double maxSeconds = 0;       ///< no further step after so many; 0: no limit
    std::uint64_t seed = 0;
    bool useCache = true;         ///< false: every step runs the whole sequence (to compare)
    bool contextShift = false;    ///< at the end of the positions go on from the last half of the text
    std::int64_t contextKeep = 0; ///< of which the first tokens always stay
    DecoderStart decoderStart{};
    bool probabilities = false;     ///< record the probability of every token
    std::int64_t alternatives = 0;  ///< and so many of the likeliest others
    bool renormalizeLogits = false; ///< scores are log probabilities again after all processors
    ProcessorSettings processors;   ///< eosIds and maxNewTokens are taken from above
    std::function<bool(const TokenEvent&)> onToken; ///< false ends the generation
};

/// The options above with the names that the field uses (--set, forms, recipes).
[[nodiscard]] OptionSchema generationOptions();
/// Values to options. Words of bad_words need the tokenizer; UsageError without one. seed is left as it is.
[[nodiscard]] GenerateOptions toGenerateOptions(const OptionValues& values, const text::Tokenizer* tokenizer);

} // namespace orrery::generate
