// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "text/utf8.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::text {

/// [start, end) in bytes of the original text.
struct Origin {
    std::uint32_t start = 0;
    std::uint32_t end = 0;
};

/// [start, end) in bytes of a text, and whether a pattern matched there.
struct Match {
    std::size_t start = 0;
    std::size_t end = 0;
    bool matched = false;
};

/// A character of a text that is being rewritten and how many characters of the old text it stands for:
/// 0: one, 1: none (it is inserted), -n: one and the n after it.
struct Change {
    char32_t character;
    std::int32_t change;
};

/// A text on its way through normalizers, which knows of every byte where it came from in the original text.
/// Valid UTF-8 throughout. Texts are limited to 1 GiB so that positions fit in 32 bits.
///
/// Until something changes the correspondence, no table is kept.
class AlignedText {
public:
    AlignedText() = default;
    /// A piece of the original text that begins at byte `shift` of it.
    AlignedText(std::string_view piece, std::size_t shift)
        : m_text(piece),
          m_shift(static_cast<std::uint32_t>(shift)), m_origin{m_shift, static_cast<std::uint32_t>(
                                                                            shift + piece.size())} {}
    /// A text made elsewhere with the origin of every byte, and that of all of it.
    AlignedText(std::string text, std::vector<Origin> origins, Origin whole)
        : m_text(std::move(text)), m_origins(std::move(origins)), m_identity(false), m_origin(whole) {}

    [[nodiscard]] const std::string& text() const { return m_text; }
    /// What part of the original this text stands for, whatever is left of it.
    [[nodiscard]] Origin origin() const { return m_origin; }
    /// Where the character that a byte belongs to came from.
    [[nodiscard]] Origin originOf(std::size_t byte) const;
    /// Where a part that is not empty came from: start of its first, end of its last byte.
    [[nodiscard]] Origin originOf(std::size_t start, std::size_t end) const {
        return {originOf(start).start, originOf(end - 1).end};
    }
    /// Whether byte i of the text is byte i of the piece it was made from.
    [[nodiscard]] bool isIdentity() const { return m_identity; }
    [[nodiscard]] AlignedText part(std::size_t start, std::size_t end) const;

    /// Bytes may be replaced by others of the same character length (ASCII letters, spaces).
    [[nodiscard]] std::string& bytes() { return m_text; }
    /// Replaces everything by text whose origins are known.
    void assign(std::string text, std::vector<Origin> origins);

    /// Rewrites the text. removedAtStart: characters at its start that nothing stands for. Inserted
    /// characters belong to where the character before them came from.
    void transform(std::span<const Change> changes, std::size_t removedAtStart);
    /// Puts text in front; it belongs to where the first character came from. Nothing happens to an empty
    /// text.
    void prepend(std::string_view text);
    /// Replaces matched parts; the new text belongs to where the last character of the part came from.
    void replace(std::span<const Match> matches, std::string_view content);

    template <class Keep>
    void filter(const Keep& keep);
    template <class Map>
    void map(const Map& map);

private:
    [[nodiscard]] std::size_t transformStart() const;
    void keepOrigins();

    std::string m_text;
    std::vector<Origin> m_origins; ///< one a byte; empty while m_identity
    bool m_identity = true;
    std::uint32_t m_shift = 0;
    Origin m_origin;
};

template <class Keep>
void AlignedText::filter(const Keep& keep) {
    std::vector<Change> changes;
    changes.reserve(m_text.size());
    std::int32_t removed = 0;
    std::size_t removedAtStart = 0;
    bool any = false;
    for (std::size_t i = 0; i < m_text.size();) {
        const char32_t c = nextCharacter(m_text, i);
        if (!keep(c)) {
            ++removed;
            any = true;
            continue;
        }
        if (changes.empty())
            removedAtStart = static_cast<std::size_t>(removed);
        else
            changes.back().change = -removed;
        removed = 0;
        changes.push_back({c, 0});
    }
    if (!any)
        return;
    if (!changes.empty())
        changes.back().change = -removed;
    transform(changes, removedAtStart);
}

template <class Map>
void AlignedText::map(const Map& mapping) {
    std::vector<Change> changes;
    changes.reserve(m_text.size());
    bool any = false;
    for (std::size_t i = 0; i < m_text.size();) {
        const char32_t c = nextCharacter(m_text, i);
        const char32_t mapped = mapping(c);
        any = any || mapped != c;
        changes.push_back({mapped, 0});
    }
    if (any)
        transform(changes, 0);
}

} // namespace orrery::text
