// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "generate/step_model.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::text {
class Tokenizer;
}

namespace orrery::generate {

/// The text of a continuation, token by token, as it reads after its prompt. Text becomes visible in whole
/// characters: a character that is spread over several tokens waits for the last of them. In work per token
/// it does not grow with the text.
class TextStream {
public:
    /// The tokenizer must live as long. prompt: what is before the text (its end decides about a space).
    TextStream(const text::Tokenizer& tokenizer, std::span<const std::int64_t> prompt);

    /// Takes the next token; what it adds in whole characters.
    std::string push(std::int64_t id);
    /// What still waited; characters that were never completed are U+FFFD.
    std::string flush();

private:
    [[nodiscard]] std::string decode(std::size_t begin, std::size_t end) const;
    std::string take(bool all);
    /// Lets go of tokens that no longer matter.
    void slide();

    const text::Tokenizer& m_tokenizer;
    TokenIds m_ids;          ///< a window: the last tokens that were shown, then those that wait
    std::size_t m_shown = 0; ///< of which shown
    std::string m_before;    ///< text of the shown ones in the window
};

/// Looks for stop strings in a text that arrives in pieces, wherever the pieces end.
class StopStrings {
public:
    explicit StopStrings(std::span<const std::string> strings, bool keep)
        : m_strings(strings.begin(), strings.end()), m_keep(keep) {}

    /// Adds text. What may be shown of it: nothing that might be the beginning of a stop string to be cut
    /// away.
    std::string push(std::string_view text);
    /// The stop string that was found, if any; nothing more is shown then.
    [[nodiscard]] const std::optional<std::string>& found() const { return m_found; }
    /// What was held back when the text ends without a stop string.
    std::string flush();

private:
    std::vector<std::string> m_strings;
    bool m_keep;
    std::string m_held;
    std::optional<std::string> m_found;
};

/// Whether the text of a continuation ends a stop string in its last token: for candidates of a search, which
/// have no stream of their own. The string, or none.
[[nodiscard]] std::optional<std::string> stopStringAtEnd(const text::Tokenizer& tokenizer,
                                                         std::span<const std::int64_t> ids,
                                                         std::int64_t promptLength,
                                                         std::span<const std::string> strings);

} // namespace orrery::generate
