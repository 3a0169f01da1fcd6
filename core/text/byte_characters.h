// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace orrery::text {

// Byte-level vocabularies (Radford et al. 2019) write every byte as a printable character: printable bytes of
// Latin-1 as themselves, the 68 others as U+0100, U+0101, ... in order.

namespace detail {
constexpr bool isPrintableByte(unsigned byte) {
    return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}
constexpr std::array<char16_t, 256> byteCharacters() {
    std::array<char16_t, 256> characters{};
    char16_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte)
        characters[byte] = isPrintableByte(byte) ? static_cast<char16_t>(byte) : next++;
    return characters;
}
inline constexpr std::array<char16_t, 256> characters = byteCharacters();
constexpr std::array<std::int16_t, 0x144> charactersToBytes() {
    std::array<std::int16_t, 0x144> bytes{};
    for (auto& byte : bytes)
        byte = -1;
    for (std::size_t byte = 0; byte < 256; ++byte)
        bytes[characters[byte]] = static_cast<std::int16_t>(byte);
    return bytes;
}
inline constexpr std::array<std::int16_t, 0x144> bytes = charactersToBytes();
} // namespace detail

[[nodiscard]] constexpr char32_t characterOfByte(char byte) {
    return detail::characters[static_cast<unsigned char>(byte)];
}

/// The byte that a character stands for; none for other characters.
[[nodiscard]] constexpr std::optional<char> byteOfCharacter(char32_t c) {
    if (c >= detail::bytes.size() || detail::bytes[c] < 0)
        return std::nullopt;
    return static_cast<char>(detail::bytes[c]);
}

} // namespace orrery::text
