// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/normalizers/normalizer.h"
#include "text/unicode.h"

namespace orrery::text {
namespace {

/// BERT's cleaning, spaces around ideographs, accents and case (Devlin et al. 2018, tokenization.py).
class BertNormalizer final : public Normalizer {
public:
    explicit BertNormalizer(const JsonNode& node)
        : m_clean(node.boolean("clean_text", true)), m_chinese(node.boolean("handle_chinese_chars", true)),
          m_lower(node.boolean("lowercase", true)), m_stripAccents(node.boolean("strip_accents", m_lower)) {}

    void apply(AlignedText& text) const override {
        if (text.isIdentity() && applyAscii(text.bytes()))
            return;
        if (m_clean) {
            text.filter([](char32_t c) { return c != 0 && c != 0xFFFD && !isControl(c); });
            text.map([](char32_t c) { return isWhiteSpace(c) ? U' ' : c; });
        }
        if (m_chinese)
            isolateChinese(text);
        if (m_stripAccents) {
            decompose(text, false);
            text.filter([](char32_t c) { return !isNonspacingMark(c); });
        }
        if (m_lower)
            lowerCase(text);
    }

    [[nodiscard]] std::string description() const override {
        std::string all = "BERT:";
        all += m_clean ? " clean text," : "";
        all += m_chinese ? " spaces around ideographs," : "";
        all += m_stripAccents ? " strip accents," : "";
        all += m_lower ? " lower case," : "";
        all.pop_back();
        return all;
    }

private:
    /// Nothing moves in a text of printable ASCII; false when this is not one.
    [[nodiscard]] bool applyAscii(std::string& bytes) const {
        for (const char c : bytes)
            if (static_cast<unsigned char>(c) >= 0x80 ||
                (m_clean && isControl(static_cast<unsigned char>(c))))
                return false;
        for (char& c : bytes) {
            if (m_clean && (c == '\t' || c == '\n' || c == '\r'))
                c = ' ';
            if (m_lower && c >= 'A' && c <= 'Z')
                c = static_cast<char>(c + 32);
        }
        return true;
    }

    static void isolateChinese(AlignedText& text) {
        std::vector<Change> changes;
        changes.reserve(text.text().size());
        bool any = false;
        for (std::size_t i = 0; i < text.text().size();) {
            const char32_t c = nextCharacter(text.text(), i);
            if (isChineseCharacter(c)) {
                changes.insert(changes.end(), {{U' ', 0}, {c, 1}, {U' ', 1}});
                any = true;
            } else {
                changes.push_back({c, 0});
            }
        }
        if (any)
            text.transform(changes, 0);
    }

    bool m_clean;
    bool m_chinese;
    bool m_lower;
    bool m_stripAccents;
};

} // namespace

std::unique_ptr<const Normalizer> makeBertNormalizer(const JsonNode& node) {
    return std::make_unique<BertNormalizer>(node);
}

} // namespace orrery::text
