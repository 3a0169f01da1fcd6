// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/decoders/decoder.h"

#include "text/regex.h"
#include "text/utf8.h"

#include <fmt/format.h>

namespace orrery::text {
namespace {

class Sequence final : public Decoder {
public:
    explicit Sequence(const JsonNode& node) {
        for (const JsonNode& child : node.at("decoders").elements())
            m_parts.push_back(makeDecoder(child));
    }
    void apply(std::vector<std::string>& tokens) const override {
        for (const auto& part : m_parts)
            part->apply(tokens);
    }

private:
    std::vector<std::unique_ptr<const Decoder>> m_parts;
};

/// The suffix that ends words becomes a space, but for the last.
class BpeSuffix final : public Decoder {
public:
    explicit BpeSuffix(const JsonNode& node) : m_suffix(node.text("suffix", "</w>")) {
        if (m_suffix.empty())
            node.fail("has an empty suffix");
    }
    void apply(std::vector<std::string>& tokens) const override {
        const Pattern suffix(m_suffix);
        for (std::size_t i = 0; i < tokens.size(); ++i)
            tokens[i] = suffix.replaceAll(tokens[i], i + 1 == tokens.size() ? "" : " ");
    }

private:
    std::string m_suffix;
};

class Metaspace final : public Decoder {
public:
    explicit Metaspace(const JsonNode& node)
        : m_replacement(node.at("replacement").character()),
          m_prepended(node.text("prepend_scheme", "always") != "never" &&
                      node.boolean("add_prefix_space", true)) {}
    void apply(std::vector<std::string>& tokens) const override {
        for (std::size_t t = 0; t < tokens.size(); ++t) {
            std::string decoded;
            for (std::size_t i = 0; i < tokens[t].size();) {
                const char32_t c = nextCharacter(tokens[t], i);
                if (c != m_replacement)
                    appendCharacter(decoded, c);
                else if (t > 0 || !m_prepended)
                    decoded.push_back(' ');
            }
            tokens[t] = std::move(decoded);
        }
    }

private:
    char32_t m_replacement;
    bool m_prepended;
};

class Replace final : public Decoder {
public:
    explicit Replace(const JsonNode& node)
        : m_pattern(node.at("pattern")), m_content(node.at("content").text()) {}
    void apply(std::vector<std::string>& tokens) const override {
        for (std::string& token : tokens)
            token = m_pattern.replaceAll(token, m_content);
    }

private:
    Pattern m_pattern;
    std::string m_content;
};

class Fuse final : public Decoder {
public:
    void apply(std::vector<std::string>& tokens) const override {
        std::string all;
        for (const std::string& token : tokens)
            all += token;
        tokens = {std::move(all)};
    }
};

/// Takes up to so many characters off the ends of every token.
class Strip final : public Decoder {
public:
    explicit Strip(const JsonNode& node)
        : m_start(node.at("start").integer(0, INT32_MAX)), m_stop(node.at("stop").integer(0, INT32_MAX)) {
        appendCharacter(m_content, node.at("content").character());
    }
    void apply(std::vector<std::string>& tokens) const override {
        for (std::string& token : tokens) {
            std::string_view rest = token;
            for (std::int64_t i = 0; i < m_start && rest.starts_with(m_content); ++i)
                rest.remove_prefix(m_content.size());
            for (std::int64_t i = 0; i < m_stop && rest.ends_with(m_content); ++i)
                rest.remove_suffix(m_content.size());
            token = std::string(rest);
        }
    }

private:
    std::string m_content;
    std::int64_t m_start;
    std::int64_t m_stop;
};

} // namespace

std::unique_ptr<const Decoder> makeDecoder(const JsonNode& node) {
    const std::string type = node.at("type").text();
    if (type == "Sequence")
        return std::make_unique<Sequence>(node);
    if (type == "WordPiece")
        return makeWordPieceDecoder(node);
    if (type == "ByteLevel")
        return makeByteLevelDecoder();
    if (type == "BPEDecoder" || type == "BPE")
        return std::make_unique<BpeSuffix>(node);
    if (type == "Metaspace")
        return std::make_unique<Metaspace>(node);
    if (type == "Replace")
        return std::make_unique<Replace>(node);
    if (type == "ByteFallback")
        return makeByteFallbackDecoder();
    if (type == "Fuse")
        return std::make_unique<Fuse>();
    if (type == "Strip")
        return std::make_unique<Strip>(node);
    if (type == "CTC")
        return makeCtcDecoder(node);
    node.at("type").fail(fmt::format("is \"{}\", which is not a known decoder", type));
}

} // namespace orrery::text
