// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "bench_output.h"
#include "commands.h"
#include "figure/serialize.h"
#include "measure/bench_figures.h"
#include "measure/export_runs.h"
#include "measure/statistics.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

namespace orrery::app {
namespace {

struct Settings {
    std::vector<std::string> runs;
    std::string filter;
    std::string job;
    std::string format = "csv";
    std::int64_t limit = 50;
    bool yes = false;
};

OrderedJson toJson(const store::RunSummary& run) {
    return {{"id", run.id},
            {"uid", run.uid},
            {"job", run.job},
            {"title", run.title},
            {"status", name(run.status)},
            {"created", run.created},
            {"seconds", run.duration},
            {"model", run.model},
            {"cells", run.cells},
            {"cellsDone", run.cellsDone},
            {"figures", run.figures},
            {"notes", run.notes},
            {"tags", run.tags}};
}

int list(Session& session, const Settings& settings) {
    store::RunFilter filter;
    filter.text = settings.filter;
    filter.job = settings.job;
    OrderedJson json = OrderedJson::array();
    std::vector<std::vector<std::string>> rows;
    for (const auto& run : session.workspace().listRuns(filter, store::RunSort::Newest, settings.limit)) {
        json.push_back(toJson(run));
        rows.push_back({fmt::format("{}", run.id), run.created, run.job, std::string(name(run.status)),
                        run.cells > 0 ? fmt::format("{}/{}", run.cellsDone, run.cells) : "",
                        fmt::format("{}", run.figures), run.title});
    }
    if (session.json)
        printJson(json);
    else
        printTable({"run", "created", "job", "status", "cells", "figures", "title"}, rows);
    return 0;
}

int show(Session& session, const Settings& settings) {
    auto& workspace = session.workspace();
    const auto id = workspace.resolveRun(settings.runs.at(0));
    const auto run = workspace.run(id);
    if (session.json) {
        const std::array runs{id};
        print(measure::exportRuns(workspace, runs, measure::ExportFormat::Json) + "\n");
        return 0;
    }
    print(fmt::format("run {} ({}): {}\n{} on {}, {:.1f} s, {}{}\n", id, run.uid, run.title, run.job,
                      run.created, run.duration, name(run.status),
                      run.message.empty() ? "" : ": " + run.message));
    if (!run.commandLine.empty())
        print(fmt::format("again: {}\n", run.commandLine));
    for (const auto& model : run.models)
        print(fmt::format("model: {} ({}), {}\n", model.name, model.family, model.path));
    print("\n");
    if (run.cells > 0)
        for (const auto& figure : measure::benchFigures(workspace, id))
            if (std::holds_alternative<figure::Table>(figure.body))
                printTableFigure(figure);
    for (const auto& figure : workspace.figures(id))
        print(fmt::format("figure {}: {} ({})\n", figure.id, figure.title, figure.kind));
    for (const auto& note : workspace.notes(id))
        print(fmt::format("note of {}: {}\n", note.created, note.markdown));
    return 0;
}

int compare(Session& session, const Settings& settings) {
    auto& workspace = session.workspace();
    const std::array runs{workspace.resolveRun(settings.runs.at(0)),
                          workspace.resolveRun(settings.runs.at(1))};
    const auto comparisons = measure::compareRuns(workspace, runs[0], runs[1]);
    if (comparisons.empty())
        throw Error(fmt::format("Runs {} and {} have no setting in common, so there is nothing to compare.",
                                runs[0], runs[1]));
    const auto table =
        measure::comparisonTable(comparisons, fmt::format("run {}", runs[0]), fmt::format("run {}", runs[1]));
    const auto differences = measure::differenceTable(workspace, runs);
    if (session.json) {
        printJson({{"comparison", figure::toJson(table)}, {"differences", figure::toJson(differences)}});
        return 0;
    }
    printTableFigure(table);
    if (!std::get<figure::Table>(differences.body).rows.empty())
        printTableFigure(differences);
    return 0;
}

int exportAll(Session& session, const Settings& settings) {
    const auto format = measure::exportFormatFromName(settings.format);
    if (!format)
        throw UsageError(fmt::format(
            "There is no export format '{}'; there are csv, samples, json, hyperfine and llama-bench.",
            settings.format));
    auto& workspace = session.workspace();
    std::vector<store::RunId> runs;
    for (const auto& run : settings.runs)
        runs.push_back(workspace.resolveRun(run));
    const std::string text = measure::exportRuns(workspace, runs, *format);
    if (session.out.empty())
        print(text);
    else
        writeFileAtomically(session.out, text);
    return 0;
}

int merge(Session& session, const Settings& settings) {
    for (const auto& file : settings.runs) {
        const auto result = session.workspace().merge(file);
        print(fmt::format("{}: {} runs added, {} were here already, {} notes, {} figures, {} reports\n", file,
                          result.added, result.present, result.notes, result.figures, result.reports));
    }
    return 0;
}

int remove(Session& session, const Settings& settings) {
    auto& workspace = session.workspace();
    std::vector<store::RunId> ids;
    for (const auto& run : settings.runs)
        ids.push_back(workspace.resolveRun(run));
    if (!settings.yes)
        throw UsageError(fmt::format(
            "This deletes {} runs with their samples, figures and notes for good; say --yes if you mean it.",
            ids.size()));
    for (const auto id : ids)
        workspace.deleteRun(id);
    return 0;
}

} // namespace

void defineRuns(CLI::App& parser, Session& session) {
    auto* command = parser.add_subcommand("runs", "What the workspace holds");
    command->require_subcommand(1);
    auto settings = std::make_shared<Settings>();
    const auto add = [&](const char* name, const char* help, int (*action)(Session&, const Settings&)) {
        auto* sub = command->add_subcommand(name, help);
        session.addCommonOptions(*sub);
        sub->callback([&session, settings, action] {
            session.action = [&session, settings, action] { return action(session, *settings); };
        });
        return sub;
    };
    auto* listing = add("list", "The runs, newest first", list);
    listing->add_option("--filter", settings->filter, "Words in title, options, model, tags or notes");
    listing->add_option("--job", settings->job, "Only this job: bench, analyze");
    listing->add_option("--limit", settings->limit, "At most so many")->check(CLI::Range(1, 1000000));
    add("show", "One run: settings, results, figures, notes", show)
        ->add_option("run", settings->runs, "Id, beginning of its uid, or last")
        ->required()
        ->expected(1);
    add("compare", "Two runs: ratio with interval and test, and what differed", compare)
        ->add_option("runs", settings->runs, "A and B")
        ->required()
        ->expected(2);
    auto* exporting =
        add("export", "Runs as CSV, JSON, hyperfine JSON or in llama-bench's columns", exportAll);
    exporting->add_option("runs", settings->runs, "Ids, or last")->required();
    exporting->add_option("--format", settings->format, "csv, samples, json, hyperfine, llama-bench");
    add("merge", "Take over the runs of other workspaces", merge)
        ->add_option("files", settings->runs, "Workspace files")
        ->required();
    auto* deleting = add("delete", "Delete runs with all that belongs to them", remove);
    deleting->add_option("runs", settings->runs, "Ids, or last")->required();
    deleting->add_flag("--yes", settings->yes, "Really");
    command->footer("Example: orrery runs compare 3 last");
}

} // namespace orrery::app
