// SPDX-License-Identifier: GPL-3.0-or-later
// A small Markdown reader for reports: what people write in notes, nothing that could carry markup through.
#include "report/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

namespace orrery::report {

namespace {

constexpr int deepest = 16; // nested quotes, lists and emphasis: beyond it text is taken as it stands

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
        text.remove_suffix(1);
    return text;
}

bool safeLink(std::string_view target) {
    std::string lower;
    for (const char c : target.substr(0, 16))
        lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const auto starts = [&](std::string_view scheme) { return lower.rfind(scheme, 0) == 0; };
    return starts("http://") || starts("https://") || starts("mailto:") || starts("#");
}

std::string inlineHtml(std::string_view text, int depth);

/// [words](target); nothing when it is not one.
std::optional<std::pair<std::string, std::size_t>> link(std::string_view text, std::size_t at, int depth) {
    const std::size_t close = text.find(']', at);
    if (close == std::string_view::npos || close + 1 >= text.size() || text[close + 1] != '(')
        return std::nullopt;
    const std::size_t end = text.find(')', close + 2);
    if (end == std::string_view::npos)
        return std::nullopt;
    const auto words = text.substr(at + 1, close - at - 1);
    const auto target = trimmed(text.substr(close + 2, end - close - 2));
    const std::string shown = inlineHtml(words, depth + 1);
    if (!safeLink(target))
        return std::pair{shown + " (" + escapeHtml(target) + ")", end + 1};
    return std::pair{fmt::format("<a href=\"{}\">{}</a>", escapeHtml(target), shown), end + 1};
}

bool wordCharacter(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || static_cast<unsigned char>(c) >= 0x80;
}

std::string inlineHtml(std::string_view text, int depth) {
    if (depth > deepest)
        return escapeHtml(text);
    std::string html;
    std::size_t i = 0;
    while (i < text.size()) {
        const char c = text[i];
        if (c == '\\' && i + 1 < text.size() && std::ispunct(static_cast<unsigned char>(text[i + 1])) != 0) {
            html += escapeHtml(text.substr(i + 1, 1));
            i += 2;
            continue;
        }
        if (c == '`') {
            std::size_t ticks = 1;
            while (i + ticks < text.size() && text[i + ticks] == '`')
                ++ticks;
            const std::size_t end = text.find(std::string(ticks, '`'), i + ticks);
            if (end != std::string_view::npos) {
                html += "<code>" + escapeHtml(trimmed(text.substr(i + ticks, end - i - ticks))) + "</code>";
                i = end + ticks;
                continue;
            }
            html.append(ticks, '`');
            i += ticks;
            continue;
        }
        if (c == '*' || c == '_') {
            const bool twice = i + 1 < text.size() && text[i + 1] == c;
            const std::string mark(twice ? 2 : 1, c);
            const bool opens = i + mark.size() < text.size() && text[i + mark.size()] != ' ' &&
                               !(c == '_' && i > 0 && wordCharacter(text[i - 1]));
            const std::size_t end = opens ? text.find(mark, i + mark.size()) : std::string_view::npos;
            if (end != std::string_view::npos && end > i + mark.size() && text[end - 1] != ' ' &&
                !(c == '_' && end + mark.size() < text.size() && wordCharacter(text[end + mark.size()]))) {
                const char* tag = twice ? "strong" : "em";
                html +=
                    fmt::format("<{0}>{1}</{0}>", tag,
                                inlineHtml(text.substr(i + mark.size(), end - i - mark.size()), depth + 1));
                i = end + mark.size();
                continue;
            }
            html += mark;
            i += mark.size();
            continue;
        }
        if (c == '[')
            if (auto found = link(text, i, depth)) {
                html += found->first;
                i = found->second;
                continue;
            }
        html += escapeHtml(text.substr(i, 1));
        ++i;
    }
    return html;
}

/// Length of a list marker with its spaces; ordered tells of "1.".
std::size_t listMarker(std::string_view line, bool& ordered) {
    if (line.size() >= 2 && (line[0] == '-' || line[0] == '*' || line[0] == '+') && line[1] == ' ') {
        ordered = false;
        return 2;
    }
    std::size_t digits = 0;
    while (digits < line.size() && digits < 9 && std::isdigit(static_cast<unsigned char>(line[digits])) != 0)
        ++digits;
    if (digits > 0 && digits + 1 < line.size() && (line[digits] == '.' || line[digits] == ')') &&
        line[digits + 1] == ' ') {
        ordered = true;
        return digits + 2;
    }
    return 0;
}

std::vector<std::string_view> tableCells(std::string_view line) {
    line = trimmed(line);
    if (!line.empty() && line.front() == '|')
        line.remove_prefix(1);
    if (!line.empty() && line.back() == '|' && (line.size() < 2 || line[line.size() - 2] != '\\'))
        line.remove_suffix(1);
    std::vector<std::string_view> cells;
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= line.size(); ++i)
        if (i == line.size() || (line[i] == '|' && (i == 0 || line[i - 1] != '\\'))) {
            cells.push_back(trimmed(line.substr(begin, i - begin)));
            begin = i + 1;
        }
    return cells;
}

