// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "generate/decoding_strategy.h"
#include "generate/encoder_decoder_step_model.h"
#include "generate/generation.h"
#include "model/model.h"

#include <vector>

namespace orrery::generate {

/// With what the decoder of an encoder-decoder begins each text: DecoderStart::ids where they are given, else
/// the start token of generation_config.json or config.json and what is forced to follow it. Whisper's
/// decoders go on with the language (the one given, else the one that the model finds likeliest: one step of
/// `steps`), the task, and that no times are wanted. UsageError for a language or task that the model does
/// not know, or when no start token is known.
[[nodiscard]] std::vector<TokenIds> decoderBegins(const model::Model& model, EncoderDecoderStepModel& steps,
                                                  const DecoderStart& start);

/// What an encoder-decoder (BART, T5, Whisper) writes about what its encoder reads, the encoder's inputs by
/// name: input_ids, input_features, attention_mask ..., one text an item. begins: what is written already,
/// all of one length; empty: decoderBegins(). The encoder runs once. UsageError for other models.
[[nodiscard]] Generation write(const model::Model& model, const model::NamedTensors& read,
                               const DecodingStrategy& strategy, const OptionValues& strategyOptions,
                               const GenerateOptions& options, const Context& context = {},
                               std::vector<TokenIds> begins = {});

} // namespace orrery::generate
