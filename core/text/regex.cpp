// SPDX-License-Identifier: GPL-3.0-or-later
#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/regex.h"

#include "base/error.h"

#include <fmt/format.h>
#include <pcre2.h>

#include <cstdint>
#include <utility>

namespace orrery::text {
namespace {

constexpr std::size_t longestPattern = 65536;
constexpr std::uint32_t matchLimit = 5'000'000;
constexpr std::uint32_t depthLimit = 50'000;
constexpr std::uint32_t heapLimitKib = 64 * 1024;

struct FreeCode {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeMatch {
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct FreeContext {
    void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};
struct FreeCompileContext {
    void operator()(pcre2_compile_context* context) const { pcre2_compile_context_free(context); }
};
struct FreeStack {
    void operator()(pcre2_jit_stack* stack) const { pcre2_jit_stack_free(stack); }
};

std::string messageOf(int code) {
    PCRE2_UCHAR buffer[256];
    if (pcre2_get_error_message(code, buffer, sizeof buffer) < 0)
        return fmt::format("error {}", code);
    return reinterpret_cast<const char*>(buffer);
}

} // namespace

struct Pattern::Compiled {
    std::unique_ptr<pcre2_code, FreeCode> code;
    bool jit = false;
};

Pattern::Pattern(std::string literal) : m_source(std::move(literal)) {}
Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;

Pattern::Pattern(const JsonNode& node) {
    if (const auto literal = node.find("String")) {
        m_source = literal->text();
        if (m_source.empty()) // matches between all characters, as an empty expression does
            compile(*literal);
    } else if (const auto regex = node.find("Regex")) {
        m_source = regex->text();
        compile(*regex);
    } else {
        node.fail("must have the key \"String\" or \"Regex\"");
    }
}

void Pattern::compile(const JsonNode& node) {
    if (m_source.size() > longestPattern)
        node.fail(fmt::format("is a regular expression of more than {} bytes", longestPattern));
    std::string pcre;
    try {
        pcre = translatePattern(m_source);
    } catch (const InputError& unsupported) {
        node.fail(fmt::format("uses {}, which is not supported in regular expressions", unsupported.what()));
    }
    const std::unique_ptr<pcre2_compile_context, FreeCompileContext> context(
        pcre2_compile_context_create(nullptr));
    pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
    pcre2_set_parens_nest_limit(context.get(), 100);
    int failure = 0;
    PCRE2_SIZE position = 0;
    auto compiled = std::make_unique<Compiled>();
    compiled->code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pcre.data()), pcre.size(),
                                       PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C,
                                       &failure, &position, context.get()));
    if (!compiled->code)
        node.fail(fmt::format("is not a regular expression ({})", messageOf(failure)));
    compiled->jit = pcre2_jit_compile(compiled->code.get(), PCRE2_JIT_COMPLETE) == 0;
    m_regex = std::move(compiled);
}

void Pattern::find(std::string_view text, std::vector<Match>& matches) const {
    matches.clear();
    if (text.empty()) {
        matches.push_back({0, 0, false});
        return;
    }
    if (m_regex) {
        findRegex(text, matches);
        return;
    }
    std::size_t done = 0;
    for (std::size_t start = text.find(m_source); start != std::string_view::npos;
         start = text.find(m_source, done)) {
        if (start > done)
            matches.push_back({done, start, false});
        done = start + m_source.size();
        matches.push_back({start, done, true});
    }
    if (done < text.size())
        matches.push_back({done, text.size(), false});
}

void Pattern::findRegex(std::string_view text, std::vector<Match>& matches) const {
    pcre2_code* code = m_regex->code.get();
    const std::unique_ptr<pcre2_match_data, FreeMatch> data(
        pcre2_match_data_create_from_pattern(code, nullptr));
    const std::unique_ptr<pcre2_match_context, FreeContext> context(pcre2_match_context_create(nullptr));
    if (!data || !context)
        throw Error("There is no memory for matching a regular expression; close other programs.");
    pcre2_set_match_limit(context.get(), matchLimit);
    pcre2_set_depth_limit(context.get(), depthLimit);
    pcre2_set_heap_limit(context.get(), heapLimitKib);
    std::unique_ptr<pcre2_jit_stack, FreeStack> stack; // made when the small default one does not suffice
    const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(data.get());
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());

    const auto search = [&](std::size_t from) {
        // The text is valid UTF-8 and positions are between characters: nothing need be checked again.
        return m_regex->jit ? pcre2_jit_match(code, subject, text.size(), from, 0, data.get(), context.get())
                            : pcre2_match(code, subject, text.size(), from, PCRE2_NO_UTF_CHECK, data.get(),
                                          context.get());
    };
    std::size_t done = 0;           // end of what is in matches
    std::size_t from = 0;           // where to search
    std::size_t lastEnd = SIZE_MAX; // of the last match: an empty one right behind it does not count
    while (from <= text.size()) {
        int result = search(from);
        if (result == PCRE2_ERROR_JIT_STACKLIMIT && !stack) {
            stack.reset(pcre2_jit_stack_create(64 * 1024, 16 * 1024 * 1024, nullptr));
            pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
            result = search(from);
        }
        if (result == PCRE2_ERROR_NOMATCH)
            break;
        if (result < 0)
            throw InputError(
                fmt::format("The pattern {} of the tokenizer takes too much time or memory on this "
                            "text ({}); use a simpler pattern or a shorter text.",
                            description(), messageOf(result)));
        const std::size_t start = bounds[0];
        const std::size_t end = bounds[1];
        if (end < start || (start == end && end == lastEnd)) {
            from += from < text.size() ? characterLength(text[from]) : 1;
            continue;
        }
        if (start < done) { // \K or a look-behind may begin before; the reference would not go back
            from = end > from ? end : from + 1;
            continue;
        }
        if (start > done)
            matches.push_back({done, start, false});
        matches.push_back({start, end, true});
        done = end;
        lastEnd = end;
        from = end;
    }
    if (done < text.size())
        matches.push_back({done, text.size(), false});
}

std::string Pattern::replaceAll(std::string_view text, std::string_view content) const {
    std::vector<Match> matches;
    find(text, matches);
    std::string result;
    for (const Match& match : matches)
        result.append(match.matched ? content : text.substr(match.start, match.end - match.start));
    return result;
}

std::string Pattern::description() const {
    constexpr std::size_t longest = 48;
    std::size_t end = std::min(longest, m_source.size());
    while (end > 0 && end < m_source.size() && isContinuationByte(m_source[end]))
        --end;
    const std::string start = m_source.substr(0, end) + (end < m_source.size() ? "..." : "");
    return m_regex ? "/" + start + "/" : "\"" + start + "\"";
}

} // namespace orrery::text
