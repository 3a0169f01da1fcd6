// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace orrery::text {

// Character properties as the reference library sees them. Its parts use tables of several Unicode versions,
// and a character that a version does not know has no category in it; so every function names its version,
// and "current" is that of the ICU in use.

[[nodiscard]] bool isWhiteSpace(char32_t c);           ///< White_Space (stable since Unicode 6.3)
[[nodiscard]] bool isNumber(char32_t c);               ///< general category N*, current
[[nodiscard]] bool isLetter(char32_t c);               ///< general category L*, current
[[nodiscard]] bool isWordCharacter(char32_t c);        ///< \w of UTS 18: Alphabetic, M*, Nd, Pc, Join_Control
[[nodiscard]] bool isPunctuation(char32_t c);          ///< ASCII punctuation, or P* of Unicode 8
[[nodiscard]] bool isControl(char32_t c);              ///< Cc, Cf, Co of Unicode 8, but for tab, LF and CR
[[nodiscard]] bool isNonspacingMark(char32_t c);       ///< Mn of Unicode 8
[[nodiscard]] bool isCombiningMark(char32_t c);        ///< M* of Unicode 9
[[nodiscard]] bool isChineseCharacter(char32_t c);     ///< the blocks of ideographs that BERT sets apart
[[nodiscard]] std::uint8_t combiningClass(char32_t c); ///< of Unicode 9

/// Lower case without context or locale. U+0130 is the one character that becomes two (i and U+0307): the
/// second is given in *second, which is 0 otherwise.
[[nodiscard]] char32_t toLower(char32_t c, char32_t* second);

/// What GPT-2's pattern tells apart.
enum class Gpt2Class : std::uint8_t { Other, Letter, Number, Space };
[[nodiscard]] Gpt2Class gpt2Class(char32_t c);

/// Whether a version of Unicode (major number) knows the character.
[[nodiscard]] bool isAssignedIn(char32_t c, int version);

} // namespace orrery::text
