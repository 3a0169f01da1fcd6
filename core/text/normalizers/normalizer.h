// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "text/aligned_text.h"
#include "text/json_node.h"

#include <memory>
#include <string>

namespace orrery::text {

/// Rewrites a text before it is split, keeping track of where everything came from. Immutable.
class Normalizer {
public:
    virtual ~Normalizer() = default;
    virtual void apply(AlignedText& text) const = 0;
    [[nodiscard]] virtual std::string description() const = 0;

protected:
    Normalizer() = default;
    Normalizer(const Normalizer&) = default;
    Normalizer& operator=(const Normalizer&) = default;
};

/// Makes what "normalizer" of a tokenizer.json describes; InputError for unknown types and bad options.
[[nodiscard]] std::unique_ptr<const Normalizer> makeNormalizer(const JsonNode& node);

enum class NormalForm { Nfc, Nfd, Nfkc, Nfkd };

// The makers of the single parts.
[[nodiscard]] std::unique_ptr<const Normalizer> makeBertNormalizer(const JsonNode& node);
[[nodiscard]] std::unique_ptr<const Normalizer> makeNormalForm(NormalForm form);
[[nodiscard]] std::unique_ptr<const Normalizer> makePrecompiled(const JsonNode& node);

/// Lower case, character by character.
void lowerCase(AlignedText& text);
/// Canonical or compatibility decomposition of Unicode 9.
void decompose(AlignedText& text, bool compatibility);
/// Every byte becomes the printable character that stands for it in byte-level vocabularies.
void encodeBytes(AlignedText& text);

} // namespace orrery::text