bool isTableRule(std::string_view line) {
    line = trimmed(line);
    return line.find('-') != std::string_view::npos && line.find('|') != std::string_view::npos &&
           line.find_first_not_of("|-: ") == std::string_view::npos;
}

bool isRule(std::string_view line) {
    line = trimmed(line);
    if (line.size() < 3 || (line[0] != '-' && line[0] != '*' && line[0] != '_'))
        return false;
    return line.find_first_not_of(std::string{line[0], ' '}) == std::string_view::npos;
}

class BlockReader {
public:
    BlockReader(std::string_view text, int shift, int depth) : m_shift(shift), m_depth(depth) {
        std::size_t begin = 0;
        for (std::size_t i = 0; i <= text.size(); ++i)
            if (i == text.size() || text[i] == '\n') {
                std::string_view line = text.substr(begin, i - begin);
                if (!line.empty() && line.back() == '\r')
                    line.remove_suffix(1);
                m_lines.push_back(line);
                begin = i + 1;
            }
    }

    std::string html() {
        while (m_at < m_lines.size()) {
            const std::string_view line = trimmed(m_lines[m_at]);
            bool ordered = false;
            if (line.empty())
                ++m_at;
            else if (line.rfind("```", 0) == 0)
                code();
            else if (line[0] == '#' && heading(line))
                ++m_at;
            else if (isRule(line)) {
                m_html += "<hr>\n";
                ++m_at;
            } else if (line[0] == '>' && m_depth < deepest)
                quote();
            else if (listMarker(line, ordered) > 0 && m_depth < deepest)
                list(ordered);
            else if (m_at + 1 < m_lines.size() && line.find('|') != std::string_view::npos &&
                     isTableRule(m_lines[m_at + 1]))
                table();
            else
                paragraph();
        }
        return std::move(m_html);
    }

private:
    void code() {
        std::string content;
        for (++m_at; m_at < m_lines.size() && trimmed(m_lines[m_at]).rfind("```", 0) != 0; ++m_at)
            content += escapeHtml(m_lines[m_at]) + "\n";
        ++m_at;
        m_html += "<pre><code>" + content + "</code></pre>\n";
    }

    bool heading(std::string_view line) {
        std::size_t level = 0;
        while (level < line.size() && line[level] == '#')
            ++level;
        if (level > 6 || level >= line.size() || line[level] != ' ')
            return false;
        const int shown = std::clamp(static_cast<int>(level) + m_shift, 1, 6);
        m_html += fmt::format("<h{0}>{1}</h{0}>\n", shown, inlineHtml(trimmed(line.substr(level)), 0));
        return true;
    }

    void quote() {
        std::string inner;
        for (; m_at < m_lines.size() && trimmed(m_lines[m_at]).rfind('>', 0) == 0; ++m_at) {
            std::string_view line = trimmed(m_lines[m_at]).substr(1);
            if (!line.empty() && line[0] == ' ')
                line.remove_prefix(1);
            inner += std::string(line) + "\n";
        }
        m_html += "<blockquote>\n" + BlockReader(inner, m_shift, m_depth + 1).html() + "</blockquote>\n";
    }

