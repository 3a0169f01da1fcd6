// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "text/aligned_text.h"
#include "text/json_node.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::text {

/// A pattern of a tokenizer.json: a fixed text or a regular expression in Oniguruma's Ruby syntax, which the
/// files are written in. Compiled once (PCRE2 with JIT), used from any thread. Matching has limits on steps
/// and memory, so that a hostile expression ends in an Error and not in a hang.
class Pattern {
public:
    /// {"String": "..."} or {"Regex": "..."}; InputError when it is neither or does not compile.
    explicit Pattern(const JsonNode& node);
    explicit Pattern(std::string literal);
    ~Pattern();
    Pattern(Pattern&&) noexcept;
    Pattern& operator=(Pattern&&) noexcept;

    /// Covers the text with alternating matched and unmatched parts; an empty text is one unmatched part.
    void find(std::string_view text, std::vector<Match>& matches) const;
    /// The text with every match replaced.
    [[nodiscard]] std::string replaceAll(std::string_view text, std::string_view content) const;
    /// As written in the file, shortened, for descriptions.
    [[nodiscard]] std::string description() const;

private:
    struct Compiled;
    void compile(const JsonNode& node);
    void findRegex(std::string_view text, std::vector<Match>& matches) const;

    std::string m_source;
    std::unique_ptr<const Compiled> m_regex; ///< null: fixed text
};

/// Oniguruma's Ruby syntax to PCRE2's: the classes \s \d \w \h and their opposites mean other sets there.
[[nodiscard]] std::string translatePattern(std::string_view ruby);

} // namespace orrery::text
