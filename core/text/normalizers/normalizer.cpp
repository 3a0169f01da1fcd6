// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/normalizers/normalizer.h"

#include "text/byte_characters.h"
#include "text/regex.h"
#include "text/unicode.h"

#include <fmt/format.h>

namespace orrery::text {
namespace {

class Sequence final : public Normalizer {
public:
    explicit Sequence(const JsonNode& node) {
        for (const JsonNode& child : node.at("normalizers").elements())
            m_parts.push_back(makeNormalizer(child));
    }
    void apply(AlignedText& text) const override {
        for (const auto& part : m_parts)
            part->apply(text);
    }
    [[nodiscard]] std::string description() const override {
        std::string all;
        for (const auto& part : m_parts)
            all += (all.empty() ? "" : ", ") + part->description();
        return all;
    }

private:
    std::vector<std::unique_ptr<const Normalizer>> m_parts;
};

class Lowercase final : public Normalizer {
public:
    void apply(AlignedText& text) const override { lowerCase(text); }
    [[nodiscard]] std::string description() const override { return "lower case"; }
};

class Replace final : public Normalizer {
public:
    explicit Replace(const JsonNode& node)
        : m_pattern(node.at("pattern")), m_content(node.at("content").text()) {}
    void apply(AlignedText& text) const override {
        std::vector<Match> matches;
        m_pattern.find(text.text(), matches);
        text.replace(matches, m_content);
    }
    [[nodiscard]] std::string description() const override {
        return fmt::format("replace {} by \"{}\"", m_pattern.description(), m_content);
    }

private:
    Pattern m_pattern;
    std::string m_content;
};

class Prepend final : public Normalizer {
public:
    explicit Prepend(const JsonNode& node) : m_text(node.at("prepend").text()) {}
    void apply(AlignedText& text) const override { text.prepend(m_text); }
    [[nodiscard]] std::string description() const override { return fmt::format("prepend \"{}\"", m_text); }

private:
    std::string m_text;
};

class Strip final : public Normalizer {
public:
    explicit Strip(const JsonNode& node)
        : m_left(node.at("strip_left").boolean()), m_right(node.at("strip_right").boolean()) {}

    void apply(AlignedText& text) const override {
        const std::string& old = text.text();
        std::vector<Change> changes;
        changes.reserve(old.size());
        std::size_t leading = 0;
        std::size_t kept = 0; // characters up to the last that is not a space
        for (std::size_t i = 0; i < old.size();) {
            const char32_t c = nextCharacter(old, i);
            const bool space = isWhiteSpace(c);
            if (m_left && space && changes.empty()) {
                ++leading;
                continue;
            }
            changes.push_back({c, 0});
            if (!space || !m_right)
                kept = changes.size();
        }
        const std::size_t trailing = changes.size() - kept;
        if (leading == 0 && trailing == 0)
            return;
        changes.resize(kept);
        if (!changes.empty())
            changes.back().change = -static_cast<std::int32_t>(trailing);
        text.transform(changes, leading);
    }
    [[nodiscard]] std::string description() const override {
        return m_left && m_right ? "strip spaces"
               : m_left          ? "strip spaces on the left"
                                 : "strip spaces on the right";
    }

private:
    bool m_left;
    bool m_right;
};

class StripAccents final : public Normalizer {
public:
    void apply(AlignedText& text) const override {
        if (!isAscii(text.text()))
            text.filter([](char32_t c) { return !isCombiningMark(c); });
    }
    [[nodiscard]] std::string description() const override { return "strip accents"; }
};

class Nmt final : public Normalizer {
public:
    void apply(AlignedText& text) const override {
        text.filter([](char32_t c) {
            return !((c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F ||
                     c == 0x8F || c == 0x9F);
        });
        text.map([](char32_t c) {
            const bool space = c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 ||
                               (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
                               c == 0xFEFF || c == 0xFFFD;
            return space ? U' ' : c;
        });
    }
    [[nodiscard]] std::string description() const override { return "NMT"; }
};

class ByteLevel final : public Normalizer {
public:
    void apply(AlignedText& text) const override { encodeBytes(text); }
    [[nodiscard]] std::string description() const override { return "bytes as characters"; }
};

} // namespace

void lowerCase(AlignedText& text) {
    if (isAscii(text.text())) {
        for (char& c : text.bytes())
            if (c >= 'A' && c <= 'Z')
                c = static_cast<char>(c + 32);
        return;
    }
    std::vector<Change> changes;
    changes.reserve(text.text().size());
    bool any = false;
    for (std::size_t i = 0; i < text.text().size();) {
        const char32_t c = nextCharacter(text.text(), i);
        char32_t second = 0;
        const char32_t lower = toLower(c, &second);
        any = any || lower != c;
        changes.push_back({lower, 0});
        if (second != 0)
            changes.push_back({second, 1});
    }
    if (any)
        text.transform(changes, 0);
}

void encodeBytes(AlignedText& text) {
    std::vector<Change> changes;
    changes.reserve(text.text().size());
    for (const char byte : text.text())
        changes.push_back({characterOfByte(byte), isContinuationByte(byte) ? 1 : 0});
    text.transform(changes, 0);
}

std::unique_ptr<const Normalizer> makeNormalizer(const JsonNode& node) {
    const std::string type = node.at("type").text();
    if (type == "Sequence")
        return std::make_unique<Sequence>(node);
    if (type == "BertNormalizer" || type == "Bert")
        return makeBertNormalizer(node);
    if (type == "NFC")
        return makeNormalForm(NormalForm::Nfc);
    if (type == "NFD")
        return makeNormalForm(NormalForm::Nfd);
    if (type == "NFKC")
        return makeNormalForm(NormalForm::Nfkc);
    if (type == "NFKD")
        return makeNormalForm(NormalForm::Nfkd);
    if (type == "Lowercase")
        return std::make_unique<Lowercase>();
    if (type == "Replace")
        return std::make_unique<Replace>(node);
    if (type == "Prepend")
        return std::make_unique<Prepend>(node);
    if (type == "Strip")
        return std::make_unique<Strip>(node);
    if (type == "StripAccents")
        return std::make_unique<StripAccents>();
    if (type == "Nmt")
        return std::make_unique<Nmt>();
    if (type == "Precompiled")
        return makePrecompiled(node);
    if (type == "ByteLevel")
        return std::make_unique<ByteLevel>();
    node.at("type").fail(fmt::format("is \"{}\", which is not a known normalizer", type));
}

} // namespace orrery::text
