// SPDX-License-Identifier: GPL-3.0-or-later
#include "report/markdown.h"

#include "base/error.h"
#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

namespace orrery::report {

namespace {

/// A code fence longer than any in the text.
std::string fenced(const std::string& text) {
    std::size_t longest = 2;
    std::size_t run = 0;
    for (const char c : text) {
        run = c == '`' ? run + 1 : 0;
        longest = std::max(longest, run);
    }
    const std::string fence(longest + 1, '`');
    return fence + "\n" + text + "\n" + fence + "\n";
}

std::string figureMarkdown(const figure::Figure& figure, int number, std::string_view folder) {
    std::string text;
    if (const auto* words = std::get_if<figure::Text>(&figure.body))
        text = words->markdown + "\n\n";
    else if (folder.empty() || std::holds_alternative<figure::Table>(figure.body))
        text = markdownTable(asTable(figure)) + "\n";
    else
        text = fmt::format("![{}]({}/{}.svg)\n\n", escapeMarkdown(figure.title), folder,
                           figureFileName(number, figure));
    text += fmt::format("**Figure {}.** {}", number, escapeMarkdown(figure.title));
    if (!figure.caption.empty())
        text += (figure.title.empty() ? "" : ". ") + escapeMarkdown(figure.caption);
    text += "\n\n";
    for (const auto& [name, value] : provenanceLines(figure.provenance))
        text += fmt::format("- {}: {}\n", escapeMarkdown(name), escapeMarkdown(value));
    if (!figure.provenance.commandLine.empty())
        text += "\n" + fenced(figure.provenance.commandLine);
    return text + "\n";
}

} // namespace

std::string escapeMarkdown(std::string_view text) {
    std::string result;
    for (const char c : text) {
        switch (c) {
        case '\n':
        case '\r':
        case '\t':
            result += ' ';
            break;
        case '<':
            result += "&lt;";
            break;
        case '>':
            result += "&gt;";
            break;
        case '&':
            result += "&amp;";
            break;
        case '\\':
        case '`':
        case '*':
        case '_':
        case '[':
        case ']':
        case '|':
        case '#':
            result += '\\';
            result += c;
            break;
        default:
            if (static_cast<unsigned char>(c) >= 0x20)
                result += c;
        }
    }
    return result;
}

std::string markdownTable(const figure::Table& table) {
    std::string text = "|";
    std::string rule = "|";
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
        const auto& column = table.columns[c];
        text += fmt::format(" {}{} |", escapeMarkdown(column.title),
                            column.unit.empty() ? std::string() : " (" + escapeMarkdown(column.unit) + ")");
        const bool numeric = std::any_of(table.rows.begin(), table.rows.end(), [c](const auto& row) {
            return c < row.size() &&
                   (std::holds_alternative<double>(row[c]) || std::holds_alternative<std::int64_t>(row[c]));
        });
        rule += numeric ? " ---: |" : " --- |";
    }
    text += "\n" + rule + "\n";
    for (const auto& row : table.rows) {
        text += "|";
        for (std::size_t c = 0; c < table.columns.size(); ++c)
            text += fmt::format(" {} |", c < row.size()
                                             ? escapeMarkdown(cellText(row[c], table.columns[c].digits))
                                             : std::string());
        text += "\n";
    }
    return text;
}

std::string figureFileName(int number, const figure::Figure& figure) {
    std::string name;
    for (const char c : figure.id)
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
            c == '-')
            name += c;
        else if (!name.empty() && name.back() != '-')
            name += '-';
    name.resize(std::min<std::size_t>(name.size(), 60));
    return fmt::format("{:02}-{}", number, name.empty() ? "figure" : name);
}

std::string toMarkdown(const Report& report, std::string_view figureFolder) {
    const std::vector<std::string> numbers = sectionNumbers(report);
    std::string text = "# " + escapeMarkdown(report.title) + "\n\n";
    if (!report.created.empty())
        text += escapeMarkdown(report.created) + "\n\n";
    if (!report.summary.empty())
        text += report.summary + "\n\n";
    int figureNumber = 0;
    for (std::size_t i = 0; i < report.sections.size(); ++i) {
        const Section& section = report.sections[i];
        text += fmt::format("{} {} {}\n\n",
                            std::string(static_cast<std::size_t>(std::clamp(section.level, 1, 3) + 1), '#'),
                            numbers[i], escapeMarkdown(section.title));
        for (const Block& block : section.blocks) {
            if (const auto* paragraph = std::get_if<Paragraph>(&block)) {
                text += paragraph->markdown + "\n\n";
            } else if (const auto* note = std::get_if<Note>(&block)) {
                text +=
                    fmt::format("> **{}**\n>\n", escapeMarkdown(note->title.empty() ? "Note" : note->title));
                std::size_t begin = 0;
                while (begin <= note->markdown.size()) {
                    const std::size_t end = std::min(note->markdown.find('\n', begin), note->markdown.size());
                    text += "> " + note->markdown.substr(begin, end - begin) + "\n";
                    begin = end + 1;
                }
                text += "\n";
            } else if (const auto* figure = std::get_if<FigureBlock>(&block)) {
                text += figureMarkdown(*figure->figure, ++figureNumber, figureFolder);
            } else if (const auto* table = std::get_if<TableBlock>(&block)) {
                text += markdownTable(table->table) + "\n";
                if (!table->caption.empty())
                    text += "*" + escapeMarkdown(table->caption) + "*\n\n";
            }
        }
    }
    if (!report.environment.empty()) {
        text += "## Environment\n\n";
        for (const auto& [name, value] : report.environment)
            text += fmt::format("- {}: {}\n", escapeMarkdown(name), escapeMarkdown(value));
    }
    return text;
}

void writeMarkdown(const Report& report, const std::filesystem::path& file, const FigureRenderer* renderer) {
    const auto all = figures(report);
    if (renderer == nullptr || all.empty()) {
        writeFileAtomically(file, toMarkdown(report));
        return;
    }
    const std::filesystem::path folder = file.parent_path() / (file.stem().string() + "_files");
    std::error_code failure;
    std::filesystem::create_directories(folder, failure);
    if (failure)
        throw Error("The folder \"" + folder.string() + "\" for the report's figures cannot be made (" +
                    failure.message() + "); save the report where you may write.");
    int number = 0;
    for (const auto& figure : all) {
        const std::string name = figureFileName(++number, *figure);
        const std::string svg = renderer->svg(*figure);
        if (!svg.empty())
            writeFileAtomically(folder / (name + ".svg"), svg);
        writeFileAtomically(
            folder / (name + ".json"),
            figure->provenance.toJson().dump(1, ' ', false, OrderedJson::error_handler_t::replace) + "\n");
    }
    // Spaces in a link's target would end it.
    std::string shown;
    for (const char c : folder.filename().string())
        shown += c == ' ' ? std::string("%20") : std::string(1, c);
    writeFileAtomically(file, toMarkdown(report, shown));
}

} // namespace orrery::report
