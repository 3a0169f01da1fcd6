// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/json.h"
#include "report/html.h"
#include "report/markdown.h"
#include "report/report.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cctype>
#include <cmath>
#include <filesystem>

namespace orrery::report {
namespace {

std::shared_ptr<const figure::Figure> barsFigure() {
    figure::Bars bars;
    bars.categories = {"model", "", {"a", "b</script>"}, false};
    bars.y = {"loss", "nats", {}, false};
    bars.groups = {{"first", {1.0, 2.5}, {0.9, 2.0}, {1.1, 3.0}}};
    figure::Figure made{"bars <&>", "Loss | of *models*", "Lower is better.", bars, {}};
    made.provenance.commandLine = "orrery analyze '</pre><script>x</script>'";
    made.provenance.model = "docs-bert";
    made.provenance.part = "lens";
    return std::make_shared<figure::Figure>(made);
}

Report sample() {
    Report report;
    report.title = "Title <script>alert(1)</script>";
    report.summary = "It **works**.";
    report.created = "2026-11-24T04:00:00Z";
    report.sections.push_back(
        {"One", 1, {Paragraph{"Words with `code` and [a link](https://example.org)."}}});
    report.sections.push_back({"Two", 2, {FigureBlock{barsFigure()}, Note{"", "A *note*."}}});
    figure::Table table;
    table.columns = {{"name", "", 4}, {"value", "ms", 3}};
    table.rows = {{std::string("x|y"), 1.23456}, {std::string("</td>"), std::nan("")}};
    report.sections.push_back({"Three", 1, {TableBlock{table, "A table."}, FigureBlock{barsFigure()}}});
    report.environment = {{"CPU", "two <cores>"}};
    return report;
}

/// Tags must nest; void elements do not count. Enough to catch an element that escaped or was never closed.
std::string nestingProblem(const std::string& html) {
    std::vector<std::string> open;
    for (std::size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) {
        const bool closes = html.compare(at + 1, 1, "/") == 0;
        const std::size_t begin = at + (closes ? 2 : 1);
        std::size_t end = begin;
        while (end < html.size() && std::isalnum(static_cast<unsigned char>(html[end])) != 0)
            ++end;
        const std::size_t last = html.find_first_of("<>", end);
        if (end == begin || last == std::string::npos || html[last] != '>')
            continue; // no tag: a comment, a declaration, a bare "<"
        const std::string name = html.substr(begin, end - begin);
        if (name == "meta" || name == "br" || name == "hr" || name == "rect" || html[last - 1] == '/')
            continue;
        if (!closes)
            open.push_back(name);
        else if (open.empty() || open.back() != name)
            return "unexpected </" + name + "> inside <" + (open.empty() ? "" : open.back()) + ">";
        else
            open.pop_back();
    }
    return open.empty() ? "" : "<" + open.back() + "> is never closed";
}

class SquareRenderer final : public FigureRenderer {
public:
    [[nodiscard]] std::string svg(const figure::Figure&) const override {
        return "<?xml version=\"1.0\"?><!DOCTYPE svg><svg viewBox=\"0 0 1 1\"><rect fill=\"#111111\"/></svg>";
    }
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> darkColours() const override {
        return {{"#111111", "#eeeeee"}};
    }
};

TEST(Report, SectionsAreNumberedByLevel) {
    Report report;
    for (const int level : {1, 2, 2, 3, 1, 2})
        report.sections.push_back({"x", level, {}});
    EXPECT_EQ(sectionNumbers(report), (std::vector<std::string>{"1", "1.1", "1.2", "1.2.1", "2", "2.1"}));
}

TEST(Report, HtmlIsOneSafeFile) {
    const std::string html = toHtml(sample());
    EXPECT_EQ(nestingProblem(html), "");
    EXPECT_EQ(html.find("<script"), std::string::npos);
    EXPECT_EQ(html.find("src="), std::string::npos);
    EXPECT_NE(html.find("prefers-color-scheme: dark"), std::string::npos);
    EXPECT_NE(html.find("@media print"), std::string::npos);
    EXPECT_NE(html.find("href=\"#section-2\""), std::string::npos);
    EXPECT_NE(html.find("id=\"section-2\""), std::string::npos);
    EXPECT_NE(html.find("<details>"), std::string::npos);
    EXPECT_NE(html.find("orrery analyze"), std::string::npos);
    EXPECT_NE(html.find("Figure 2."), std::string::npos);
    EXPECT_NE(html.find("id=\"environment\""), std::string::npos);
    EXPECT_NE(html.find("two &lt;cores&gt;"), std::string::npos);
    EXPECT_NE(html.find("2.5 [2, 3]"), std::string::npos) << "without a renderer a figure is a table";
}

TEST(Report, HtmlTakesDrawingsAndTheirDarkColours) {
    const SquareRenderer renderer;
    const std::string html = toHtml(sample(), &renderer);
    EXPECT_EQ(nestingProblem(html), "");
    EXPECT_NE(html.find("<svg viewBox"), std::string::npos);
    EXPECT_EQ(html.find("<?xml"), std::string::npos);
    EXPECT_EQ(html.find("<!DOCTYPE svg"), std::string::npos);
    EXPECT_NE(html.find("[fill=\"#111111\"]{fill:#eeeeee}"), std::string::npos);
}

TEST(Report, MarkdownNotationBecomesHtml) {
    EXPECT_EQ(markdownToHtml("# A"), "<h1>A</h1>\n");
    EXPECT_EQ(markdownToHtml("# A", 2), "<h3>A</h3>\n");
    EXPECT_EQ(markdownToHtml("a **b** *c* `d<e` snake_case_name"),
              "<p>a <strong>b</strong> <em>c</em> <code>d&lt;e</code> snake_case_name</p>\n");
    EXPECT_EQ(markdownToHtml("- a\n- b\n  - c\n"),
              "<ul>\n<li>a\n</li>\n<li>b\n<ul>\n<li>c\n</li>\n</ul>\n</li>\n</ul>\n");
    EXPECT_EQ(markdownToHtml("1. a\n2. b"), "<ol>\n<li>a\n</li>\n<li>b\n</li>\n</ol>\n");
    EXPECT_EQ(markdownToHtml("> q"), "<blockquote>\n<p>q</p>\n</blockquote>\n");
    EXPECT_EQ(markdownToHtml("```\n<b>\n```"), "<pre><code>&lt;b&gt;\n</code></pre>\n");
    EXPECT_EQ(markdownToHtml("---"), "<hr>\n");
    EXPECT_NE(markdownToHtml("| a | b |\n|---|---:|\n| 1 | 2 |").find("<td class=\"number\">2</td>"),
              std::string::npos);
}

TEST(Report, LinksKeepHarmlessSchemesOnly) {
    EXPECT_EQ(markdownToHtml("[x](https://example.org/?a=1&b=2)"),
              "<p><a href=\"https://example.org/?a=1&amp;b=2\">x</a></p>\n");
    for (const char* hostile :
         {"javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "file:///etc/passwd"})
        EXPECT_EQ(markdownToHtml("[x](" + std::string(hostile) + ")").find("<a "), std::string::npos)
            << hostile;
    EXPECT_EQ(markdownToHtml("<img src=x onerror=y>").find("<img"), std::string::npos);
}

TEST(Report, AnyMarkdownGivesNestedHarmlessHtml) {
    EXPECT_TRUE(rc::check([] {
        const auto pieces =
            *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(std::vector<std::string>{
                "*",  "**",   "_",  "`",         "```", "\n",          "\n\n", "- ",       "  - ", "1. ",
                "> ", "# ",   "|",  "|---|---|", "[",   "](",          ")",    "<script>", "</p>", "a",
                " ",  "word", "\\", "&",         "\"",  "javascript:", "\x01", "\xff",     "---"}));
        std::string text;
        for (const auto& piece : pieces)
            text += piece;
        const std::string html = markdownToHtml(text);
        RC_ASSERT(nestingProblem(html).empty());
        RC_ASSERT(html.find("<script") == std::string::npos);
        RC_ASSERT(html.find("href=\"javascript") == std::string::npos);
    }));
}

TEST(Report, EscapedHtmlHoldsNoMarkup) {
    EXPECT_TRUE(rc::check([](const std::string& text) {
        const std::string safe = escapeHtml(text);
        RC_ASSERT(safe.find_first_of("<>\"'") == std::string::npos);
    }));
}

TEST(Report, MarkdownHasFiguresAsFilesOrTables) {
    const std::string alone = toMarkdown(sample());
    EXPECT_NE(alone.find("| a | 1 \\[0.9, 1.1\\] |"), std::string::npos) << alone;
    EXPECT_NE(alone.find("### 1.1 Two"), std::string::npos);
    EXPECT_EQ(alone.find("b</script>"), std::string::npos);
}

TEST(Report, MarkdownWritesItsFilesBeside) {
    const auto folder = std::filesystem::temp_directory_path() / "orrery report test";
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    const SquareRenderer renderer;
    writeMarkdown(sample(), folder / "my report.md", &renderer);
    const std::string text = readTextFile(folder / "my report.md");
    EXPECT_NE(text.find("(my%20report_files/01-bars-.svg)"), std::string::npos) << text;
    EXPECT_TRUE(std::filesystem::exists(folder / "my report_files/01-bars-.svg"));
    EXPECT_EQ(readJsonFile(folder / "my report_files/02-bars-.json").at("model"), "docs-bert");
    std::filesystem::remove_all(folder);
}

TEST(Report, FileNamesAreSafe) {
    EXPECT_TRUE(rc::check([](const std::string& id) {
        figure::Figure figure;
        figure.id = id;
        const std::string name = figureFileName(3, figure);
        RC_ASSERT(name.rfind("03-", 0) == 0);
        RC_ASSERT(name.find_first_of("/\\. \n") == std::string::npos);
        RC_ASSERT(name.size() <= 63U);
    }));
}

TEST(Report, TablesOfLargeMatricesStaySmall) {
    figure::Heatmap map;
    map.values = std::make_shared<figure::DenseMatrix>(200, 100, std::vector<float>(20000, 0.5F));
    const auto table = asTable({"m", "", "", map, {}});
    EXPECT_LE(table.rows.size(), 16U);
    EXPECT_LE(table.columns.size(), 17U);
    EXPECT_EQ(std::get<double>(table.rows[0][1]), 0.5);
}

} // namespace
} // namespace orrery::report
