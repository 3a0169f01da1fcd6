// SPDX-License-Identifier: GPL-3.0-or-later
#include "generate/generate_options.h"

#include "base/error.h"
#include "text/tokenizer.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <sstream>

namespace orrery::generate {
namespace {

/// "12 7" to ids.
TokenIds readIds(const std::string& text, std::string_view option) {
    TokenIds ids;
    std::istringstream words(text);
    for (std::string word; words >> word;) {
        std::int64_t id = 0;
        const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), id);
        if (failed != std::errc{} || end != word.data() + word.size())
            throw UsageError(
                fmt::format("{}: '{}' is no token id; write ids with spaces between them, sequences with "
                            "commas: 12 7,50256.",
                            option, word));
        ids.push_back(id);
    }
    if (ids.empty())
        throw UsageError(fmt::format("{} holds a sequence without tokens.", option));
    return ids;
}

/// "12 7:-3.5"
SequenceBias readBias(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    double bias = 0;
    try {
        std::size_t used = 0;
        const std::string number = colon == std::string::npos ? std::string() : text.substr(colon + 1);
        bias = std::stod(number, &used);
        if (used != number.size() || std::isnan(bias))
            throw std::invalid_argument(number);
    } catch (const std::exception&) {
        throw UsageError(fmt::format(
            "logit_bias: '{}' is not of the form ID:BIAS or ID ID ...:BIAS, as in 198:-5.", text));
    }
    return {readIds(text.substr(0, colon), "logit_bias"), bias};
}

/// A word as it stands at the beginning of a text and after a space: tokenizers tell them apart.
std::vector<TokenIds> idsOfWord(const std::string& word, const text::Tokenizer* tokenizer) {
    if (tokenizer == nullptr)
        throw UsageError("bad_words needs the model's tokenizer; give bad_words_ids instead.");
    std::vector<TokenIds> found;
    text::EncodeOptions plain;
    plain.addSpecialTokens = false;
    for (const std::string& written : {word, " " + word}) {
        TokenIds ids = tokenizer->encode(written, plain).ids;
        if (!ids.empty() && (found.empty() || found.front() != ids))
            found.push_back(std::move(ids));
    }
    return found;
}

} // namespace

std::string_view name(StopReason reason) {
    switch (reason) {
    case StopReason::MaxTokens:
        return "max_new_tokens";
    case StopReason::StopId:
        return "eos_token";
    case StopReason::StopString:
        return "stop_string";
    case StopReason::Context:
        return "context";
    case StopReason::Time:
        return "time";
    case StopReason::Callback:
        return "callback";
    }
    return "";
}

OptionSchema generationOptions() {
    constexpr double most = 1e9;
    OptionSchema schema;
    schema.integer("max_new_tokens", 64, "New tokens at most.").range(1, most).unit("tokens");
    schema
        .integer("max_length", 0, "Tokens at most with the prompt, in place of max_new_tokens; 0: not used.")
        .range(0, most)
        .unit("tokens");
    schema.integer("min_new_tokens", 0, "No end of text before so many new tokens.")
        .range(0, most)
        .unit("tokens");
    schema.integer("min_length", 0, "The same with the prompt.").range(0, most).unit("tokens").advanced();
    schema.integers("eos_token_id", {}, "Token ids after which a text ends; empty: those of the model.");
    schema.boolean("ignore_eos", false, "Go on after the end of the text.");
    schema.integer("pad_token_id", -1, "Fills shorter rows; -1: the model's.").range(-1, most).advanced();
    schema.texts("stop_strings", {}, "Texts at which the generation stops, wherever they lie in the tokens.");
    schema.boolean("keep_stop_string", false, "The text ends behind the stop string instead of before it.");
    schema.real("max_time", 0, "No further token after so long; 0: no limit.").range(0, most).unit("s");
    schema
        .real("repetition_penalty", 1,
              "Divides positive scores of tokens said before and multiplies negative ones.")
        .range(1e-6, 1e6);
    schema.real("presence_penalty", 0, "Subtracted from the scores of all new tokens said before.")
        .range(-1e6, 1e6);
    schema.real("frequency_penalty", 0, "The same, times how often the token was said.").range(-1e6, 1e6);
    schema.integer("no_repeat_ngram_size", 0, "Never say so many tokens in a row twice; 0: off.")
        .range(0, most);
    schema.texts("bad_words", {}, "Words that are never said (as they are split into tokens).");
    schema.texts("bad_words_ids", {}, "Sequences of token ids that are never said: 12 7,50256.").advanced();
    schema.texts("logit_bias", {}, "Added to the scores of tokens or ends of sequences: 198:-5,12 7:3.")
        .advanced();
    schema.integer("forced_bos_token_id", -1, "The first token after a prompt of one; -1: none.")
        .range(-1, most)
        .advanced();
    schema.integers("forced_eos_token_id", {}, "The last token when max_new_tokens is reached.").advanced();
    schema.integers("suppress_tokens", {}, "Tokens that are never said.").advanced();
    schema.integers("begin_suppress_tokens", {}, "Tokens that are never said first.").advanced();
    schema
        .reals("exponential_decay_length_penalty", {},
               "START,FACTOR: ends of text become likelier with every token from START on.")
        .advanced();
    schema
        .integers("decoder_input_ids", {},
                  "With what the decoder of an encoder-decoder begins; empty: as the model says.")
        .advanced();
    schema.text("language", "", "Of what is heard, where the model is told it: en; empty: found.");
    schema.text("task", "", "Of models that are told it: transcribe (as when empty) or translate.");
    schema.boolean("remove_invalid_values", false, "Take not-a-numbers among the scores for 0.").advanced();
    schema.boolean("renormalize_logits", false, "Make probabilities of the scores again after all changes.")
        .advanced();
    schema.boolean("context_shift", false,
                   "At the end of the model's positions go on from the last half of the text.");
    schema.integer("context_keep", 0, "Tokens of the beginning that a context shift leaves in place.")
        .range(0, most)
        .advanced();
    schema.boolean("use_cache", true, "Keep keys and values; false computes every step from the beginning.")
        .advanced();
    return schema;
}

