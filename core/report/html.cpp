// SPDX-License-Identifier: GPL-3.0-or-later
#include "report/html.h"

#include "report/html_style.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::report {

namespace {

bool isNumeric(const figure::Table& table, std::size_t column) {
    bool any = false;
    for (const auto& row : table.rows)
        if (column < row.size()) {
            if (std::holds_alternative<std::string>(row[column]))
                return false;
            any = any || std::holds_alternative<double>(row[column]) ||
                  std::holds_alternative<std::int64_t>(row[column]);
        }
    return any;
}

std::string tableHtml(const figure::Table& table) {
    std::string html = "<div class=\"wide\"><table>\n<thead><tr>";
    std::vector<const char*> classes;
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
        classes.push_back(isNumeric(table, c) ? " class=\"number\"" : "");
        const auto& column = table.columns[c];
        html += fmt::format("<th{} scope=\"col\">{}{}</th>", classes[c], escapeHtml(column.title),
                            column.unit.empty() ? std::string() : " (" + escapeHtml(column.unit) + ")");
    }
    html += "</tr></thead>\n<tbody>\n";
    for (const auto& row : table.rows) {
        html += "<tr>";
        for (std::size_t c = 0; c < table.columns.size(); ++c)
            html += fmt::format("<td{}>{}</td>", classes[c],
                                c < row.size() ? escapeHtml(cellText(row[c], table.columns[c].digits)) : "");
        html += "</tr>\n";
    }
    return html + "</tbody></table></div>\n";
}

/// Everything before the drawing itself (XML declaration, document type) is dropped.
std::string drawing(const std::string& svg) {
    const std::size_t begin = svg.find("<svg");
    return begin == std::string::npos ? std::string() : svg.substr(begin);
}

std::string linesHtml(const std::vector<std::pair<std::string, std::string>>& lines) {
    std::string html = "<dl>\n";
    for (const auto& [name, value] : lines)
        html += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escapeHtml(name), escapeHtml(value));
    return html + "</dl>\n";
}

std::string figureHtml(const figure::Figure& figure, int number, const FigureRenderer* renderer) {
    std::string html = fmt::format("<figure id=\"figure-{}\">\n", number);
    const std::string svg = renderer != nullptr ? drawing(renderer->svg(figure)) : std::string();
    if (!svg.empty())
        html += fmt::format("<div class=\"drawing\" role=\"img\" aria-label=\"{}\">{}</div>\n",
                            escapeHtml(figure.title), svg);
    else if (const auto* text = std::get_if<figure::Text>(&figure.body))
        html += markdownToHtml(text->markdown, 3);
    else
        html += tableHtml(asTable(figure));
    html += fmt::format("<figcaption><b>Figure {}.</b> {}", number, escapeHtml(figure.title));
    if (!figure.caption.empty())
        html += fmt::format("{} <span class=\"caption\">{}</span>", figure.title.empty() ? "" : ".",
                            escapeHtml(figure.caption));
    html += "</figcaption>\n";
    const auto lines = provenanceLines(figure.provenance);
    if (!lines.empty() || !figure.provenance.commandLine.empty()) {
        html += "<details><summary>How this was made</summary>\n" + linesHtml(lines);
        if (!figure.provenance.commandLine.empty())
            html += "<p>Make it again:</p>\n<pre><code>" + escapeHtml(figure.provenance.commandLine) +
                    "</code></pre>\n";
        html += "</details>\n";
    }
    return html + "</figure>\n";
}

std::string darkRules(const FigureRenderer* renderer) {
    if (renderer == nullptr)
        return {};
    std::string rules;
    for (const auto& [light, dark] : renderer->darkColours())
        for (const char* attribute : {"fill", "stroke"})
            rules += fmt::format(".drawing svg [{0}=\"{1}\"]{{{0}:{2}}}\n", attribute, light, dark);
    return "@media screen and (prefers-color-scheme: dark) {\n" + rules + "}\n";
}

std::string contentsHtml(const Report& report, const std::vector<std::string>& numbers) {
    if (report.sections.empty())
        return {};
    std::string html = "<nav aria-label=\"Contents\"><h2>Contents</h2>\n<ul>\n";
    for (std::size_t i = 0; i < report.sections.size(); ++i)
        html += fmt::format("<li class=\"level{}\"><a href=\"#section-{}\">{} {}</a></li>\n",
                            std::clamp(report.sections[i].level, 1, 3), i + 1, numbers[i],
                            escapeHtml(report.sections[i].title));
    if (!report.environment.empty())
        html += "<li class=\"level1\"><a href=\"#environment\">Environment</a></li>\n";
    return html + "</ul></nav>\n";
}

} // namespace

std::string toHtml(const Report& report, const FigureRenderer* renderer) {
    const std::vector<std::string> numbers = sectionNumbers(report);
    std::string html = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                       "<meta name=\"color-scheme\" content=\"light dark\">\n"
                       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                       "style-src 'unsafe-inline'; img-src data:\">\n"
                       "<meta name=\"generator\" content=\"Orrery\">\n";
    html += fmt::format("<title>{}</title>\n<style>\n{}{}</style>\n</head>\n<body>\n<main>\n",
                        escapeHtml(report.title), styleSheet, darkRules(renderer));
    html += fmt::format("<header><h1>{}</h1>\n", escapeHtml(report.title));
    if (!report.created.empty())
        html += fmt::format("<p class=\"date\">{}</p>\n", escapeHtml(report.created));
    html += "</header>\n";
    if (!report.summary.empty())
        html += "<div class=\"summary\">" + markdownToHtml(report.summary, 1) + "</div>\n";
    html += contentsHtml(report, numbers);
    int figureNumber = 0;
    for (std::size_t i = 0; i < report.sections.size(); ++i) {
        const Section& section = report.sections[i];
        const int level = std::clamp(section.level, 1, 3) + 1;
        html += fmt::format("<section id=\"section-{0}\">\n<h{1}>{2} {3}</h{1}>\n", i + 1, level, numbers[i],
                            escapeHtml(section.title));
        for (const Block& block : section.blocks) {
            if (const auto* paragraph = std::get_if<Paragraph>(&block))
                html += markdownToHtml(paragraph->markdown, level);
            else if (const auto* note = std::get_if<Note>(&block))
                html += fmt::format("<aside><b>{}</b>\n{}</aside>\n",
                                    escapeHtml(note->title.empty() ? "Note" : note->title),
                                    markdownToHtml(note->markdown, level));
            else if (const auto* figure = std::get_if<FigureBlock>(&block))
                html += figureHtml(*figure->figure, ++figureNumber, renderer);
            else if (const auto* table = std::get_if<TableBlock>(&block)) {
                html += tableHtml(table->table);
                if (!table->caption.empty())
                    html += "<p class=\"caption\">" + escapeHtml(table->caption) + "</p>\n";
            }
        }
        html += "</section>\n";
    }
    if (!report.environment.empty())
        html += "<section id=\"environment\">\n<h2>Environment</h2>\n" + linesHtml(report.environment) +
                "</section>\n";
    return html + "</main>\n</body>\n</html>\n";
}

} // namespace orrery::report
