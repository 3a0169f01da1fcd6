// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/aligned_text.h"

#include <algorithm>

namespace orrery::text {

Origin AlignedText::originOf(std::size_t byte) const {
    if (!m_identity)
        return m_origins[byte];
    std::size_t start = byte;
    while (start > 0 && isContinuationByte(m_text[start]))
        --start;
    return {m_shift + static_cast<std::uint32_t>(start),
            m_shift + static_cast<std::uint32_t>(start + characterLength(m_text[start]))};
}

AlignedText AlignedText::part(std::size_t start, std::size_t end) const {
    const std::string_view piece = std::string_view(m_text).substr(start, end - start);
    if (m_identity)
        return {piece, m_shift + start};
    const Origin whole = start < end ? originOf(start, end) : Origin{m_origin.start, m_origin.start};
    return {std::string(piece),
            std::vector<Origin>(m_origins.begin() + static_cast<std::ptrdiff_t>(start),
                                m_origins.begin() + static_cast<std::ptrdiff_t>(end)),
            whole};
}

void AlignedText::assign(std::string text, std::vector<Origin> origins) {
    m_text = std::move(text);
    m_origins = std::move(origins);
    m_identity = false;
}

void AlignedText::keepOrigins() {
    if (!m_identity)
        return;
    m_origins.resize(m_text.size());
    for (std::size_t i = 0; i < m_text.size();) {
        const std::size_t length = characterLength(m_text[i]);
        const Origin origin{m_shift + static_cast<std::uint32_t>(i),
                            m_shift + static_cast<std::uint32_t>(i + length)};
        std::fill_n(m_origins.begin() + static_cast<std::ptrdiff_t>(i), length, origin);
        i += length;
    }
    m_identity = false;
}

std::size_t AlignedText::transformStart() const {
    // Characters in front that came from nowhere are not part of what a transformation rewrites.
    std::size_t start = 0;
    while (start < m_origins.size() && m_origins[start].start == m_origins[start].end)
        ++start;
    return start;
}

void AlignedText::transform(std::span<const Change> changes, std::size_t removedAtStart) {
    keepOrigins();
    const std::size_t begin = transformStart();
    std::string text = m_text.substr(0, begin);
    std::vector<Origin> origins(m_origins.begin(), m_origins.begin() + static_cast<std::ptrdiff_t>(begin));
    text.reserve(m_text.size() + changes.size() / 8);
    origins.reserve(m_text.size() + changes.size() / 8);

    std::size_t position = begin; // of the next character of the old text
    const auto skip = [&] {
        if (position < m_text.size())
            position += characterLength(m_text[position]);
    };
    for (std::size_t i = 0; i < removedAtStart; ++i)
        skip();
    for (const Change& change : changes) {
        Origin origin{m_origin.start, m_origin.start};
        if (change.change > 0) {
            if (position > 0)
                origin = m_origins[position - 1];
        } else if (position < m_origins.size()) {
            origin = m_origins[position];
        } else if (!m_origins.empty()) {
            origin = m_origins.back();
        }
        for (std::int32_t n = change.change; n <= 0; ++n)
            skip();
        if (change.character < 0x80) { // most are
            text.push_back(static_cast<char>(change.character));
            origins.push_back(origin);
            continue;
        }
        appendCharacter(text, change.character);
        origins.insert(origins.end(), encodedLength(change.character), origin);
    }
    m_text = std::move(text);
    m_origins = std::move(origins);
}

void AlignedText::prepend(std::string_view text) {
    if (m_text.empty() || text.empty())
        return;
    keepOrigins();
    m_origins.insert(m_origins.begin(), text.size(), m_origins.front());
    m_text.insert(0, text);
}

void AlignedText::replace(std::span<const Match> matches, std::string_view content) {
    if (std::none_of(matches.begin(), matches.end(), [](const Match& match) { return match.matched; }))
        return;
    keepOrigins();
    std::string text;
    std::vector<Origin> origins;
    text.reserve(m_text.size());
    origins.reserve(m_text.size());
    std::size_t done = 0;
    const auto copyUntil = [&](std::size_t end) {
        text.append(m_text, done, end - done);
        origins.insert(origins.end(), m_origins.begin() + static_cast<std::ptrdiff_t>(done),
                       m_origins.begin() + static_cast<std::ptrdiff_t>(end));
    };
    for (const Match& match : matches) {
        if (!match.matched)
            continue;
        copyUntil(match.start);
        text.append(content);
        origins.insert(origins.end(), content.size(),
                       match.end > 0 ? m_origins[match.end - 1] : Origin{m_origin.start, m_origin.start});
        done = match.end;
    }
    copyUntil(m_text.size());
    m_text = std::move(text);
    m_origins = std::move(origins);
}

} // namespace orrery::text
