// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/options.h"
#include "base/progress.h"
#include "measure/grid.h"
#include "measure/parts.h"
#include "measure/runner.h"
#include "store/workspace.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace orrery::measure {

struct BenchRequest {
    std::vector<std::string> models{};    ///< folders
    OptionValues options{benchOptions()}; ///< what --grid and --set assign, or the form
    std::string text{};                   ///< whose tokens are repeated to each length; "": random token ids
    std::string title{};                  ///< "": made from models and axes
    std::string commandLine{};
    std::string recipe{}; ///< its file, for the record
};

/// For live plots; called on the measuring thread.
struct BenchEvents {
    std::function<void(store::RunId run, const std::vector<store::Cell>& plan)> started;
    std::function<void(const store::Cell& cell, std::span<const double> added)> samples;
    std::function<void(const store::Cell& cell, const std::vector<store::Metric>& metrics)> finished;
};

/// Makes the workload of one point; the default opens models and applies parts. Tests give their own.
using WorkloadMaker =
    std::function<std::unique_ptr<Workload>(const BenchSettings& settings, const BenchRequest& request)>;

struct BenchOutcome {
    store::RunId run = 0;
    int measured = 0; ///< cells finished by this call
    int failed = 0;
    std::vector<store::FigureId> figures{};
};

/// What a benchmark will do, before it does it (--dry-run): the grid, predicted memory of each point (0 when
/// the model cannot be opened for it) and the most seconds it may take.
struct BenchPlan {
    std::vector<BenchSettings> points{};
    std::vector<std::size_t> bytes{};
    double mostSeconds = 0;
};
[[nodiscard]] BenchPlan planBench(const BenchRequest& request);

/// Measures a grid into the workspace: a run with its cells, every sample, the metrics of every cell (seconds
/// with interval, mad, tokens_per_second, gflops, peak memory ...), comparisons and figures. What is finished
/// is stored at once. Cancelled leaves a Cancelled run that resumeBench() continues; so does kill -9.
BenchOutcome runBench(store::Workspace& workspace, const BenchRequest& request, const PartFinder& parts,
                      const BenchEvents& events = {}, const Progress& progress = {},
                      const WorkloadMaker& maker = {}, const Clock& clock = steadyClock());
/// Measures the cells that a run still lacks, with the options it was begun with.
BenchOutcome resumeBench(store::Workspace& workspace, store::RunId run, const PartFinder& parts,
                         const BenchEvents& events = {}, const Progress& progress = {},
                         const WorkloadMaker& maker = {}, const Clock& clock = steadyClock());

/// The model of a point, with its dtype and parts.
[[nodiscard]] std::shared_ptr<const model::Model> openForPoint(const BenchSettings& settings,
                                                               const PartFinder& parts);
/// Opens models, applies parts, keeps one instance per (model, dtype, parts) as long as it is used.
[[nodiscard]] WorkloadMaker modelWorkloads(const PartFinder& parts);

} // namespace orrery::measure
