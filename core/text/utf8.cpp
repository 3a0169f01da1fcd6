// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/utf8.h"

#include <cstring>

namespace orrery::text {
namespace {

/// Length of the valid sequence at the start of text, or minus the length of the maximal part to replace.
int sequenceLength(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80)
        return 1;
    int length = 0;
    unsigned char low = 0x80; // bounds of the second byte: no overlong forms, surrogates or > U+10FFFF
    unsigned char high = 0xBF;
    if (first >= 0xC2 && first <= 0xDF) {
        length = 2;
    } else if (first >= 0xE0 && first <= 0xEF) {
        length = 3;
        low = first == 0xE0 ? 0xA0 : 0x80;
        high = first == 0xED ? 0x9F : 0xBF;
    } else if (first >= 0xF0 && first <= 0xF4) {
        length = 4;
        low = first == 0xF0 ? 0x90 : 0x80;
        high = first == 0xF4 ? 0x8F : 0xBF;
    } else {
        return -1;
    }
    for (int i = 1; i < length; ++i) {
        const auto at = static_cast<std::size_t>(i);
        if (at >= text.size() || byte(at) < low || byte(at) > high)
            return -i;
        low = 0x80;
        high = 0xBF;
    }
    return length;
}

} // namespace

void appendCharacter(std::string& text, char32_t c) {
    const auto put = [&](char32_t value) { text.push_back(static_cast<char>(value)); };
    if (c < 0x80) {
        put(c);
    } else if (c < 0x800) {
        put(0xC0U | c >> 6U);
        put(0x80U | (c & 0x3FU));
    } else if (c < 0x10000) {
        put(0xE0U | c >> 12U);
        put(0x80U | (c >> 6U & 0x3FU));
        put(0x80U | (c & 0x3FU));
    } else {
        put(0xF0U | c >> 18U);
        put(0x80U | (c >> 12U & 0x3FU));
        put(0x80U | (c >> 6U & 0x3FU));
        put(0x80U | (c & 0x3FU));
    }
}

bool isAscii(std::string_view text) {
    std::size_t i = 0;
    for (; i + 8 <= text.size(); i += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + i, 8);
        if ((word & 0x8080808080808080ULL) != 0)
            return false;
    }
    for (; i < text.size(); ++i)
        if (static_cast<unsigned char>(text[i]) >= 0x80)
            return false;
    return true;
}

std::size_t countCharacters(std::string_view text) {
    std::size_t count = 0;
    for (const char byte : text)
        count += isContinuationByte(byte) ? 0U : 1U;
    return count;
}

bool isValidUtf8(std::string_view text) {
    if (isAscii(text))
        return true;
    for (std::size_t i = 0; i < text.size();) {
        const int length = sequenceLength(text.substr(i));
        if (length < 0)
            return false;
        i += static_cast<std::size_t>(length);
    }
    return true;
}

std::string repairUtf8(std::string_view text) {
    std::string repaired;
    repaired.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        const int length = sequenceLength(text.substr(i));
        if (length > 0)
            repaired.append(text, i, static_cast<std::size_t>(length));
        else
            repaired.append("\xEF\xBF\xBD");
        i += static_cast<std::size_t>(length > 0 ? length : -length);
    }
    return repaired;
}

CharacterIndex::CharacterIndex(std::string_view text) : m_ascii(isAscii(text)), m_size(text.size()) {
    if (m_ascii)
        return;
    m_character.resize(text.size());
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (i > 0 && !isContinuationByte(text[i]))
            ++number;
        m_character[i] = number;
    }
}

} // namespace orrery::text
