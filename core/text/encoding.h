// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace orrery::text {

/// What a tokenizer makes of a text (or a pair): parallel arrays, one entry a token.
struct Encoding {
    std::vector<std::int64_t> ids;
    std::vector<std::string> tokens; ///< as stored in the vocabulary ("Ġword", "##ing"), UTF-8
    /// [start, end) in Unicode code points of the original text that the token comes from (of the word, for
    /// pretokenized input; of the second text, for its tokens). {0, 0} for tokens that were added.
    std::vector<std::pair<std::int64_t, std::int64_t>> offsets;
    std::vector<std::int64_t> typeIds;
    std::vector<std::int64_t> attentionMask;     ///< 0: padding
    std::vector<std::int64_t> specialTokensMask; ///< 1: added by the post-processor or padding
    std::vector<std::int64_t> wordIds;           ///< number of the word in its text; -1: none
    std::vector<std::int64_t> sequenceIds;       ///< 0: text, 1: pair, -1: neither
    /// The parts that truncation cut off, each complete with special tokens and stride; they have no
    /// overflowing of their own.
    std::vector<Encoding> overflowing;

    [[nodiscard]] std::size_t size() const { return ids.size(); }
};

enum class Side { Left, Right };

enum class TruncationStrategy { LongestFirst, OnlyFirst, OnlySecond };

/// Cut to at most maxLength tokens, special tokens included.
struct Truncation {
    std::int64_t maxLength = 512;
    std::int64_t stride =
        0; ///< tokens that a part shares with the one before it; less than what a part holds
    TruncationStrategy strategy = TruncationStrategy::LongestFirst;
    Side direction = Side::Right; ///< the side that is cut off
    /// False, as the reference does it: tokenizing stops with the word that reaches maxLength, so overflowing
    /// parts end there. True: they cover the whole text, as windows over a long text need.
    bool wholeText = false;
};

/// Pad to a common length.
struct Padding {
    std::optional<std::int64_t> length; ///< none: as long as the longest of the batch
    std::int64_t multipleOf = 0;        ///< 0: any length
    Side direction = Side::Right;
    /// None: the pad token of the tokenizer (UsageError when it has none).
    std::optional<std::int64_t> padId;
    std::int64_t padTypeId = 0;
    std::optional<std::string> padToken;
};

struct EncodeOptions {
    bool addSpecialTokens = true;
    std::optional<Truncation> truncation; ///< none: whole text, whatever its length
    std::optional<Padding> padding;
};

} // namespace orrery::text
