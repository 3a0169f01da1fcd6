// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/shown_text.h"

#include "base/json.h"

namespace orrery::checkpoint {
namespace {

constexpr std::size_t maxShownBytes = 100;

bool isUtf8(const std::string& text) {
    try {
        (void)Json(text).dump();
        return true;
    } catch (const Json::exception&) {
        return false;
    }
}

} // namespace

std::string shownText(std::string_view text) {
    std::size_t length = text.size();
    if (length > maxShownBytes) { // cut between characters, not within one
        length = maxShownBytes;
        while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xc0U) == 0x80U)
            --length;
    }
    std::string result(text.substr(0, length));
    const bool keepsAll = isUtf8(result);
    for (char& c : result) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !keepsAll))
            c = '?';
    }
    return length < text.size() ? result + "..." : result;
}

} // namespace orrery::checkpoint
