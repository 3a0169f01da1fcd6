// SPDX-License-Identifier: GPL-3.0-or-later
#include "measure/bench.h"

#include "base/error.h"
#include "base/version.h"
#include "kernels/threads.h"
#include "measure/bench_figures.h"
#include "measure/machine.h"
#include "measure/memory.h"
#include "measure/statistics.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

namespace orrery::measure {
namespace {

RunnerOptions runnerOptions(const OptionValues& options) {
    RunnerOptions result;
    result.warmups = static_cast<int>(options.integer("warmups"));
    result.minRepetitions = static_cast<int>(options.integer("min_repetitions"));
    result.maxRepetitions = static_cast<int>(options.integer("max_repetitions"));
    result.targetShare = options.real("target");
    result.budgetSeconds = options.real("budget");
    result.interleave = options.boolean("interleave");
    result.seed = static_cast<std::uint64_t>(options.integer("seed"));
    return result;
}

/// What a stored run was begun with.
OrderedJson record(const BenchRequest& request) {
    return {{"models", request.models},
            {"text", request.text},
            {"recipe", request.recipe},
            {"options", request.options.toJson()}};
}

BenchRequest fromRecord(const store::Run& run) {
    const Json json = Json::parse(run.options.dump());
    BenchRequest request;
    request.models = json.value("models", std::vector<std::string>{});
    request.text = json.value("text", "");
    request.recipe = json.value("recipe", "");
    request.options.setJson(json.value("options", Json::object()));
    request.title = run.title;
    request.commandLine = run.commandLine;
    return request;
}

std::string titleOf(const BenchRequest& request) {
    if (!request.title.empty())
        return request.title;
    std::vector<std::string> names;
    for (const auto& model : request.models)
        names.push_back(std::filesystem::path(model).filename().string());
    std::vector<std::string> varied;
    for (const auto& axis : gridAxes())
        if (!request.options.isDefault(axis))
            varied.push_back(fmt::format("{}={}", axis, Option::toText(request.options.value(axis))));
    return fmt::format("{} {}", fmt::join(names, ", "), fmt::join(varied, " "));
}

/// One workload at a time may be measured, but all that do the same work are prepared together.
class GridSession {
public:
    GridSession(store::Workspace& workspace, store::RunId run, const BenchRequest& request,
                WorkloadMaker maker, const BenchEvents& events, const Progress& progress, const Clock& clock)
        : m_workspace(workspace), m_run(run), m_request(request), m_maker(std::move(maker)), m_events(events),
          m_progress(progress), m_clock(clock) {}

    BenchOutcome measure() {
        m_outcome.run = m_run;
        std::vector<std::vector<store::Cell>> groups;
        std::map<std::string, std::size_t> byWork;
        for (auto& cell : m_workspace.pendingCells(m_run)) {
            const std::string key = workKey(settingsOf(cell));
            const auto [place, fresh] = byWork.emplace(key, groups.size());
            if (fresh)
                groups.emplace_back();
            groups[place->second].push_back(std::move(cell));
        }
        for (std::size_t i = 0; i < groups.size(); ++i) {
            m_progress.report("preparing", static_cast<double>(i), static_cast<double>(groups.size()));
            measureGroup(groups[i], i, groups.size());
        }
        for (const auto& figure : benchFigures(m_workspace, m_run))
            m_outcome.figures.push_back(m_workspace.addFigure(m_run, withProvenance(figure)));
        return m_outcome;
    }

private:
    static BenchSettings settingsOf(const store::Cell& cell) {
        return BenchSettings::fromJson(Json::parse(cell.settings.dump()));
    }

