// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "text/aligned_text.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace orrery::text {

/// What becomes of the parts that a pattern matches.
enum class SplitBehavior { Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous };

/// A piece between the cuts: a range of one of the texts. What is an added token already is not cut further.
struct Split {
    std::uint32_t text = 0;  ///< index into the texts
    std::uint32_t start = 0; ///< bytes in that text
    std::uint32_t end = 0;
    Origin origin; ///< the part of the original that it stands for
    std::int64_t addedId = -1;
};

/// A text on its way from the normalizer to the model: cut into pieces without being copied, as long as no
/// pre-tokenizer rewrites it.
class PreTokenized {
public:
    [[nodiscard]] const std::vector<Split>& splits() const { return m_splits; }
    [[nodiscard]] const AlignedText& text(const Split& split) const { return m_texts[split.text]; }
    [[nodiscard]] std::string_view view(const Split& split) const {
        return std::string_view(m_texts[split.text].text()).substr(split.start, split.end - split.start);
    }

    /// Adds a text; pieces of it are to be added with addSlice.
    std::uint32_t addText(AlignedText text);
    /// A piece of a text; empty ones are dropped. addedId: the token that it is, or -1.
    void addSlice(std::uint32_t text, std::size_t start, std::size_t end, std::int64_t addedId = -1);

    /// Cuts every piece that is not a token: cut(text of the piece, emit) calls emit(start, end) with bytes
    /// in the piece, in order.
    template <class Cut>
    void cut(const Cut& cutter);
    /// Cuts at the matches of find(text, matches).
    template <class Find>
    void cutAt(SplitBehavior behavior, const Find& find);
    /// Rewrites the text of every piece that is not a token.
    template <class Rewrite>
    void rewrite(const Rewrite& rewriter);

    /// From here on every byte of the pieces stands for the printable character of byte-level vocabularies.
    /// This is carried out only if something wants to see the characters.
    void encodeBytesLater();
    [[nodiscard]] bool bytesPending() const { return m_bytesPending; }
    void encodePendingBytes();

private:
    std::vector<AlignedText> m_texts;
    std::vector<Split> m_splits;
    bool m_bytesPending = false;
};

/// Joins matched and unmatched parts as the behaviour says; kept[i] are the pieces to make.
void arrange(std::span<const Match> matches, SplitBehavior behavior, std::vector<Match>& kept);

template <class Cut>
void PreTokenized::cut(const Cut& cutter) {
    encodePendingBytes();
    std::vector<Split> old;
    old.swap(m_splits);
    m_splits.reserve(old.size() + 8);
    for (const Split& split : old) {
        if (split.addedId >= 0) {
            m_splits.push_back(split);
            continue;
        }
        cutter(view(split), [&](std::size_t start, std::size_t end) {
            addSlice(split.text, split.start + start, split.start + end);
        });
    }
}

template <class Find>
void PreTokenized::cutAt(SplitBehavior behavior, const Find& find) {
    std::vector<Match> matches;
    std::vector<Match> kept;
    cut([&](std::string_view piece, const auto& emit) {
        find(piece, matches);
        arrange(matches, behavior, kept);
        for (const Match& match : kept)
            emit(match.start, match.end);
    });
}

template <class Rewrite>
void PreTokenized::rewrite(const Rewrite& rewriter) {
    encodePendingBytes();
    for (Split& split : m_splits) {
        if (split.addedId >= 0)
            continue;
        AlignedText text = m_texts[split.text].part(split.start, split.end);
        rewriter(text, split.origin);
        m_texts.push_back(std::move(text));
        split.text = static_cast<std::uint32_t>(m_texts.size() - 1);
        split.start = 0;
        split.end = static_cast<std::uint32_t>(m_texts.back().text().size());
    }
}

} // namespace orrery::text
