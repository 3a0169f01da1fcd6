// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/pre_tokenizers/pre_tokenizer.h"

#include <fmt/format.h>

namespace orrery::text {
namespace {

/// SentencePiece's way: spaces become a visible character, which starts every word.
class Metaspace final : public PreTokenizer {
public:
    explicit Metaspace(const JsonNode& node) : m_split(node.boolean("split", true)) {
        appendCharacter(m_replacement, node.at("replacement").character());
        const std::string scheme = node.text("prepend_scheme", "always");
        if (scheme == "always")
            m_scheme = Scheme::Always;
        else if (scheme == "first")
            m_scheme = Scheme::First;
        else if (scheme == "never")
            m_scheme = Scheme::Never;
        else
            node.at("prepend_scheme")
                .fail(fmt::format("is \"{}\" instead of always, first or never", scheme));
        if (!node.boolean("add_prefix_space", true)) {
            if (node.find("prepend_scheme") && m_scheme != Scheme::Never)
                node.at("add_prefix_space").fail("contradicts prepend_scheme");
            m_scheme = Scheme::Never;
        }
    }

    void apply(PreTokenized& text) const override {
        text.rewrite([this](AlignedText& piece, Origin origin) {
            std::vector<Match> spaces;
            const std::string& bytes = piece.text();
            for (std::size_t i = bytes.find(' '); i != std::string::npos; i = bytes.find(' ', i + 1))
                spaces.push_back({i, i + 1, true});
            piece.replace(spaces, m_replacement);
            const bool wanted =
                m_scheme == Scheme::Always || (m_scheme == Scheme::First && origin.start == 0);
            if (wanted && !piece.text().starts_with(m_replacement))
                piece.prepend(m_replacement);
        });
        if (!m_split)
            return;
        text.cut([this](std::string_view piece, const auto& emit) {
            std::size_t start = 0;
            for (std::size_t mark = piece.find(m_replacement, 1); mark != std::string_view::npos;
                 mark = piece.find(m_replacement, mark + m_replacement.size())) {
                emit(start, mark);
                start = mark;
            }
            emit(start, piece.size());
        });
    }
    [[nodiscard]] std::string description() const override {
        return fmt::format("spaces as \"{}\"{}{}", m_replacement,
                           m_scheme == Scheme::Always  ? ", one in front of every piece"
                           : m_scheme == Scheme::First ? ", one in front of the text"
                                                       : "",
                           m_split ? ", cut there" : "");
    }

private:
    enum class Scheme { Always, First, Never };
    std::string m_replacement;
    Scheme m_scheme = Scheme::Always;
    bool m_split;
};

} // namespace

std::unique_ptr<const PreTokenizer> makeMetaspacePreTokenizer(const JsonNode& node) {
    return std::make_unique<Metaspace>(node);
}

} // namespace orrery::text