    void list(bool ordered) {
        const char* tag = ordered ? "ol" : "ul";
        m_html += fmt::format("<{}>\n", tag);
        while (m_at < m_lines.size()) {
            const std::string_view line = m_lines[m_at];
            const std::size_t indent = std::min(line.find_first_not_of(" \t"), line.size());
            bool same = ordered;
            const std::size_t marker = listMarker(line.substr(indent), same);
            if (marker == 0 || same != ordered)
                break;
            // What is indented below belongs to the item.
            std::string inner(line.substr(indent + marker));
            inner += "\n";
            for (++m_at; m_at < m_lines.size(); ++m_at) {
                const std::string_view next = m_lines[m_at];
                if (trimmed(next).empty()) {
                    const bool goesOn = m_at + 1 < m_lines.size() &&
                                        m_lines[m_at + 1].rfind(std::string(indent + 2, ' '), 0) == 0;
                    if (!goesOn)
                        break;
                    inner += "\n";
                    continue;
                }
                const std::size_t depth = next.find_first_not_of(" \t");
                if (depth < indent + 2)
                    break;
                inner += std::string(next.substr(std::min(depth, indent + marker))) + "\n";
            }
            std::string content = BlockReader(inner, m_shift, m_depth + 1).html();
            // A single paragraph needs no box of its own.
            if (content.rfind("<p>", 0) == 0 && content.find("<p>", 3) == std::string::npos) {
                const std::size_t end = content.find("</p>");
                content = content.substr(3, end - 3) + content.substr(end + 4);
            }
            m_html += "<li>" + content + "</li>\n";
            while (m_at < m_lines.size() && trimmed(m_lines[m_at]).empty() && m_at + 1 < m_lines.size()) {
                bool more = ordered;
                if (listMarker(trimmed(m_lines[m_at + 1]), more) == 0 || more != ordered)
                    break;
                ++m_at;
            }
        }
        m_html += fmt::format("</{}>\n", tag);
    }

    void table() {
        const auto heads = tableCells(m_lines[m_at]);
        const auto rules = tableCells(m_lines[m_at + 1]);
        const auto alignment = [&](std::size_t column) -> std::string {
            if (column >= rules.size() || rules[column].empty() || rules[column].back() != ':')
                return "";
            return rules[column].front() == ':' ? " class=\"centre\"" : " class=\"number\"";
        };
        m_html += "<div class=\"wide\"><table>\n<thead><tr>";
        for (std::size_t c = 0; c < heads.size(); ++c)
            m_html += fmt::format("<th{}>{}</th>", alignment(c), inlineHtml(heads[c], 0));
        m_html += "</tr></thead>\n<tbody>\n";
        for (m_at += 2; m_at < m_lines.size() && m_lines[m_at].find('|') != std::string_view::npos; ++m_at) {
            m_html += "<tr>";
            const auto cells = tableCells(m_lines[m_at]);
            for (std::size_t c = 0; c < heads.size(); ++c)
                m_html += fmt::format("<td{}>{}</td>", alignment(c),
                                      c < cells.size() ? inlineHtml(cells[c], 0) : std::string());
            m_html += "</tr>\n";
        }
        m_html += "</tbody></table></div>\n";
    }

    void paragraph() {
        std::string text;
        for (; m_at < m_lines.size(); ++m_at) {
            const std::string_view line = m_lines[m_at];
            const std::string_view content = trimmed(line);
            if (content.empty())
                break;
            // Another block begins without an empty line between; the first line is always taken.
            if (!text.empty() && (content.rfind("```", 0) == 0 || content[0] == '>' ||
                                  (content[0] == '#' && content.find(' ') != std::string_view::npos)))
                break;
            if (!text.empty()) {
                bool ordered = false;
                if (listMarker(content, ordered) > 0 && !ordered)
                    break;
                text += "\n";
            }
            text += content;
            if (line.size() >= 2 && line.substr(line.size() - 2) == "  ")
                text += "\x01"; // a hard line break
        }
        std::string html = inlineHtml(text, 0);
        for (std::size_t at = html.find('\x01'); at != std::string::npos; at = html.find('\x01'))
            html.replace(at, 1, "<br>");
        m_html += "<p>" + html + "</p>\n";
    }

    std::vector<std::string_view> m_lines;
    std::size_t m_at = 0;
    int m_shift;
    int m_depth;
    std::string m_html;
};

} // namespace

std::string escapeHtml(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (const char c : text) {
        switch (c) {
        case '&':
            result += "&amp;";
            break;
        case '<':
            result += "&lt;";
            break;
        case '>':
            result += "&gt;";
            break;
        case '"':
            result += "&quot;";
            break;
        case '\'':
            result += "&#39;";
            break;
        default:
            // Control characters have no place in HTML.
            if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t')
                result += c;
            else
                result += "\xEF\xBF\xBD";
        }
    }
    return result;
}

std::string markdownToHtml(std::string_view markdown, int headingShift) {
    std::string clean(markdown);
    std::erase(clean, '\x01'); // ours for line breaks
    return BlockReader(clean, headingShift, 0).html();
}

} // namespace orrery::report
