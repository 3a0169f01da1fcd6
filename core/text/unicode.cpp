// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/unicode.h"

#include <unicode/uchar.h>

#include <array>

namespace orrery::text {
namespace {

UChar32 icu(char32_t c) {
    return static_cast<UChar32>(c);
}

std::uint32_t categoryMask(char32_t c) {
    return U_MASK(u_charType(icu(c)));
}

bool isAsciiPunctuation(char32_t c) {
    return (c >= 0x21 && c <= 0x2F) || (c >= 0x3A && c <= 0x40) || (c >= 0x5B && c <= 0x60) ||
           (c >= 0x7B && c <= 0x7E);
}

/// CJK extension I came with Unicode 15.1, which ICU 72 does not know yet.
bool isExtensionI(char32_t c) {
    return c >= 0x2EBF0 && c <= 0x2EE5D;
}

Gpt2Class classify(char32_t c) {
    if (isWhiteSpace(c))
        return Gpt2Class::Space;
    if (isLetter(c))
        return Gpt2Class::Letter;
    return isNumber(c) ? Gpt2Class::Number : Gpt2Class::Other;
}

std::array<Gpt2Class, 128> asciiClasses() {
    std::array<Gpt2Class, 128> classes{};
    for (char32_t c = 0; c < 128; ++c)
        classes[c] = classify(c);
    return classes;
}

} // namespace

bool isAssignedIn(char32_t c, int version) {
    UVersionInfo age;
    u_charAge(icu(c), age);
    return age[0] > 0 && age[0] <= version;
}

bool isWhiteSpace(char32_t c) {
    if (c < 0x80)
        return c == ' ' || (c >= 0x09 && c <= 0x0D);
    return u_isUWhiteSpace(icu(c)) != 0;
}

bool isNumber(char32_t c) {
    if (c < 0x80)
        return c >= '0' && c <= '9';
    return (categoryMask(c) & U_GC_N_MASK) != 0;
}

bool isLetter(char32_t c) {
    if (c < 0x80)
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return (categoryMask(c) & U_GC_L_MASK) != 0 || isExtensionI(c);
}

bool isWordCharacter(char32_t c) {
    if (c < 0x80)
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    return (categoryMask(c) & (U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)) != 0 ||
           u_hasBinaryProperty(icu(c), UCHAR_ALPHABETIC) != 0 ||
           u_hasBinaryProperty(icu(c), UCHAR_JOIN_CONTROL) != 0 || isExtensionI(c);
}

bool isPunctuation(char32_t c) {
    if (c < 0x80)
        return isAsciiPunctuation(c);
    if (c == 0x166D || c == 0x111C9) // no longer punctuation today
        return true;
    return (categoryMask(c) & U_GC_P_MASK) != 0 && isAssignedIn(c, 8);
}

bool isControl(char32_t c) {
    if (c < 0x80)
        return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F;
    return (categoryMask(c) & (U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK)) != 0 && isAssignedIn(c, 8);
}

bool isNonspacingMark(char32_t c) {
    if (c < 0x300)
        return false;
    if (c == 0x1734) // spacing since Unicode 14
        return true;
    if (c == 0x1885 || c == 0x1886 || c == 0xA9BD || c == 0x111C9) // nonspacing only since Unicode 9
        return false;
    return (categoryMask(c) & U_GC_MN_MASK) != 0 && isAssignedIn(c, 8);
}

bool isCombiningMark(char32_t c) {
    return c >= 0x300 && (categoryMask(c) & U_GC_M_MASK) != 0 && isAssignedIn(c, 9);
}

bool isChineseCharacter(char32_t c) {
    // The seventh block should begin at U+2B820; the reference, which we equal, begins it at U+2B920.
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
           (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) ||
           (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

std::uint8_t combiningClass(char32_t c) {
    if (c < 0x300)
        return 0;
    const std::uint8_t value = u_getCombiningClass(icu(c));
    return value != 0 && isAssignedIn(c, 9) ? value : std::uint8_t{0};
}

char32_t toLower(char32_t c, char32_t* second) {
    *second = 0;
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + 32U : c;
    if (c == 0x130) {
        *second = 0x307;
        return 'i';
    }
    return static_cast<char32_t>(u_tolower(icu(c)));
}

Gpt2Class gpt2Class(char32_t c) {
    static const std::array<Gpt2Class, 128> ascii = asciiClasses();
    return c < 128 ? ascii[c] : classify(c);
}

} // namespace orrery::text
