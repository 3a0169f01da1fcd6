// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/normalizers/normalizer.h"

#include <fmt/format.h>
#include <unicode/ubrk.h>
#include <unicode/utext.h>

#include <optional>

namespace orrery::text {
namespace {

std::optional<std::string> decodeBase64(std::string_view text) {
    std::string bytes;
    std::uint32_t bits = 0;
    int count = 0;
    std::size_t used = 0;
    for (const char c : text) {
        if (c == '=')
            break;
        std::uint32_t value = 0;
        if (c >= 'A' && c <= 'Z')
            value = static_cast<std::uint32_t>(c - 'A');
        else if (c >= 'a' && c <= 'z')
            value = static_cast<std::uint32_t>(c - 'a' + 26);
        else if (c >= '0' && c <= '9')
            value = static_cast<std::uint32_t>(c - '0' + 52);
        else if (c == '+' || c == '/')
            value = c == '+' ? 62U : 63U;
        else
            return std::nullopt;
        bits = bits << 6U | value;
        count += 6;
        ++used;
        if (count >= 8) {
            count -= 8;
            bytes.push_back(static_cast<char>(bits >> static_cast<unsigned>(count) & 0xFFU));
        }
    }
    if (used % 4 == 1 || text.size() - used > 2)
        return std::nullopt;
    return bytes;
}

/// The character map of a SentencePiece model: a double-array trie (darts-clone) from byte sequences to
/// positions in a block of texts that end in NUL.
class Precompiled final : public Normalizer {
public:
    explicit Precompiled(const JsonNode& node) {
        const JsonNode map = node.at("precompiled_charsmap");
        const auto bytes = decodeBase64(map.text());
        if (!bytes)
            map.fail("is not Base64");
        if (bytes->empty())
            return; // an empty map maps nothing
        if (bytes->size() < 4)
            map.fail("is shorter than its header");
        const std::size_t trieBytes = wordAt(*bytes, 0);
        if (trieBytes % 4 != 0 || trieBytes > bytes->size() - 4)
            map.fail(
                fmt::format("says that its trie has {} bytes, but holds {}", trieBytes, bytes->size() - 4));
        for (std::size_t i = 0; i < trieBytes; i += 4)
            m_units.push_back(wordAt(*bytes, 4 + i));
        m_texts = bytes->substr(4 + trieBytes);
        if (!isValidUtf8(m_texts))
            map.fail("holds texts that are not UTF-8");
    }

    void apply(AlignedText& text) const override {
        const std::string& old = text.text();
        std::vector<Change> changes;
        changes.reserve(old.size());
        bool modified = false;
        forEachGrapheme(old, [&](std::string_view grapheme) {
            if (grapheme.size() < 6) {
                if (const auto mapped = lookUp(grapheme)) {
                    replace(changes, grapheme, *mapped);
                    modified = true;
                    return;
                }
            }
            for (std::size_t i = 0; i < grapheme.size();) {
                const std::size_t start = i;
                const char32_t c = nextCharacter(grapheme, i);
                const std::string_view part = grapheme.substr(start, i - start);
                if (const auto mapped = lookUp(part)) {
                    replace(changes, part, *mapped);
                    modified = true;
                } else {
                    changes.push_back({c, 0});
                }
            }
        });
        if (modified)
            text.transform(changes, 0);
    }
    [[nodiscard]] std::string description() const override { return "character map"; }

private:
    static std::uint32_t wordAt(std::string_view bytes, std::size_t at) {
        std::uint32_t value = 0;
        for (std::size_t i = 4; i-- > 0;)
            value = value << 8U | static_cast<unsigned char>(bytes[at + i]);
        return value;
    }

    /// What the shortest entry that the text begins with maps to (the reference takes the shortest, whatever
    /// else matches).
    [[nodiscard]] std::optional<std::string_view> lookUp(std::string_view text) const {
        if (m_units.empty())
            return std::nullopt;
        const auto offset = [](std::uint32_t unit) { return (unit >> 10U) << ((unit & 0x200U) >> 6U); };
        std::uint32_t node = offset(m_units[0]);
        for (const char byte : text) {
            const auto label = static_cast<unsigned char>(byte);
            if (label == 0)
                break;
            node ^= label;
            if (node >= m_units.size())
                break;
            const std::uint32_t unit = m_units[node];
            if ((unit & 0x800000FFU) != label)
                break;
            node ^= offset(unit);
            if ((unit >> 8U & 1U) == 0)
                continue;
            if (node >= m_units.size())
                break;
            const std::uint32_t at = m_units[node] & 0x7FFFFFFFU;
            if (at >= m_texts.size() || isContinuationByte(m_texts[at]))
                break;
            const std::string_view rest = std::string_view(m_texts).substr(at);
            return rest.substr(0, rest.find('\0'));
        }
        return std::nullopt;
    }

    static void replace(std::vector<Change>& changes, std::string_view from, std::string_view to) {
        const auto before = static_cast<std::int32_t>(countCharacters(from));
        std::int32_t after = 0;
        for (std::size_t i = 0; i < to.size(); ++after)
            changes.push_back({nextCharacter(to, i), 0});
        if (after > before) {
            for (auto k = static_cast<std::size_t>(after - before); k-- > 0;)
                changes[changes.size() - 1 - k].change = 1;
        } else if (after < before && !changes.empty()) {
            changes.back().change += after - before;
        }
    }

    template <class Visit>
    static void forEachGrapheme(std::string_view text, const Visit& visit) {
        UErrorCode status = U_ZERO_ERROR;
        UText* utext = nullptr;
        UBreakIterator* breaks = nullptr;
        const auto ascii = [&](std::size_t i) { return static_cast<unsigned char>(text[i]) < 0x80; };
        for (std::size_t i = 0; i < text.size();) {
            std::size_t end = i + 1;
            const bool alone =
                ascii(i) && (end == text.size() || (ascii(end) && !(text[i] == '\r' && text[end] == '\n')));
            if (!alone) {
                if (breaks == nullptr) { // only texts beyond ASCII pay for the segmentation
                    utext =
                        utext_openUTF8(nullptr, text.data(), static_cast<std::int64_t>(text.size()), &status);
                    breaks = ubrk_open(UBRK_CHARACTER, "", nullptr, 0, &status);
                    ubrk_setUText(breaks, utext, &status);
                }
                const std::int32_t next =
                    U_SUCCESS(status) != 0 ? ubrk_following(breaks, static_cast<std::int32_t>(i)) : UBRK_DONE;
                end = next == UBRK_DONE ? i + characterLength(text[i]) : static_cast<std::size_t>(next);
            }
            visit(text.substr(i, end - i));
            i = end;
        }
        if (breaks != nullptr)
            ubrk_close(breaks);
        if (utext != nullptr)
            utext_close(utext);
    }

    std::vector<std::uint32_t> m_units;
    std::string m_texts;
};

} // namespace

std::unique_ptr<const Normalizer> makePrecompiled(const JsonNode& node) {
    return std::make_unique<Precompiled>(node);
}

} // namespace orrery::text