    void measureGroup(const std::vector<store::Cell>& cells, std::size_t number, std::size_t groups) {
        const kernels::ThreadsScope threadsBefore;
        std::vector<std::unique_ptr<Workload>> workloads;
        std::vector<Candidate> candidates;
        std::vector<const store::Cell*> measured;
        for (const auto& cell : cells) {
            try {
                workloads.push_back(m_maker(settingsOf(cell), m_request));
            } catch (const Error& failure) {
                if (failure.kind() == ErrorKind::Cancelled)
                    throw;
                fail(cell, failure.what());
                continue;
            }
            candidates.push_back(
                {settingsOf(cell).label(), workloads.back().get(), m_workspace.sampleValues(cell.id)});
            measured.push_back(&cell);
        }
        RunnerEvents events;
        events.samples = [&](std::size_t i, std::span<const double> added) {
            m_workspace.addSamples(measured[i]->id, "seconds", added);
            if (m_events.samples)
                m_events.samples(*measured[i], added);
        };
        // The bar shows the whole grid, not the group.
        const Progress progress(
            [&](const ProgressState& state) {
                const double share = state.total > 0 ? state.done / state.total : 0;
                m_progress.report(state.step, static_cast<double>(number) + share,
                                  static_cast<double>(groups));
            },
            m_progress.token());
        const auto results = measureCandidates(std::move(candidates), runnerOptions(m_request.options),
                                               events, progress, m_clock);
        for (std::size_t i = 0; i < results.size(); ++i) {
            if (results[i].reason == StopReason::Failed)
                fail(*measured[i], results[i].message);
            else
                finish(*measured[i], results[i], *workloads[i]);
        }
    }

    void fail(const store::Cell& cell, const std::string& message) {
        m_workspace.finishCell(cell.id, store::CellStatus::Failed, {}, message);
        ++m_outcome.failed;
        if (m_events.finished)
            m_events.finished(cell, {});
    }

    void finish(const store::Cell& cell, const Measured& result, Workload& workload) {
        const Summary summary = summarize(result.samples);
        const WorkloadCost cost = workload.cost();
        std::vector<store::Metric> metrics;
        const auto add = [&](const char* name, double value, const char* unit, std::optional<double> low = {},
                             std::optional<double> high = {}) {
            metrics.push_back({name, value, unit, low, high, cell.id});
        };
        add("seconds", summary.median, "s", summary.interval.low, summary.interval.high);
        add("mad", summary.mad, "s");
        add("mean", summary.mean, "s");
        add("deviation", summary.deviation, "s");
        add("minimum", summary.minimum, "s");
        add("maximum", summary.maximum, "s");
        add("samples", static_cast<double>(summary.count), "");
        add("outliers", static_cast<double>(summary.outliers), "");
        add("runs_per_sample", result.runsPerSample, "");
        add("warmups", result.warmups, "");
        add("first_seconds", result.firstSeconds, "s");
        add("tokens_per_second", cost.tokens / summary.median, "1/s", cost.tokens / summary.interval.high,
            cost.tokens / summary.interval.low);
        add("gflops", cost.operations / summary.median / 1e9, "GFLOP/s");
        if (m_request.options.boolean("memory")) {
            workload.prepare(m_progress);
            MemoryWatch watch;
            workload.runOnce(m_progress);
            const MemoryPeak peak = watch.stop();
            workload.release();
            add("peak_memory", static_cast<double>(peak.residentBytes), "B");
            add("tensor_memory", static_cast<double>(peak.tensorBytes), "B");
        }
        const auto marked = outliers(result.samples);
        m_workspace.markOutliers(cell.id, "seconds", marked);
        m_workspace.finishCell(cell.id, store::CellStatus::Done, metrics);
        ++m_outcome.measured;
        if (m_events.finished)
            m_events.finished(cell, metrics);
    }

    [[nodiscard]] figure::Figure withProvenance(figure::Figure figure) const {
        figure.provenance = m_workspace.run(m_run).provenance;
        return figure;
    }

