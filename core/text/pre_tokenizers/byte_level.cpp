// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/pre_tokenizers/pre_tokenizer.h"
#include "text/unicode.h"

namespace orrery::text {
namespace {

/// Cuts as GPT-2's expression does ('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+|
/// ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+), written out because it is what most English text is cut with.
class Gpt2Scanner {
public:
    explicit Gpt2Scanner(std::string_view text) : m_text(text) {}

    /// The end of the word that starts at a position.
    [[nodiscard]] std::size_t wordEnd(std::size_t start) const {
        if (m_text[start] == '\'') {
            if (const std::size_t length = contraction(start + 1); length > 0)
                return start + 1 + length;
        }
        std::size_t behindFirst = start;
        const Gpt2Class first = classAt(behindFirst);
        if (first != Gpt2Class::Space)
            return runEnd(behindFirst, first);
        if (m_text[start] == ' ' && behindFirst < m_text.size()) {
            std::size_t next = behindFirst;
            const Gpt2Class second = classAt(next);
            if (second != Gpt2Class::Space)
                return runEnd(next, second);
        }
        const std::size_t end = runEnd(behindFirst, Gpt2Class::Space);
        if (end == m_text.size() || end == behindFirst)
            return end;
        return characterBefore(m_text, end); // the last space belongs to the word that follows
    }

private:
    [[nodiscard]] Gpt2Class classAt(std::size_t& position) const {
        return gpt2Class(nextCharacter(m_text, position));
    }
    [[nodiscard]] std::size_t runEnd(std::size_t position, Gpt2Class kind) const {
        while (position < m_text.size()) {
            std::size_t next = position;
            if (classAt(next) != kind)
                break;
            position = next;
        }
        return position;
    }
    [[nodiscard]] std::size_t contraction(std::size_t at) const {
        const std::string_view rest = m_text.substr(at, 2);
        if (rest.empty())
            return 0;
        if (rest[0] == 's' || rest[0] == 't')
            return 1;
        if (rest == "re" || rest == "ve")
            return 2;
        if (rest[0] == 'm')
            return 1;
        if (rest == "ll")
            return 2;
        return rest[0] == 'd' ? 1U : 0U;
    }

    std::string_view m_text;
};

class ByteLevel final : public PreTokenizer {
public:
    explicit ByteLevel(const JsonNode& node)
        : m_prefixSpace(node.boolean("add_prefix_space", true)), m_words(node.boolean("use_regex", true)) {}

    void apply(PreTokenized& text) const override {
        if (m_prefixSpace)
            addPrefixSpaces(text);
        if (m_words)
            text.cut([](std::string_view piece, const auto& emit) {
                const Gpt2Scanner scanner(piece);
                for (std::size_t start = 0; start < piece.size();) {
                    const std::size_t end = scanner.wordEnd(start);
                    emit(start, end);
                    start = end;
                }
            });
        text.encodeBytesLater();
    }
    [[nodiscard]] std::string description() const override {
        return std::string(m_prefixSpace ? "a space in front, " : "") + (m_words ? "GPT-2's words, " : "") +
               "bytes as characters";
    }

private:
    static void addPrefixSpaces(PreTokenized& text) {
        bool needed = text.bytesPending();
        for (const Split& split : text.splits())
            needed = needed || (split.addedId < 0 && text.view(split).front() != ' ');
        if (needed)
            text.rewrite([](AlignedText& piece, Origin) {
                if (!piece.text().starts_with(' '))
                    piece.prepend(" ");
            });
    }

    bool m_prefixSpace;
    bool m_words;
};

} // namespace

std::unique_ptr<const PreTokenizer> makeByteLevelPreTokenizer(const JsonNode& node) {
    return std::make_unique<ByteLevel>(node);
}

} // namespace orrery::text
