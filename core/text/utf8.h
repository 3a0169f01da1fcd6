// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::text {

[[nodiscard]] constexpr bool isContinuationByte(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

/// Bytes of the character that starts with this byte; the text must be valid.
[[nodiscard]] constexpr std::size_t characterLength(char first) {
    const auto byte = static_cast<unsigned char>(first);
    return byte < 0x80 ? 1U : byte < 0xE0 ? 2U : byte < 0xF0 ? 3U : 4U;
}

/// Bytes that a code point takes in UTF-8.
[[nodiscard]] constexpr std::size_t encodedLength(char32_t c) {
    return c < 0x80 ? 1U : c < 0x800 ? 2U : c < 0x10000 ? 3U : 4U;
}

/// Reads the character at a position of valid UTF-8 and moves behind it.
[[nodiscard]] inline char32_t nextCharacter(std::string_view text, std::size_t& position) {
    const auto byte = [&](std::size_t i) {
        return static_cast<char32_t>(static_cast<unsigned char>(text[position + i]));
    };
    const char32_t first = byte(0);
    if (first < 0x80) {
        ++position;
        return first;
    }
    char32_t c = 0;
    if (first < 0xE0) {
        c = (first & 0x1FU) << 6U | (byte(1) & 0x3FU);
        position += 2;
    } else if (first < 0xF0) {
        c = (first & 0x0FU) << 12U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU);
        position += 3;
    } else {
        c = (first & 0x07U) << 18U | (byte(1) & 0x3FU) << 12U | (byte(2) & 0x3FU) << 6U | (byte(3) & 0x3FU);
        position += 4;
    }
    return c;
}

void appendCharacter(std::string& text, char32_t c);

/// Start of the character that ends at a position > 0 of valid UTF-8.
[[nodiscard]] inline std::size_t characterBefore(std::string_view text, std::size_t position) {
    --position;
    while (position > 0 && isContinuationByte(text[position]))
        --position;
    return position;
}

[[nodiscard]] bool isAscii(std::string_view text);
[[nodiscard]] std::size_t countCharacters(std::string_view text);
[[nodiscard]] bool isValidUtf8(std::string_view text);

/// Valid UTF-8: every maximal part of a sequence that is not becomes one U+FFFD (Unicode 15, section 3.9).
[[nodiscard]] std::string repairUtf8(std::string_view text);

/// From bytes to code points of a text.
class CharacterIndex {
public:
    /// The text must outlive the index.
    explicit CharacterIndex(std::string_view text);

    /// [start, end) in bytes to [start, end) in code points. A start at or behind the end of the text leaves
    /// both as they are: this is what the reference does with empty pieces at the end.
    [[nodiscard]] std::pair<std::int64_t, std::int64_t> convert(std::size_t start, std::size_t end) const {
        if (m_ascii || start >= m_size)
            return {static_cast<std::int64_t>(start), static_cast<std::int64_t>(end)};
        const std::int64_t first = m_character[start];
        if (end < m_size)
            return {first, m_character[end]};
        return {first, end == m_size ? m_character[end - 1] + 1 : first + 2};
    }

private:
    bool m_ascii;
    std::size_t m_size;
    std::vector<std::uint32_t> m_character; ///< number of the character that a byte belongs to
};

} // namespace orrery::text
