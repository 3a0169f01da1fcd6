// SPDX-License-Identifier: GPL-3.0-or-later
#include "measure/export_runs.h"

#include "figure/csv.h"
#include "measure/grid.h"
#include "measure/statistics.h"

#include <fmt/format.h>

#include <array>
#include <map>

namespace orrery::measure {
namespace {

constexpr std::array<std::string_view, 5> formatNames{"csv", "samples", "json", "hyperfine", "llama-bench"};

std::string lines(const std::vector<std::vector<std::string>>& rows) {
    figure::CsvWriter csv;
    for (const auto& row : rows) {
        for (const auto& cell : row)
            csv.text(cell);
        csv.endRow();
    }
    return csv.result();
}

struct MeasuredCell {
    store::RunSummary run;
    store::Cell cell;
    BenchSettings settings;
    std::vector<store::Sample> samples;
    std::vector<double> values;
    Summary summary;
    std::map<std::string, double> metrics;
};

std::vector<MeasuredCell> measuredCells(const store::Workspace& workspace,
                                        std::span<const store::RunId> runs) {
    std::vector<MeasuredCell> found;
    for (const auto run : runs) {
        const store::Run record = workspace.run(run);
        const auto metrics = workspace.metrics(run);
        for (const auto& cell : workspace.cells(run)) {
            MeasuredCell one{record,
                             cell,
                             BenchSettings::fromJson(Json::parse(cell.settings.dump())),
                             workspace.samples(cell.id),
                             {},
                             {},
                             {}};
            if (one.samples.empty())
                continue;
            for (const auto& sample : one.samples)
                one.values.push_back(sample.value);
            one.summary = summarize(one.values);
            for (const auto& metric : metrics)
                if (metric.cell == cell.id)
                    one.metrics[metric.name] = metric.value;
            found.push_back(std::move(one));
        }
    }
    return found;
}

std::string number(double value) {
    return fmt::format("{:.9g}", value);
}

std::string asCsv(const std::vector<MeasuredCell>& cells) {
    std::vector<std::vector<std::string>> rows{{"run",
                                                "model",
                                                "workload",
                                                "length",
                                                "batch",
                                                "generated",
                                                "dtype",
                                                "threads",
                                                "mixer",
                                                "kernel",
                                                "compressor",
                                                "samples",
                                                "median_s",
                                                "low_s",
                                                "high_s",
                                                "mad_s",
                                                "mean_s",
                                                "min_s",
                                                "max_s",
                                                "outliers",
                                                "tokens_per_second",
                                                "gflops",
                                                "peak_memory_bytes"}};
    for (const auto& one : cells) {
        const auto metric = [&](const char* name) {
            const auto found = one.metrics.find(name);
            return found == one.metrics.end() ? std::string() : number(found->second);
        };
        const auto& s = one.settings;
        rows.push_back({fmt::format("{}", one.run.id),
                        s.model,
                        s.workload,
                        fmt::format("{}", s.length),
                        fmt::format("{}", s.batch),
                        s.workload == "decode" ? fmt::format("{}", s.generated) : "",
                        s.dtype,
                        fmt::format("{}", s.threads),
                        s.mixer,
                        s.kernel,
                        s.compressor,
                        fmt::format("{}", one.summary.count),
                        number(one.summary.median),
                        number(one.summary.interval.low),
                        number(one.summary.interval.high),
                        number(one.summary.mad),
                        number(one.summary.mean),
                        number(one.summary.minimum),
                        number(one.summary.maximum),
                        fmt::format("{}", one.summary.outliers),
                        metric("tokens_per_second"),
                        metric("gflops"),
                        metric("peak_memory")});
    }
    return lines(rows);
}

std::string asSamples(const std::vector<MeasuredCell>& cells) {
    std::vector<std::vector<std::string>> rows{{"run", "setting", "sample", "seconds", "outlier"}};
    for (const auto& one : cells)
        for (const auto& sample : one.samples)
            rows.push_back({fmt::format("{}", one.run.id), one.settings.label(),
                            fmt::format("{}", sample.position), number(sample.value),
                            sample.outlier ? "1" : "0"});
    return lines(rows);
}

std::string asHyperfine(const std::vector<MeasuredCell>& cells) {
    OrderedJson results = OrderedJson::array();
    for (const auto& one : cells)
        results.push_back({{"command", one.settings.label()},
                           {"mean", one.summary.mean},
                           {"stddev", one.summary.deviation},
                           {"median", one.summary.median},
                           {"min", one.summary.minimum},
                           {"max", one.summary.maximum},
                           {"times", one.values},
                           {"parameters", one.cell.settings}});
    return OrderedJson{{"results", results}}.dump(2) + "\n";
}

std::string asLlamaBench(const std::vector<MeasuredCell>& cells) {
    std::vector<std::vector<std::string>> rows{{"model_filename", "model_type", "n_batch", "n_threads",
                                                "n_prompt", "n_gen", "n_depth", "test_time", "avg_ns",
                                                "stddev_ns", "avg_ts", "stddev_ts"}};
    for (const auto& one : cells) {
        const auto& s = one.settings;
        const bool decodes = s.workload == "decode";
        const auto tokens = static_cast<double>(s.batch * (decodes ? s.generated : s.length));
        std::vector<double> rates;
        for (const double seconds : one.values)
            rates.push_back(tokens / seconds);
        rows.push_back(
            {s.model, s.dtype, fmt::format("{}", s.batch), fmt::format("{}", s.threads),
             fmt::format("{}", decodes ? 0 : s.length), fmt::format("{}", decodes ? s.generated : 0),
             fmt::format("{}", decodes ? s.length : 0), one.run.created, number(one.summary.mean * 1e9),
             number(one.summary.deviation * 1e9), number(mean(rates)), number(standardDeviation(rates))});
    }
    return lines(rows);
}

OrderedJson asJson(const store::Workspace& workspace, store::RunId id) {
    const store::Run run = workspace.run(id);
    OrderedJson json{{"id", run.id},
                     {"uid", run.uid},
                     {"job", run.job},
                     {"title", run.title},
                     {"status", name(run.status)},
                     {"created", run.created},
                     {"seconds", run.duration},
                     {"commandLine", run.commandLine},
                     {"options", run.options},
                     {"environment", run.environment},
                     {"provenance", run.provenance.toJson()}};
    for (const auto& model : run.models)
        json["models"].push_back(
            {{"name", model.name}, {"hash", model.hash}, {"path", model.path}, {"family", model.family}});
    const auto metrics = workspace.metrics(id);
    const auto metricJson = [](const store::Metric& metric) {
        OrderedJson one{{"name", metric.name}, {"value", metric.value}, {"unit", metric.unit}};
        if (metric.low)
            one["low"] = *metric.low;
        if (metric.high)
            one["high"] = *metric.high;
        return one;
    };
    for (const auto& metric : metrics)
        if (!metric.cell)
            json["metrics"].push_back(metricJson(metric));
    for (const auto& cell : workspace.cells(id)) {
        OrderedJson one{{"settings", cell.settings}, {"status", name(cell.status)}};
        if (!cell.message.empty())
            one["message"] = cell.message;
        for (const auto& metric : metrics)
            if (metric.cell == cell.id)
                one["metrics"].push_back(metricJson(metric));
        for (const auto& sample : workspace.samples(cell.id)) {
            one["seconds"].push_back(sample.value);
            if (sample.outlier)
                one["outliers"].push_back(sample.position);
        }
        json["cells"].push_back(std::move(one));
    }
    for (const auto& note : workspace.notes(id))
        json["notes"].push_back({{"created", note.created}, {"markdown", note.markdown}});
    for (const auto& figure : workspace.figures(id))
        json["figures"].push_back(
            {{"id", figure.id}, {"name", figure.name}, {"kind", figure.kind}, {"title", figure.title}});
    return json;
}

} // namespace

std::optional<ExportFormat> exportFormatFromName(std::string_view name) {
    for (std::size_t i = 0; i < formatNames.size(); ++i)
        if (formatNames[i] == name)
            return static_cast<ExportFormat>(i);
    return std::nullopt;
}

std::string_view name(ExportFormat format) {
    return formatNames[static_cast<std::size_t>(format)];
}

std::string exportRuns(const store::Workspace& workspace, std::span<const store::RunId> runs,
                       ExportFormat format) {
    switch (format) {
    case ExportFormat::Csv:
        return asCsv(measuredCells(workspace, runs));
    case ExportFormat::Samples:
        return asSamples(measuredCells(workspace, runs));
    case ExportFormat::Hyperfine:
        return asHyperfine(measuredCells(workspace, runs));
    case ExportFormat::LlamaBench:
        return asLlamaBench(measuredCells(workspace, runs));
    case ExportFormat::Json:
        break;
    }
    OrderedJson list = OrderedJson::array();
    for (const auto run : runs)
        list.push_back(asJson(workspace, run));
    return list.dump(1, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

} // namespace orrery::measure
