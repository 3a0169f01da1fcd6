// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "text/encoding.h"
#include "text/json_node.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace orrery::text {

/// Adds special tokens around one or two texts and mends offsets. Immutable.
class PostProcessor {
public:
    virtual ~PostProcessor() = default;
    /// How many tokens it adds to one text or a pair.
    [[nodiscard]] virtual std::int64_t addedTokens(bool pair) const = 0;
    /// From one or two encodings (with overflowing parts) to those that are to be put behind each other.
    [[nodiscard]] virtual std::vector<Encoding> apply(std::vector<Encoding> encodings,
                                                      bool addSpecialTokens) const = 0;
    [[nodiscard]] virtual std::string description() const = 0;
    /// The tokens that it puts in front of and behind the first text, where it knows (classification,
    /// separator).
    [[nodiscard]] virtual std::optional<std::string> firstToken() const { return std::nullopt; }
    [[nodiscard]] virtual std::optional<std::string> separatorToken() const { return std::nullopt; }

protected:
    PostProcessor() = default;
    PostProcessor(const PostProcessor&) = default;
    PostProcessor& operator=(const PostProcessor&) = default;
};

/// Makes what "post_processor" of a tokenizer.json describes; InputError for unknown types and bad options.
[[nodiscard]] std::unique_ptr<const PostProcessor> makePostProcessor(const JsonNode& node);

// The makers of the parts.
[[nodiscard]] std::unique_ptr<const PostProcessor> makeTemplateProcessing(const JsonNode& node);
[[nodiscard]] std::unique_ptr<const PostProcessor> makeBertProcessing(const JsonNode& node);
[[nodiscard]] std::unique_ptr<const PostProcessor> makeRobertaProcessing(const JsonNode& node);
[[nodiscard]] std::unique_ptr<const PostProcessor> makeByteLevelProcessing(const JsonNode& node);

/// Takes the spaces that byte-level tokens begin or end with out of their offsets.
void trimOffsets(Encoding& encoding, bool addPrefixSpace);

} // namespace orrery::text
