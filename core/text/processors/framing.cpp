// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/encoding_editing.h"
#include "text/models/vocabulary.h"
#include "text/processors/post_processor.h"

#include <fmt/format.h>

namespace orrery::text {
namespace {

struct SpecialToken {
    std::string token;
    std::int64_t id = 0;
};

/// ["[SEP]", 3]
SpecialToken specialTokenOf(const JsonNode& node) {
    const std::vector<JsonNode> parts = node.elements();
    if (parts.size() != 2)
        node.fail("must be a token and its id");
    return {parts[0].text(), parts[1].integer(0, Vocabulary::idLimit - 1)};
}

/// A text between two special tokens; the one in front may be left out.
Encoding framed(Encoding&& text, const SpecialToken* front, const SpecialToken& back, std::int64_t typeId) {
    Encoding all;
    if (front != nullptr)
        appendToken(all, front->id, front->token, typeId, true);
    std::vector<Encoding> parts = std::move(text.overflowing);
    text.overflowing.clear();
    // Whatever was special in the text before is now text.
    text.specialTokensMask.assign(text.size(), 0);
    text.attentionMask.assign(text.size(), 1);
    appendEncoding(all, std::move(text));
    appendToken(all, back.id, back.token, typeId, true);
    for (Encoding& part : parts)
        all.overflowing.push_back(framed(std::move(part), front, back, typeId));
    return all;
}

class BertProcessing final : public PostProcessor {
public:
    explicit BertProcessing(const JsonNode& node)
        : m_separator(specialTokenOf(node.at("sep"))), m_first(specialTokenOf(node.at("cls"))) {}

    [[nodiscard]] std::int64_t addedTokens(bool pair) const override { return pair ? 3 : 2; }
    [[nodiscard]] std::vector<Encoding> apply(std::vector<Encoding> encodings,
                                              bool addSpecialTokens) const override {
        if (addSpecialTokens)
            for (std::size_t i = 0; i < encodings.size(); ++i)
                encodings[i] =
                    framed(std::move(encodings[i]), i == 0 ? &m_first : nullptr, m_separator, i == 0 ? 0 : 1);
        return encodings;
    }
    [[nodiscard]] std::string description() const override {
        return fmt::format("{0} text {1} pair {1}", m_first.token, m_separator.token);
    }
    [[nodiscard]] std::optional<std::string> firstToken() const override { return m_first.token; }
    [[nodiscard]] std::optional<std::string> separatorToken() const override { return m_separator.token; }

private:
    SpecialToken m_separator;
    SpecialToken m_first;
};

class RobertaProcessing final : public PostProcessor {
public:
    explicit RobertaProcessing(const JsonNode& node)
        : m_separator(specialTokenOf(node.at("sep"))), m_first(specialTokenOf(node.at("cls"))),
          m_trim(node.boolean("trim_offsets", true)), m_prefixSpace(node.boolean("add_prefix_space", true)) {}

    [[nodiscard]] std::int64_t addedTokens(bool pair) const override { return pair ? 4 : 2; }
    [[nodiscard]] std::vector<Encoding> apply(std::vector<Encoding> encodings,
                                              bool addSpecialTokens) const override {
        for (std::size_t i = 0; i < encodings.size(); ++i) {
            Encoding& encoding = encodings[i];
            if (m_trim)
                trimOffsets(encoding, m_prefixSpace);
            setTypeIds(encoding, 0); // RoBERTa has one type only
            for (Encoding& part : encoding.overflowing) {
                if (m_trim)
                    trimOffsets(part, m_prefixSpace);
                if (addSpecialTokens)
                    setTypeIds(part, 0);
            }
            if (addSpecialTokens)
                encoding = framed(std::move(encoding), i == 0 ? &m_first : &m_separator, m_separator, 0);
        }
        return encodings;
    }
    [[nodiscard]] std::string description() const override {
        return fmt::format("{0} text {1} {1} pair {1}", m_first.token, m_separator.token);
    }
    [[nodiscard]] std::optional<std::string> firstToken() const override { return m_first.token; }
    [[nodiscard]] std::optional<std::string> separatorToken() const override { return m_separator.token; }

private:
    SpecialToken m_separator;
    SpecialToken m_first;
    bool m_trim;
    bool m_prefixSpace;
};

} // namespace

std::unique_ptr<const PostProcessor> makeBertProcessing(const JsonNode& node) {
    return std::make_unique<BertProcessing>(node);
}

std::unique_ptr<const PostProcessor> makeRobertaProcessing(const JsonNode& node) {
    return std::make_unique<RobertaProcessing>(node);
}

} // namespace orrery::text
