// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/json.h"
#include "checkpoint/gguf_metadata.h"
#include "checkpoint/gguf_writer.h"

#include <memory>

namespace orrery::text {
class Tokenizer;
}

namespace orrery::model {

/// The tokenizer that a GGUF file describes: its tokenizer.huggingface.json where it has one, else built from
/// tokenizer.ggml.*: byte-level BPE with merges ("gpt2" with the splitting of gpt-2, llama-bpe or qwen2), BPE
/// by scores with bytes to fall back on ("llama"), WordPiece ("bert", lower case as such files are used).
/// InputError naming the file and what it lacks.
[[nodiscard]] std::shared_ptr<const text::Tokenizer> ggufTokenizer(const checkpoint::GgufMetadata& settings);
/// The same as the text of a tokenizer.json.
[[nodiscard]] Json ggufTokenizerJson(const checkpoint::GgufMetadata& settings);

/// The other way, for writing: tokenizer.ggml.* of a tokenizer.json, and the json itself. Empty where the
/// kind of tokenizer has no form in GGUF; then only the json is written.
[[nodiscard]] checkpoint::GgufSettings ggufTokenizerSettings(const Json& tokenizer, bool withJson = true);

} // namespace orrery::model
