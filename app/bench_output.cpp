// SPDX-License-Identifier: GPL-3.0-or-later
#include "bench_output.h"

#include "measure/bench_figures.h"
#include "measure/export_runs.h"
#include "report/report.h"

#include <fmt/format.h>

#include <array>

namespace orrery::app {
namespace {

int printOutcome(Session& session, const measure::BenchOutcome& outcome) {
    session.endProgress();
    auto& workspace = session.workspace();
    if (session.json) {
        const std::array runs{outcome.run};
        print(measure::exportRuns(workspace, runs, measure::ExportFormat::Json) + "\n");
        return outcome.failed == 0 ? 0 : 1;
    }
    for (const auto& figure : measure::benchFigures(workspace, outcome.run))
        if (std::holds_alternative<figure::Table>(figure.body))
            printTableFigure(figure);
    for (const auto& cell : workspace.cells(outcome.run))
        if (cell.status == store::CellStatus::Failed)
            print(fmt::format("failed: {}: {}\n",
                              measure::BenchSettings::fromJson(Json::parse(cell.settings.dump())).label(),
                              cell.message));
    if (!session.quiet)
        print(fmt::format("run {} in {}\n", outcome.run, workspace.path().string()));
    return outcome.failed == 0 ? 0 : 1;
}

} // namespace

measure::PartFinder partFinder(Session& session) {
    return [&session](std::string_view kind, std::string_view id) {
        return session.registry().requirePart(kind, id).part;
    };
}

void printTableFigure(const figure::Figure& figure) {
    const auto& table = std::get<figure::Table>(figure.body);
    std::vector<std::string> header;
    for (const auto& column : table.columns)
        header.push_back(column.unit.empty() ? column.title
                                             : fmt::format("{} [{}]", column.title, column.unit));
    std::vector<std::vector<std::string>> rows;
    for (const auto& row : table.rows) {
        std::vector<std::string> cells;
        for (std::size_t column = 0; column < row.size(); ++column)
            cells.push_back(report::cellText(row[column], table.columns[column].digits));
        rows.push_back(std::move(cells));
    }
    print(figure.title + "\n");
    printTable(header, rows);
    print("\n");
}

int benchAndPrint(Session& session, const measure::BenchRequest& request) {
    if (session.dryRun) {
        const auto plan = measure::planBench(request);
        std::vector<std::vector<std::string>> rows;
        for (std::size_t i = 0; i < plan.points.size(); ++i)
            rows.push_back({plan.points[i].label(),
                            plan.bytes[i] == 0 ? "-" : bytesText(static_cast<double>(plan.bytes[i]))});
        printTable({"setting", "predicted memory"}, rows);
        print(fmt::format("{} settings, at most {:.0f} s of timed runs\n", plan.points.size(),
                          plan.mostSeconds));
        return 0;
    }
    return printOutcome(session, measure::runBench(session.workspace(), request, partFinder(session), {},
                                                   session.progress()));
}

int resumeAndPrint(Session& session, store::RunId run) {
    return printOutcome(
        session, measure::resumeBench(session.workspace(), run, partFinder(session), {}, session.progress()));
}

} // namespace orrery::app
