// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/pre_tokenizers/pre_tokenized.h"

#include "text/normalizers/normalizer.h"

#include <algorithm>

namespace orrery::text {

std::uint32_t PreTokenized::addText(AlignedText text) {
    m_texts.push_back(std::move(text));
    return static_cast<std::uint32_t>(m_texts.size() - 1);
}

void PreTokenized::addSlice(std::uint32_t text, std::size_t start, std::size_t end, std::int64_t addedId) {
    if (start >= end)
        return;
    m_splits.push_back({text, static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(end),
                        m_texts[text].originOf(start, end), addedId});
}

void PreTokenized::encodeBytesLater() {
    encodePendingBytes();
    m_bytesPending = true;
}

void PreTokenized::encodePendingBytes() {
    if (!m_bytesPending)
        return;
    m_bytesPending = false;
    rewrite([](AlignedText& text, Origin) { encodeBytes(text); });
}

void arrange(std::span<const Match> matches, SplitBehavior behavior, std::vector<Match>& kept) {
    kept.clear();
    bool previous = false;
    switch (behavior) {
    case SplitBehavior::Removed:
        for (const Match& match : matches)
            if (!match.matched)
                kept.push_back(match);
        break;
    case SplitBehavior::Isolated:
        kept.assign(matches.begin(), matches.end());
        break;
    case SplitBehavior::Contiguous:
        for (const Match& match : matches) {
            if (match.matched == previous && !kept.empty())
                kept.back().end = match.end;
            else
                kept.push_back(match);
            previous = match.matched;
        }
        break;
    case SplitBehavior::MergedWithPrevious:
        for (const Match& match : matches) {
            if (match.matched && !previous && !kept.empty())
                kept.back().end = match.end;
            else
                kept.push_back(match);
            previous = match.matched;
        }
        break;
    case SplitBehavior::MergedWithNext:
        for (std::size_t i = matches.size(); i-- > 0;) {
            const Match& match = matches[i];
            if (match.matched && !previous && !kept.empty())
                kept.back().start = match.start;
            else
                kept.push_back(match);
            previous = match.matched;
        }
        std::reverse(kept.begin(), kept.end());
        break;
    }
}

} // namespace orrery::text
