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

// Letters, marks and numbers that came after the tables of PCRE2 10.42 (Unicode 14); the reference knows
// them.
constexpr std::string_view laterLetters =
    "\\x{1123f}\\x{11240}\\x{11f02}\\x{11f04}-\\x{11f10}\\x{11f12}-\\x{11f33}\\x{1342f}\\x{13441}-\\x{13446}"
    "\\x{1b132}\\x{1b155}\\x{1df25}-\\x{1df2a}\\x{1e030}-\\x{1e06d}\\x{1e4d0}-\\x{1e4eb}\\x{2b739}"
    "\\x{2ebf0}-\\x{2ee5d}\\x{31350}-\\x{323af}";
constexpr std::string_view laterNumbers = "\\x{11f50}-\\x{11f59}\\x{1d2c0}-\\x{1d2d3}\\x{1e4f0}-\\x{1e4f9}";
constexpr std::string_view laterMarks =
    "\\x{cf3}\\x{ece}\\x{10efd}-\\x{10eff}\\x{11241}\\x{11f00}\\x{11f01}\\x{11f03}\\x{11f34}-\\x{11f3a}"
    "\\x{11f3e}-\\x{11f42}\\x{13440}\\x{13447}-\\x{13455}\\x{1e08f}\\x{1e4ec}-\\x{1e4ef}";

/// What has to be added to \p{name}.
std::string_view addedTo(std::string_view name) {
    return name == "L" ? laterLetters : name == "N" ? laterNumbers : name == "M" ? laterMarks : "";
}

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
            if (letter == 'p' && i + 1 < ruby.size() && ruby[i + 1] == '{') {
                const std::size_t end = ruby.find('}', i);
                const std::string_view added =
                    end == std::string_view::npos ? "" : addedTo(ruby.substr(i + 2, end - i - 2));
                if (!added.empty()) {
                    const bool alone = classDepth == 0;
                    pcre.append(alone ? "[\\" : "\\").append(ruby.substr(i, end + 1 - i)).append(added);
                    pcre.append(alone ? "]" : "");
                    i = end;
                    continue;
                }
            }
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
            if (c == '(' && ruby.substr(i + 1, 1) == "?") { // Ruby's m is what others call s
                for (std::size_t k = i + 1;
                     k < ruby.size() && std::string_view("?imx-").find(ruby[k]) != std::string_view::npos;
                     ++k)
                    pcre.push_back(ruby[i = k] == 'm' ? 's' : ruby[k]);
            }
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
