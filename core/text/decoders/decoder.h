// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "text/json_node.h"

#include <memory>
#include <string>
#include <vector>

namespace orrery::text {

/// Turns tokens back into text: rewrites the list of tokens, which is then put together. Immutable.
class Decoder {
public:
    virtual ~Decoder() = default;
    virtual void apply(std::vector<std::string>& tokens) const = 0;

protected:
    Decoder() = default;
    Decoder(const Decoder&) = default;
    Decoder& operator=(const Decoder&) = default;
};

/// Makes what "decoder" of a tokenizer.json describes; InputError for unknown types and bad options.
[[nodiscard]] std::unique_ptr<const Decoder> makeDecoder(const JsonNode& node);

// The makers of the families.
[[nodiscard]] std::unique_ptr<const Decoder> makeWordPieceDecoder(const JsonNode& node);
[[nodiscard]] std::unique_ptr<const Decoder> makeCtcDecoder(const JsonNode& node);
[[nodiscard]] std::unique_ptr<const Decoder> makeByteLevelDecoder();
[[nodiscard]] std::unique_ptr<const Decoder> makeByteFallbackDecoder();

} // namespace orrery::text
