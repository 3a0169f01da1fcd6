// SPDX-License-Identifier: GPL-3.0-or-later
#include "measure/bench_figures.h"

#include "measure/grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

namespace orrery::measure {
namespace {

struct Point {
    store::Cell cell;
    BenchSettings settings;
    std::vector<double> samples;
    Summary summary;
    double tokensPerSecond = 0;
    double gflops = 0;
    double memory = 0;
};

BenchSettings settingsOf(const store::Cell& cell) {
    return BenchSettings::fromJson(Json::parse(cell.settings.dump()));
}

std::vector<Point> measuredPoints(const store::Workspace& workspace, store::RunId run) {
    std::vector<Point> points;
    const auto metrics = workspace.metrics(run);
    for (const auto& cell : workspace.cells(run)) {
        Point point{cell, settingsOf(cell), workspace.sampleValues(cell.id), {}, 0, 0, 0};
        if (point.samples.empty())
            continue;
        point.summary = summarize(point.samples);
        for (const auto& metric : metrics) {
            if (metric.cell != cell.id)
                continue;
            if (metric.name == "tokens_per_second")
                point.tokensPerSecond = metric.value;
            else if (metric.name == "gflops")
                point.gflops = metric.value;
            else if (metric.name == "peak_memory")
                point.memory = metric.value;
        }
        points.push_back(std::move(point));
    }
    return points;
}

/// The numeric axis with the most values: what curves run over.
std::string widestAxis(const std::vector<Point>& points) {
    std::string best = "length";
    std::size_t most = 0;
    for (const char* axis : {"length", "batch", "generated", "threads"}) {
        std::set<std::string> values;
        for (const auto& point : points)
            if (point.cell.settings.contains(axis))
                values.insert(point.cell.settings[axis].dump());
        if (values.size() > most) {
            most = values.size();
            best = axis;
        }
    }
    return best;
}

/// Keys that have one value in all points say nothing in a label.
std::vector<std::string> constantKeys(const std::vector<Point>& points) {
    std::vector<std::string> constant;
    for (const char* key : {"model", "workload", "length", "batch", "generated", "dtype", "threads", "mixer",
                            "kernel", "compressor"}) {
        std::set<std::string> values;
        for (const auto& point : points)
            values.insert(point.cell.settings.contains(key) ? point.cell.settings[key].dump() : "");
        if (values.size() == 1)
            constant.emplace_back(key);
    }
    return constant;
}

std::string labelOf(const BenchSettings& settings, const std::vector<std::string>& leaveOut) {
    const std::string text = settings.label(leaveOut);
    if (!text.empty())
        return text;
    return settings.label({"length", "batch", "generated", "threads"});
}

figure::Figure curves(const std::vector<Point>& points, bool rate) {
    const std::string axis = widestAxis(points);
    std::vector<std::string> leaveOut = constantKeys(points);
    leaveOut.push_back(axis);
    figure::Series series;
    series.x = {axis, axis == "length" || axis == "generated" ? "tokens" : "", {}, false};
    series.y = rate ? figure::Axis{"tokens per second", "1/s", {}, false}
                    : figure::Axis{"time of a run", "ms", {}, false};
    series.intervalName = "95 % bootstrap interval of the median";
    std::map<std::string, std::size_t> byLabel;
    std::set<double> positions;
    for (const auto& point : points) {
        const std::string label = labelOf(point.settings, leaveOut);
        const auto [place, fresh] = byLabel.emplace(label, series.curves.size());
        if (fresh)
            series.curves.push_back({label, {}, {}, {}, {}});
        auto& curve = series.curves[place->second];
        const double tokens = point.tokensPerSecond * point.summary.median;
        const double x = point.cell.settings.contains(axis) ? point.cell.settings[axis].get<double>() : 0;
        positions.insert(x);
        curve.x.push_back(x);
        curve.y.push_back(rate ? point.tokensPerSecond : point.summary.median * 1e3);
        curve.low.push_back(rate ? tokens / point.summary.interval.high : point.summary.interval.low * 1e3);
        curve.high.push_back(rate ? tokens / point.summary.interval.low : point.summary.interval.high * 1e3);
    }
    // Doubling axes read better when they are spaced evenly.
    series.x.logarithmic =
        positions.size() > 2 && *positions.begin() > 0 && *positions.rbegin() >= 8 * *positions.begin();
    if (rate)
        return {"rate",
                "Tokens per second",
                "Median rate of every setting with its interval.",
                std::move(series),
                {}};
    return {
        "time", "Time of a run", "Median time of every setting with its interval.", std::move(series), {}};
}

figure::Figure cellTable(const std::vector<Point>& points) {
    figure::Table table;
    table.columns = {{"setting", ""}, {"median", "ms"},     {"low", "ms"},    {"high", "ms"},
                     {"MAD", "ms"},   {"samples", ""},      {"outliers", ""}, {"tokens/s", ""},
                     {"GFLOP/s", ""}, {"peak memory", "MB"}};
    const auto orNothing = [](double value) {
        return value > 0 ? figure::Table::Cell(value) : figure::Table::Cell();
    };
    for (const auto& point : points)
        table.rows.push_back({point.settings.label(), point.summary.median * 1e3,
                              point.summary.interval.low * 1e3, point.summary.interval.high * 1e3,
                              point.summary.mad * 1e3, static_cast<std::int64_t>(point.summary.count),
                              static_cast<std::int64_t>(point.summary.outliers),
                              orNothing(point.tokensPerSecond), orNothing(point.gflops),
                              orNothing(point.memory / 1e6)});
    return {
        "cells",
        "Settings",
        "Median, 95 % bootstrap interval and spread of every setting; outliers are counted, never left out.",
        std::move(table),
        {}};
}

void correct(std::vector<CellComparison>& comparisons) {
    std::vector<Comparison> results;
    results.reserve(comparisons.size());
    for (const auto& one : comparisons)
        results.push_back(one.result);
    correctForMany(results);
    for (std::size_t i = 0; i < results.size(); ++i)
        comparisons[i].result = results[i];
}

std::string text(const OrderedJson& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
}

} // namespace

std::vector<figure::Figure> benchFigures(const store::Workspace& workspace, store::RunId run) {
    const auto points = measuredPoints(workspace, run);
    if (points.empty())
        return {};
    std::vector<figure::Figure> figures{curves(points, false), cellTable(points)};
    const bool rates = std::all_of(points.begin(), points.end(),
                                   [](const Point& point) { return point.tokensPerSecond > 0; });
    if (rates)
        figures.insert(figures.begin() + 1, curves(points, true));
    const auto comparisons = compareWithin(workspace, run);
    if (!comparisons.empty())
        figures.push_back(comparisonTable(comparisons, "first setting", "setting"));
    return figures;
}

std::vector<CellComparison> compareWithin(const store::Workspace& workspace, store::RunId run) {
    std::vector<CellComparison> comparisons;
    std::map<std::string, Point> first;
    for (auto& point : measuredPoints(workspace, run)) {
        const std::string key = workKey(point.settings);
        const auto base = first.find(key);
        if (base == first.end()) {
            first.emplace(key, std::move(point));
            continue;
        }
        comparisons.push_back({point.cell, base->second.cell, compare(point.samples, base->second.samples)});
    }
    correct(comparisons);
    return comparisons;
}

std::vector<CellComparison> compareRuns(const store::Workspace& workspace, store::RunId a, store::RunId b) {
    std::vector<CellComparison> comparisons;
    const auto before = measuredPoints(workspace, a);
    for (const auto& point : measuredPoints(workspace, b)) {
        const auto same = std::find_if(before.begin(), before.end(), [&](const Point& other) {
            return other.cell.settings == point.cell.settings;
        });
        if (same != before.end())
            comparisons.push_back({point.cell, same->cell, compare(point.samples, same->samples)});
    }
    correct(comparisons);
    return comparisons;
}

figure::Figure comparisonTable(std::span<const CellComparison> comparisons, const std::string& nameA,
                               const std::string& nameB) {
    figure::Table table;
    table.columns = {{"setting", ""}, {"against", ""},     {"ratio", ""}, {"low", ""},
                     {"high", ""},    {"p (Holm)", "", 2}, {"n", ""},     {"verdict", ""}};
    for (const auto& one : comparisons)
        table.rows.push_back(
            {settingsOf(one.a).label(), one.a.settings == one.b.settings ? nameA : settingsOf(one.b).label(),
             one.result.ratio, one.result.interval.low, one.result.interval.high, one.result.adjustedP,
             fmt::format("{}/{}", one.result.countA, one.result.countB),
             std::string(words(one.result.verdict()))});
    return {"comparison",
            fmt::format("Comparison: {} against {}", nameB, nameA),
            "Ratio of median times with its 95 % bootstrap interval (below 1: the setting takes less) and "
            "the Mann-Whitney test, "
            "corrected for the number of comparisons.",
            std::move(table),
            {}};
}

figure::Figure differenceTable(const store::Workspace& workspace, std::span<const store::RunId> runs) {
    figure::Table table;
    table.columns.push_back({"what differs", ""});
    std::vector<store::Run> records;
    for (const auto id : runs) {
        records.push_back(workspace.run(id));
        table.columns.push_back({fmt::format("run {}", id), ""});
    }
    const auto addRow = [&](const std::string& name, const std::vector<std::string>& values) {
        if (std::all_of(values.begin(), values.end(),
                        [&](const std::string& value) { return value == values.front(); }))
            return;
        std::vector<figure::Table::Cell> row{name};
        for (const auto& value : values)
            row.emplace_back(value);
        table.rows.push_back(std::move(row));
    };
    std::vector<Json> options;
    std::vector<Json> environments;
    std::set<std::string> optionNames;
    for (const auto& record : records) {
        Json flat = Json::parse(record.options.dump());
        if (flat.contains("options") && flat["options"].is_object()) {
            flat.merge_patch(flat["options"]);
            flat.erase("options");
        }
        for (const auto& [key, value] : flat.items())
            optionNames.insert(key);
        options.push_back(std::move(flat));
        environments.push_back(Json::parse(record.environment.dump()));
    }
    const auto column = [](const std::vector<Json>& objects, const std::string& key) {
        std::vector<std::string> values;
        values.reserve(objects.size());
        for (const auto& object : objects)
            values.push_back(object.contains(key) ? text(OrderedJson(object[key])) : "");
        return values;
    };
    for (const auto& key : optionNames)
        addRow(key, column(options, key));
    std::set<std::string> environmentNames;
    for (std::size_t i = 1; i < environments.size(); ++i)
        for (const auto& difference : environmentDifferences(environments[0], environments[i]))
            environmentNames.insert(difference.name);
    for (const auto& key : environmentNames)
        addRow(key, column(environments, key));
    return {"differences",
            "What differs between the runs",
            "Only options and properties of the machine that are not the same.",
            std::move(table),
            {}};
}

figure::Figure rooflineFigure(const Ceilings& ceilings, std::span<const RooflinePoint> points) {
    using Curve = figure::Series::Curve;
    figure::Series series;
    series.x = {"operations per byte", "FLOP/B", {}, true};
    series.y = {"rate", "GFLOP/s", {}, true};
    double least = 0.25;
    double most = 256;
    std::vector<Curve> groups;
    for (const auto& point : points) {
        if (!(point.operationsPerByte > 0 && point.operationsPerSecond > 0))
            continue;
        least = std::min(least, point.operationsPerByte / 1.5);
        most = std::max(most, point.operationsPerByte * 1.5);
        auto group = std::find_if(groups.begin(), groups.end(),
                                  [&](const Curve& curve) { return curve.name == point.group; });
        if (group == groups.end()) {
            group = groups.insert(groups.end(), Curve{point.group, {}, {}, {}, {}});
            group->marks = Curve::Marks::Points;
        }
        group->x.push_back(point.operationsPerByte);
        group->y.push_back(point.operationsPerSecond / 1e9);
        group->labels.push_back(point.name);
    }
    const auto roof = [&](const char* name, double peak) {
        if (peak <= 0 || ceilings.bandwidth <= 0)
            return;
        const double knee = peak / ceilings.bandwidth;
        Curve curve{fmt::format("{} ceiling, {:.0f} GFLOP/s", name, peak / 1e9), {}, {}, {}, {}};
        curve.marks = Curve::Marks::Line;
        for (const double intensity : {least, std::clamp(knee, least, most), most}) {
            curve.x.push_back(intensity);
            curve.y.push_back(std::min(peak, intensity * ceilings.bandwidth) / 1e9);
        }
        series.curves.push_back(std::move(curve));
    };
    roof("f32", ceilings.f32);
    roof("bf16", ceilings.bf16);
    roof("int8", ceilings.int8);
    for (Curve& group : groups)
        series.curves.push_back(std::move(group));
    return {
        "roofline",
        "Roofline",
        fmt::format("Measured ceilings of this machine as lines ({:.0f} GB/s of memory traffic, {} threads), "
                    "what the engine executed as points. Below the slope the memory limits, below the flat "
                    "part the arithmetic; above the slope lies what finds its operands in the cache "
                    "(Williams, Waterman and Patterson 2009).",
                    ceilings.bandwidth / 1e9, ceilings.threads),
        std::move(series),
        {}};
}

} // namespace orrery::measure
