// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/encoding_editing.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace orrery::text {
namespace {

constexpr std::size_t mostParts = 1'000'000;
constexpr std::int64_t longestPadding = std::int64_t{1} << 26U;

template <class T>
void moveBehind(std::vector<T>& to, std::vector<T>& from) {
    if (to.empty())
        to = std::move(from);
    else
        to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

void appendTokens(Encoding& encoding, Encoding&& behind) {
    moveBehind(encoding.ids, behind.ids);
    moveBehind(encoding.tokens, behind.tokens);
    moveBehind(encoding.offsets, behind.offsets);
    moveBehind(encoding.typeIds, behind.typeIds);
    moveBehind(encoding.attentionMask, behind.attentionMask);
    moveBehind(encoding.specialTokensMask, behind.specialTokensMask);
    moveBehind(encoding.wordIds, behind.wordIds);
    moveBehind(encoding.sequenceIds, behind.sequenceIds);
}

/// The tokens alone, without overflowing parts.
Encoding tokensOf(const Encoding& encoding, std::size_t start, std::size_t end) {
    const auto part = [&](const auto& values) {
        using Vector = std::remove_cvref_t<decltype(values)>;
        return Vector(values.begin() + static_cast<std::ptrdiff_t>(start),
                      values.begin() + static_cast<std::ptrdiff_t>(end));
    };
    return {part(encoding.ids),     part(encoding.tokens),        part(encoding.offsets),
            part(encoding.typeIds), part(encoding.attentionMask), part(encoding.specialTokensMask),
            part(encoding.wordIds), part(encoding.sequenceIds),   {}};
}

Encoding tokensOf(const Encoding& encoding) {
    return tokensOf(encoding, 0, encoding.size());
}

void truncate(Encoding& encoding, std::size_t length, std::size_t stride, Side direction) {
    const std::size_t size = encoding.size();
    if (length >= size)
        return;
    if (length == 0) {
        Encoding all = std::move(encoding);
        encoding = {};
        encoding.overflowing.push_back(std::move(all));
        return;
    }
    if (stride >= length)
        throw UsageError(
            fmt::format("A stride of {} needs parts of more than {} tokens, but after special tokens "
                        "only {} fit; choose a smaller stride or a larger maximum length.",
                        stride, stride, length));
    const std::size_t step = length - stride;
    if ((size - stride) / step > mostParts)
        throw UsageError(fmt::format("Parts of {} tokens with a stride of {} would be more than {}; choose a "
                                     "larger maximum length.",
                                     length, stride, mostParts));
    std::vector<Encoding> parts;
    if (direction == Side::Right) {
        for (std::size_t start = 0; start < size; start += step) {
            const std::size_t end = std::min(start + length, size);
            parts.push_back(tokensOf(encoding, start, end));
            if (end == size)
                break;
        }
    } else {
        for (std::size_t end = size;; end -= step) {
            const std::size_t start = end < length ? 0 : end - length;
            parts.push_back(tokensOf(encoding, start, end));
            if (start == 0)
                break;
        }
    }
    encoding = std::move(parts.front());
    encoding.overflowing.assign(std::make_move_iterator(parts.begin() + 1),
                                std::make_move_iterator(parts.end()));
}

void pad(Encoding& encoding, std::size_t length, const Padding& padding, std::int64_t padId,
         const std::string& padToken) {
    for (Encoding& part : encoding.overflowing)
        pad(part, length, padding, padId, padToken);
    if (encoding.size() >= length)
        return;
    const std::size_t count = length - encoding.size();
    const auto fill = [&](auto& values, const auto& value) {
        values.insert(padding.direction == Side::Left ? values.begin() : values.end(), count, value);
    };
    fill(encoding.ids, padId);
    fill(encoding.tokens, padToken);
    fill(encoding.offsets, std::pair<std::int64_t, std::int64_t>{0, 0});
    fill(encoding.typeIds, padding.padTypeId);
    fill(encoding.attentionMask, std::int64_t{0});
    fill(encoding.specialTokensMask, std::int64_t{1});
    fill(encoding.wordIds, std::int64_t{-1});
    fill(encoding.sequenceIds, std::int64_t{-1});
}

} // namespace

void appendToken(Encoding& encoding, std::int64_t id, std::string token, std::int64_t typeId, bool special) {
    encoding.ids.push_back(id);
    encoding.tokens.push_back(std::move(token));
    encoding.offsets.emplace_back(0, 0);
    encoding.typeIds.push_back(typeId);
    encoding.attentionMask.push_back(1);
    encoding.specialTokensMask.push_back(special ? 1 : 0);
    encoding.wordIds.push_back(-1);
    encoding.sequenceIds.push_back(-1);
}

void appendEncoding(Encoding& encoding, Encoding&& behind) {
    std::vector<Encoding> parts;
    if (!encoding.overflowing.empty() || !behind.overflowing.empty()) {
        const std::size_t count = (encoding.overflowing.size() + 1) * (behind.overflowing.size() + 1) - 1;
        if (count > mostParts)
            throw UsageError(
                fmt::format("Truncating both texts gives {} combinations of parts, more than {}; "
                            "choose a larger maximum length or shorten only one of them.",
                            count, mostParts));
        parts.reserve(count);
        const auto combine = [&](const Encoding& first, const Encoding& second) {
            Encoding part = tokensOf(first);
            appendTokens(part, tokensOf(second));
            parts.push_back(std::move(part));
        };
        for (const Encoding& part : encoding.overflowing) {
            combine(part, behind);
            for (const Encoding& other : behind.overflowing)
                combine(part, other);
        }
        for (const Encoding& other : behind.overflowing)
            combine(encoding, other);
    }
    appendTokens(encoding, std::move(behind));
    encoding.overflowing = std::move(parts);
}

Encoding joinEncodings(std::vector<Encoding>&& encodings) {
    Encoding all;
    for (Encoding& encoding : encodings) {
        if (all.ids.empty() && all.overflowing.empty())
            all = std::move(encoding);
        else
            appendEncoding(all, std::move(encoding));
    }
    return all;
}

void setTypeIds(Encoding& encoding, std::int64_t typeId) {
    encoding.typeIds.assign(encoding.size(), typeId);
}

void setSequenceIds(Encoding& encoding, std::int64_t sequenceId) {
    encoding.sequenceIds.assign(encoding.size(), sequenceId);
}

void truncateEncodings(Encoding& text, Encoding* pair, const Truncation& truncation, std::int64_t maxLength) {
    const auto limit = static_cast<std::size_t>(maxLength);
    const auto stride = static_cast<std::size_t>(truncation.stride);
    if (limit == 0) {
        truncate(text, 0, stride, truncation.direction);
        if (pair != nullptr)
            truncate(*pair, 0, stride, truncation.direction);
        return;
    }
    const std::size_t total = text.size() + (pair != nullptr ? pair->size() : 0);
    if (total <= limit)
        return;
    if (truncation.strategy != TruncationStrategy::LongestFirst) {
        Encoding* target = truncation.strategy == TruncationStrategy::OnlyFirst ? &text : pair;
        if (target == nullptr)
            throw UsageError(
                "Only the second text is to be truncated, but there is none; give a pair or choose "
                "another strategy.");
        const std::size_t excess = total - limit;
        if (target->size() <= excess)
            throw UsageError(
                fmt::format("The text that may be truncated has {} tokens, but {} would have to go; "
                            "choose another strategy or a larger maximum length.",
                            target->size(), excess));
        truncate(*target, target->size() - excess, stride, truncation.direction);
        return;
    }
    if (pair == nullptr) {
        truncate(text, limit, stride, truncation.direction);
        return;
    }
    // The longer is cut first, until both are equally long.
    std::size_t shorter = std::min(text.size(), pair->size());
    std::size_t longer = shorter > limit ? shorter : std::max(shorter, limit - shorter);
    if (shorter + longer > limit) {
        shorter = limit / 2;
        longer = shorter + limit % 2;
    }
    const bool swapped = text.size() > pair->size();
    truncate(text, swapped ? longer : shorter, stride, truncation.direction);
    truncate(*pair, swapped ? shorter : longer, stride, truncation.direction);
}

void padEncodings(std::span<Encoding> encodings, const Padding& padding, std::int64_t padId,
                  const std::string& padToken) {
    std::size_t length = 0;
    if (padding.length) {
        if (*padding.length < 0 || *padding.length > longestPadding)
            throw UsageError(fmt::format("A padded length of {} is not between 0 and {}; choose another.",
                                         *padding.length, longestPadding));
        length = static_cast<std::size_t>(*padding.length);
    } else {
        for (const Encoding& encoding : encodings)
            length = std::max(length, encoding.size());
    }
    if (padding.multipleOf < 0 || padding.multipleOf > longestPadding)
        throw UsageError(
            fmt::format("Padding to a multiple of {} is not possible; choose a number from 1 to {}.",
                        padding.multipleOf, longestPadding));
    const auto multiple = static_cast<std::size_t>(padding.multipleOf);
    if (multiple > 0 && length % multiple > 0)
        length += multiple - length % multiple;
    for (Encoding& encoding : encodings)
        pad(encoding, length, padding, padId, padToken);
}

} // namespace orrery::text
