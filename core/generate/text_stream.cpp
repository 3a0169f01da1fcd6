// SPDX-License-Identifier: GPL-3.0-or-later
#include "generate/text_stream.h"

#include "text/tokenizer.h"
#include "text/utf8.h"

#include <algorithm>
#include <utility>

namespace orrery::generate {
namespace {

constexpr std::string_view replacement =
    "\xEF\xBF\xBD"; // what decoders make of bytes that are no character (yet)
/// An incomplete character has at most three bytes, each of which may be a token and be shown as a
/// replacement.
constexpr std::size_t mostIncomplete = 3;
/// Shown tokens that stay in the window: decoders look at neighbours (leading spaces, runs of byte tokens).
constexpr std::size_t context = 8;

std::size_t lengthOfIncomplete(std::string_view text) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < mostIncomplete && text.substr(0, text.size() - length).ends_with(replacement);
         ++i)
        length += replacement.size();
    return length;
}

} // namespace

TextStream::TextStream(const text::Tokenizer& tokenizer, std::span<const std::int64_t> prompt)
    : m_tokenizer(tokenizer) {
    m_ids.assign(prompt.begin(), prompt.end());
    m_before = decode(0, m_ids.size());
    slide();
    m_before.resize(m_before.size() - lengthOfIncomplete(m_before)); // the continuation may complete it
}

std::string TextStream::decode(std::size_t begin, std::size_t end) const {
    return m_tokenizer.decode(std::span(m_ids).subspan(begin, end - begin));
}

std::string TextStream::push(std::int64_t id) {
    m_ids.push_back(id);
    return take(false);
}

std::string TextStream::flush() {
    return take(true);
}

std::string TextStream::take(bool all) {
    if (m_shown == m_ids.size())
        return {};
    const std::string text = decode(0, m_ids.size());
    const std::size_t waiting = m_ids.size() - m_shown;
    const bool tooLong = waiting > 4 * context; // bytes that will never make a character
    const std::size_t incomplete = all || tooLong ? 0 : lengthOfIncomplete(text);
    // Some decoders show a whole run of bytes as broken until its last character is complete.
    if (incomplete > 0 && waiting <= mostIncomplete)
        return {};
    const std::size_t end = text.size() - incomplete;
    // Bytes that turned out to be no character may change what was shown; it stays as it was.
    std::size_t begin = std::min(m_before.size(), end);
    while (begin < end && text::isContinuationByte(text[begin]))
        ++begin;
    std::string added = text.substr(begin, end - begin);
    m_before = text.substr(0, std::max(begin, end));
    if (end == text.size())
        slide();
    return added;
}

void TextStream::slide() {
    m_shown = m_ids.size();
    if (m_ids.size() <= 2 * context)
        return;
    // The window must not begin inside a character, or a decoder may find nothing whole in it; among bytes
    // that are no characters anyway any place will do.
    const std::size_t last = m_ids.size() - context;
    std::size_t begin = last;
    while (begin > 0 && last - begin < context && !m_before.ends_with(decode(begin, m_ids.size())))
        --begin;
    if (begin == 0 || last - begin == context) {
        if (m_ids.size() < 16 * context)
            return;
        begin = last;
    }
    m_before = decode(begin, m_ids.size());
    m_ids.erase(m_ids.begin(), m_ids.begin() + static_cast<std::ptrdiff_t>(begin));
    m_shown = m_ids.size();
}

std::string StopStrings::push(std::string_view text) {
    if (m_found)
        return {};
    m_held += text;
    std::size_t first = std::string::npos;
    for (const std::string& candidate : m_strings) {
        const std::size_t place = m_held.find(candidate);
        if (place < first) {
            first = place;
            m_found = candidate;
        }
    }
    if (m_found) {
        std::string shown = m_held.substr(0, first + (m_keep ? m_found->size() : 0));
        m_held.clear();
        return shown;
    }
    std::size_t waiting = 0; // the longest end that begins a stop string
    for (const std::string& candidate : m_strings)
        for (std::size_t length = std::min(candidate.size() - 1, m_held.size()); length > waiting; --length)
            if (m_held.ends_with(std::string_view(candidate).substr(0, length)))
                waiting = length;
    std::string shown = m_held.substr(0, m_held.size() - waiting);
    m_held.erase(0, m_held.size() - waiting);
    return shown;
}

std::string StopStrings::flush() {
    return m_found ? std::string() : std::exchange(m_held, {});
}

std::optional<std::string> stopStringAtEnd(const text::Tokenizer& tokenizer,
                                           std::span<const std::int64_t> ids, std::int64_t promptLength,
                                           std::span<const std::string> strings) {
    std::size_t longest = 0;
    for (const std::string& candidate : strings)
        longest = std::max(longest, candidate.size());
    // Every token that has a part in the string gives at least one byte of it; a few more for those without
    // text.
    const std::size_t made = ids.size() - static_cast<std::size_t>(promptLength);
    const auto tail = ids.last(std::min(made, longest + context));
    if (tail.empty())
        return {};
    const std::string before = tokenizer.decode(tail.first(tail.size() - 1));
    const std::string text = tokenizer.decode(tail);
    for (const std::string& candidate : strings)
        for (std::size_t place = text.find(candidate); place != std::string::npos;
             place = text.find(candidate, place + 1))
            if (place + candidate.size() > before.size() ||
                before.compare(place, candidate.size(), candidate) != 0)
                return candidate;
    return {};
}

} // namespace orrery::generate
