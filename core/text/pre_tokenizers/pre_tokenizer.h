// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "text/json_node.h"
#include "text/pre_tokenizers/pre_tokenized.h"

#include <memory>
#include <string>

namespace orrery::text {

/// Cuts a normalized text into words, which the model then cuts into tokens. Immutable.
class PreTokenizer {
public:
    virtual ~PreTokenizer() = default;
    virtual void apply(PreTokenized& text) const = 0;
    [[nodiscard]] virtual std::string description() const = 0;

protected:
    PreTokenizer() = default;
    PreTokenizer(const PreTokenizer&) = default;
    PreTokenizer& operator=(const PreTokenizer&) = default;
};

/// Makes what "pre_tokenizer" of a tokenizer.json describes; InputError for unknown types and bad options.
[[nodiscard]] std::unique_ptr<const PreTokenizer> makePreTokenizer(const JsonNode& node);

// The makers of the parts that have files of their own.
[[nodiscard]] std::unique_ptr<const PreTokenizer> makeByteLevelPreTokenizer(const JsonNode& node);
[[nodiscard]] std::unique_ptr<const PreTokenizer> makeMetaspacePreTokenizer(const JsonNode& node);
[[nodiscard]] std::unique_ptr<const PreTokenizer> makeUnicodeScripts();

} // namespace orrery::text