GenerateOptions toGenerateOptions(const OptionValues& values, const text::Tokenizer* tokenizer) {
    GenerateOptions options;
    options.maxNewTokens = values.integer("max_new_tokens");
    options.maxLength = values.integer("max_length");
    if (!values.boolean("ignore_eos"))
        options.stopIds = values.integers("eos_token_id");
    options.padId = values.integer("pad_token_id");
    options.stopStrings = values.texts("stop_strings");
    std::erase(options.stopStrings, std::string());
    options.keepStopString = values.boolean("keep_stop_string");
    options.maxSeconds = values.real("max_time");
    options.renormalizeLogits = values.boolean("renormalize_logits");
    options.contextShift = values.boolean("context_shift");
    options.contextKeep = values.integer("context_keep");
    options.useCache = values.boolean("use_cache");
    options.decoderStart = {.ids = values.integers("decoder_input_ids"),
                            .language = values.text("language"),
                            .task = values.text("task")};
    ProcessorSettings& changes = options.processors;
    changes.minNewTokens = values.integer("min_new_tokens");
    changes.minLength = values.integer("min_length");
    changes.repetitionPenalty = values.real("repetition_penalty");
    changes.presencePenalty = values.real("presence_penalty");
    changes.frequencyPenalty = values.real("frequency_penalty");
    changes.noRepeatNgram = values.integer("no_repeat_ngram_size");
    for (const std::string& word : values.texts("bad_words"))
        for (TokenIds& ids : idsOfWord(word, tokenizer))
            changes.badWords.push_back(std::move(ids));
    for (const std::string& ids : values.texts("bad_words_ids"))
        changes.badWords.push_back(readIds(ids, "bad_words_ids"));
    for (const std::string& bias : values.texts("logit_bias"))
        changes.sequenceBias.push_back(readBias(bias));
    changes.forcedBos = values.integer("forced_bos_token_id");
    changes.forcedEos = values.integers("forced_eos_token_id");
    changes.suppress = values.integers("suppress_tokens");
    changes.suppressAtBegin = values.integers("begin_suppress_tokens");
    changes.removeInvalid = values.boolean("remove_invalid_values");
    const auto& decay = values.reals("exponential_decay_length_penalty");
    if (!decay.empty()) {
        if (decay.size() != 2 || !(decay[0] >= 0 && decay[0] <= 1e9) || !(decay[1] > 0))
            throw UsageError("exponential_decay_length_penalty takes START,FACTOR, as in 100,1.05.");
        changes.decayStart = static_cast<std::int64_t>(decay[0]);
        changes.decayFactor = decay[1];
    }
    return options;
}

} // namespace orrery::generate
