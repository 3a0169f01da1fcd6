// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/processors/post_processor.h"

#include "text/byte_characters.h"
#include "text/unicode.h"
#include "text/utf8.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::text {
namespace {

class ByteLevel final : public PostProcessor {
public:
    explicit ByteLevel(const JsonNode& node)
        : m_trim(node.boolean("trim_offsets", true)), m_prefixSpace(node.boolean("add_prefix_space", true)) {}

    [[nodiscard]] std::int64_t addedTokens(bool /*pair*/) const override { return 0; }
    [[nodiscard]] std::vector<Encoding> apply(std::vector<Encoding> encodings,
                                              bool /*addSpecialTokens*/) const override {
        for (std::size_t i = 0; i < encodings.size(); ++i) {
            if (m_trim) {
                trimOffsets(encodings[i], m_prefixSpace);
                for (Encoding& part : encodings[i].overflowing)
                    trimOffsets(part, m_prefixSpace);
            }
            setSequence(encodings[i], static_cast<std::int64_t>(i));
        }
        return encodings;
    }
    [[nodiscard]] std::string description() const override {
        return m_trim ? "offsets without spaces" : "offsets as they are";
    }

private:
    static void setSequence(Encoding& encoding, std::int64_t sequence) {
        encoding.sequenceIds.assign(encoding.size(), sequence);
    }
    bool m_trim;
    bool m_prefixSpace;
};

class Sequence final : public PostProcessor {
public:
    explicit Sequence(const JsonNode& node) {
        bool templated = false;
        for (const JsonNode& child : node.at("processors").elements()) {
            const bool isTemplate = child.at("type").text() == "TemplateProcessing";
            // A template makes more pieces than a second one has names for.
            if (isTemplate && templated)
                child.fail("is a second TemplateProcessing in one sequence");
            templated = templated || isTemplate;
            m_parts.push_back(makePostProcessor(child));
        }
    }
    [[nodiscard]] std::int64_t addedTokens(bool pair) const override {
        std::int64_t count = 0;
        for (const auto& part : m_parts)
            count += part->addedTokens(pair);
        return count;
    }
    [[nodiscard]] std::vector<Encoding> apply(std::vector<Encoding> encodings,
                                              bool addSpecialTokens) const override {
        for (const auto& part : m_parts)
            encodings = part->apply(std::move(encodings), addSpecialTokens);
        return encodings;
    }
    [[nodiscard]] std::string description() const override {
        std::string all;
        for (const auto& part : m_parts)
            all += (all.empty() ? "" : ", ") + part->description();
        return all;
    }
    [[nodiscard]] std::optional<std::string> firstToken() const override {
        for (const auto& part : m_parts)
            if (auto token = part->firstToken())
                return token;
        return std::nullopt;
    }
    [[nodiscard]] std::optional<std::string> separatorToken() const override {
        for (const auto& part : m_parts)
            if (auto token = part->separatorToken())
                return token;
        return std::nullopt;
    }

private:
    std::vector<std::unique_ptr<const PostProcessor>> m_parts;
};

bool isSpaceInToken(char32_t c) {
    return c == characterOfByte(' ') || isWhiteSpace(c);
}

} // namespace

void trimOffsets(Encoding& encoding, bool addPrefixSpace) {
    for (std::size_t i = 0; i < encoding.size(); ++i) {
        const std::string& token = encoding.tokens[i];
        std::int64_t leading = 0;
        for (std::size_t at = 0; at < token.size(); ++leading)
            if (!isSpaceInToken(nextCharacter(token, at)))
                break;
        std::int64_t trailing = 0;
        for (std::size_t end = token.size(); end > 0; ++trailing) {
            std::size_t at = characterBefore(token, end);
            end = at;
            if (!isSpaceInToken(nextCharacter(token, at)))
                break;
        }
        auto& [start, end] = encoding.offsets[i];
        if (leading > 0) {
            // A single space in front of the first word is the one that was added, and covers nothing.
            const bool added = (i == 0 || start == 0) && addPrefixSpace && leading == 1;
            start = std::min(start + (added ? 0 : leading), end);
        }
        if (trailing > 0 && end >= trailing)
            end = std::max(end - trailing, start);
    }
}

std::unique_ptr<const PostProcessor> makeByteLevelProcessing(const JsonNode& node) {
    return std::make_unique<ByteLevel>(node);
}

std::unique_ptr<const PostProcessor> makePostProcessor(const JsonNode& node) {
    const std::string type = node.at("type").text();
    if (type == "TemplateProcessing")
        return makeTemplateProcessing(node);
    if (type == "BertProcessing")
        return makeBertProcessing(node);
    if (type == "RobertaProcessing")
        return makeRobertaProcessing(node);
    if (type == "ByteLevel")
        return makeByteLevelProcessing(node);
    if (type == "Sequence")
        return std::make_unique<Sequence>(node);
    node.at("type").fail(fmt::format("is \"{}\", which is not a known post-processor", type));
}

} // namespace orrery::text
