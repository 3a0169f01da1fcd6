// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "base/version.h"
#include "commands.h"
#include "figures/report_pdf.h"
#include "measure/bench_figures.h"
#include "measure/machine.h"
#include "report/html.h"
#include "report/markdown.h"

#include <fmt/format.h>

namespace orrery::app {
namespace {

/// The section of one run: what it was, its figures, its notes.
report::Section section(const store::Workspace& workspace, store::RunId id) {
    const auto run = workspace.run(id);
    report::Section result{run.title.empty() ? fmt::format("Run {}", id) : run.title, 1, {}};
    std::string words =
        fmt::format("{} of {}, {:.1f} s, {}.", run.job, run.created, run.duration, name(run.status));
    if (!run.model.empty())
        words += fmt::format(" Model: {}.", run.model);
    result.blocks.emplace_back(report::Paragraph{words});
    if (!run.commandLine.empty())
        result.blocks.emplace_back(report::Paragraph{fmt::format("    {}", run.commandLine)});
    for (const auto& note : workspace.notes(id))
        result.blocks.emplace_back(report::Note{"", note.markdown});
    for (const auto& summary : workspace.figures(id))
        result.blocks.emplace_back(
            report::FigureBlock{std::make_shared<const figure::Figure>(workspace.figure(summary.id))});
    return result;
}

int writeReport(Session& session, const std::vector<std::string>& names, const std::string& title) {
    if (session.out.empty())
        throw UsageError("Say where the report goes: --out FILE.html, FILE.pdf or FILE.md.");
    const std::string ending = std::filesystem::path(session.out).extension().string();
    if (ending != ".html" && ending != ".pdf" && ending != ".md")
        throw UsageError(
            fmt::format("A report is written as .html, .pdf or .md; '{}' is none of them.", session.out));
    auto& workspace = session.workspace();
    std::vector<store::RunId> runs;
    for (const auto& text : names)
        runs.push_back(workspace.resolveRun(text));
    if (names.empty()) {
        for (const auto& run : workspace.listRuns({}, store::RunSort::Oldest))
            runs.push_back(run.id);
        if (runs.empty())
            throw Error(
                fmt::format("The workspace {} holds no runs to report; measure or analyze something first.",
                            workspace.path().string()));
    }
    report::Report page;
    page.title = title.empty() ? "Orrery report" : title;
    page.created = timestamp();
    page.summary =
        fmt::format("{} runs of the workspace {}.", runs.size(), workspace.path().filename().string());
    for (const auto run : runs)
        page.sections.push_back(section(workspace, run));
    const auto machine = measure::describeMachine();
    page.environment = {{"Machine", machine.oneLine()},
                        {"Engine", machine.onednn},
                        {"Compiler", machine.compiler},
                        {"Orrery", version()}};
    session.application();
    const ui::SvgFigureRenderer renderer;
    if (ending == ".html")
        writeFileAtomically(session.out, report::toHtml(page, &renderer));
    else if (ending == ".md")
        report::writeMarkdown(page, session.out, &renderer);
    else
        writeFileAtomically(session.out, ui::renderReportPdf(page).toStdString());
    if (!session.quiet)
        print(session.out + "\n");
    return 0;
}

} // namespace

void defineReport(CLI::App& parser, Session& session) {
    auto* command = parser.add_subcommand("report", "A report from runs, figures and notes");
    auto runs = std::make_shared<std::vector<std::string>>();
    auto title = std::make_shared<std::string>();
    command->add_option("runs", *runs, "Ids or last (default: all)");
    command->add_option("--title", *title, "Title of the report");
    session.addCommonOptions(*command);
    command->footer("Example: orrery report last --out /tmp/report.html");
    command->callback([&session, runs, title] {
        session.action = [&session, runs, title] { return writeReport(session, *runs, *title); };
    });
}

} // namespace orrery::app
