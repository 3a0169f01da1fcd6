// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "text/tokenizer.h"

#include <rapidcheck.h>

#include <memory>
#include <string>
#include <vector>

namespace orrery::text {

inline std::filesystem::path goldenFolder(const std::string& name) {
    return std::filesystem::path(ORRERY_GOLDEN_DIR "/tokenizers") / name;
}

inline std::shared_ptr<const Tokenizer> goldenTokenizer(const std::string& name) {
    return Tokenizer::open(goldenFolder(name));
}

inline std::string encoded(const std::vector<char32_t>& characters) {
    std::string text;
    for (const char32_t c : characters) {
        if (c < 0x80) {
            text += static_cast<char>(c);
        } else if (c < 0x800) {
            text += static_cast<char>(0xC0U | c >> 6U);
            text += static_cast<char>(0x80U | (c & 0x3FU));
        } else if (c < 0x10000) {
            text += static_cast<char>(0xE0U | c >> 12U);
            text += static_cast<char>(0x80U | (c >> 6U & 0x3FU));
            text += static_cast<char>(0x80U | (c & 0x3FU));
        } else {
            text += static_cast<char>(0xF0U | c >> 18U);
            text += static_cast<char>(0x80U | (c >> 12U & 0x3FU));
            text += static_cast<char>(0x80U | (c >> 6U & 0x3FU));
            text += static_cast<char>(0x80U | (c & 0x3FU));
        }
    }
    return text;
}

/// Characters as texts have them: mostly ASCII, spaces, then anything up to U+10FFFF but surrogates.
inline rc::Gen<std::vector<char32_t>> anyCharacters() {
    const auto from = [](std::uint32_t low, std::uint32_t high) {
        return rc::gen::map(rc::gen::inRange(low, high),
                            [](std::uint32_t c) { return static_cast<char32_t>(c); });
    };
    return rc::gen::container<std::vector<char32_t>>(
        rc::gen::weightedOneOf<char32_t>({{8, from('a', 'z' + 1)},
                                          {4, rc::gen::element(U' ', U'\n', U'\'', U'.', U'0', U'A', U'[')},
                                          {2, from(0xA0, 0x590)},
                                          {1, from(0x590, 0xD800)},
                                          {1, from(0xE000, 0x10000)},
                                          {1, from(0x10000, 0x110000)}}));
}

} // namespace orrery::text
