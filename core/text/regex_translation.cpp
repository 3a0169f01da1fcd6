// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "text/regex.h"

namespace orrery::text {
namespace {

// White_Space, which PCRE2's \s exceeds by U+180E, and everything else.
constexpr std::string_view spaces =
    "\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}"
    "\\x{3000}";
constexpr std::string_view notSpaces =
    "\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{84}\\x{86}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}"
    "\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{10ffff}";
constexpr std::string_view wordCharacters = "\\p{L}\\p{M}\\p{Nd}\\p{Pc}";
constexpr std::string_view hexDigits = "0-9A-Fa-f";
constexpr std::string_view notHexDigits = "\\x{0}-/:-@G-`g-\\x{10ffff}";

/// What an escape stands for inside [...]; empty: itself.
std::string_view insideClass(char letter) {
    switch (letter) {
    case 's':
        return spaces;
    case 'S':
        return notSpaces;
    case 'd':
        return "\\p{Nd}";
    case 'D':
        return "\\P{Nd}";
    case 'w':
        return wordCharacters;
    case 'h':
        return hexDigits;
    case 'H':
        return notHexDigits;
    default:
        return {};
    }
}

} // namespace

std::string translatePattern(std::string_view ruby) {
    std::string pcre;
    pcre.reserve(ruby.size() * 2);
    int classDepth = 0;
    for (std::size_t i = 0; i < ruby.size(); ++i) {
        const char c = ruby[i];
        if (c == '\\' && i + 1 < ruby.size()) {
            const char letter = ruby[++i];
            const std::string_view set = insideClass(letter);
            if (classDepth > 0 && !set.empty()) {
                pcre.append(set);
            } else if (letter == 'W' && classDepth == 0) {
                pcre.append("[^").append(wordCharacters).append("]");
            } else if (!set.empty()) {
                pcre.append("[").append(set).append("]");
            } else {
                pcre.push_back('\\');
                pcre.push_back(letter);
            }
            continue;
        }
        if (classDepth == 0) {
            if (c == '[') {
                ++classDepth;
                pcre.push_back(c);
                if (i + 1 < ruby.size() && ruby[i + 1] == '^')
                    pcre.push_back(ruby[++i]);
                if (i + 1 < ruby.size() && ruby[i + 1] == ']') { // a first ] is a member
                    pcre.append("\\]");
                    ++i;
                }
                continue;
            }
            pcre.push_back(c);
            continue;
        }
        if (c == '[') {
            const bool posix = i + 1 < ruby.size() && ruby[i + 1] == ':';
            const std::size_t end = posix ? ruby.find(":]", i + 2) : std::string_view::npos;
            if (end == std::string_view::npos)
                throw InputError("a set within a set");
            pcre.append(ruby.substr(i, end + 2 - i));
            i = end + 1;
        } else if (c == '&' && i + 1 < ruby.size() && ruby[i + 1] == '&') {
            throw InputError("an intersection of sets");
        } else {
            if (c == ']')
                --classDepth;
            pcre.push_back(c);
        }
    }
    return pcre;
}

} // namespace orrery::text