    store::Workspace& m_workspace;
    store::RunId m_run;
    const BenchRequest& m_request;
    WorkloadMaker m_maker;
    const BenchEvents& m_events;
    const Progress& m_progress;
    const Clock& m_clock;
    BenchOutcome m_outcome;
};

/// Measures what is pending and ends the run as it went.
BenchOutcome carryOut(store::Workspace& workspace, store::RunId run, const BenchRequest& request,
                      const PartFinder& parts, const BenchEvents& events, const Progress& progress,
                      const WorkloadMaker& maker, const Clock& clock) {
    try {
        if (events.started)
            events.started(run, workspace.cells(run));
        auto outcome = GridSession(workspace, run, request, maker ? maker : modelWorkloads(parts), events,
                                   progress, clock)
                           .measure();
        const bool allFailed = outcome.measured == 0 && outcome.failed > 0;
        workspace.finishRun(run, allFailed ? store::RunStatus::Failed : store::RunStatus::Done,
                            outcome.failed > 0 ? fmt::format("{} settings failed.", outcome.failed) : "");
        return outcome;
    } catch (const Cancelled&) {
        workspace.finishRun(run, store::RunStatus::Cancelled);
        throw;
    } catch (const std::exception& failure) {
        workspace.finishRun(run, store::RunStatus::Failed, failure.what());
        throw;
    }
}

} // namespace

BenchPlan planBench(const BenchRequest& request) {
    BenchPlan plan;
    plan.points = makeGrid(request.models, request.options);
    std::map<std::string, std::shared_ptr<const model::Model>> models;
    for (const auto& point : plan.points) {
        std::size_t bytes = 0;
        try {
            auto& model = models[point.model];
            if (!model)
                model = model::Model::open(point.model);
            bytes = model->predictedBytes(point.batch, std::min(point.length, model->maxPositions()));
        } catch (const InputError&) {
            throw;
        } catch (const Error&) {
            bytes = 0; // the point cannot be measured; the run itself says why
        }
        plan.bytes.push_back(bytes);
    }
    plan.mostSeconds = request.options.real("budget") * static_cast<double>(plan.points.size());
    return plan;
}

BenchOutcome runBench(store::Workspace& workspace, const BenchRequest& request, const PartFinder& parts,
                      const BenchEvents& events, const Progress& progress, const WorkloadMaker& maker,
                      const Clock& clock) {
    const auto points = makeGrid(request.models, request.options);
    if (points.empty())
        throw UsageError("Name at least one model to measure.");
    store::NewRun run;
    run.job = "bench";
    run.title = titleOf(request);
    run.options = record(request);
    run.commandLine = request.commandLine;
    run.provenance.part = "bench";
    run.provenance.options = request.options.toJson();
    run.provenance.seed = static_cast<std::uint64_t>(request.options.integer("seed"));
    run.provenance.version = version();
    run.provenance.commandLine = request.commandLine;
    run.provenance.created = timestamp();
    const Machine machine = describeMachine();
    run.environment = machine.toJson();
    run.machine = machine.key();
    if (!maker) // fakes have no folders
        for (const auto& folder : std::set<std::string>(request.models.begin(), request.models.end())) {
            const auto model = model::Model::open(folder);
            run.models.push_back({model->name(), model->fingerprint(),
                                  std::filesystem::absolute(folder).string(), model->family()});
            run.provenance.model += (run.provenance.model.empty() ? "" : ", ") + model->name();
            run.provenance.modelHash = model->fingerprint();
        }
    const store::RunId id = workspace.beginRun(run);
    std::vector<OrderedJson> settings;
    settings.reserve(points.size());
    for (const auto& point : points)
        settings.push_back(point.toJson());
    workspace.planCells(id, settings);
    return carryOut(workspace, id, request, parts, events, progress, maker, clock);
}

BenchOutcome resumeBench(store::Workspace& workspace, store::RunId run, const PartFinder& parts,
                         const BenchEvents& events, const Progress& progress, const WorkloadMaker& maker,
                         const Clock& clock) {
    const auto stored = workspace.run(run);
    if (stored.job != "bench")
        throw UsageError(
            fmt::format("Run {} is no benchmark ({}); only benchmarks can be resumed.", run, stored.job));
    const BenchRequest request = fromRecord(stored);
    workspace.resumeRun(run);
    return carryOut(workspace, run, request, parts, events, progress, maker, clock);
}

} // namespace orrery::measure
