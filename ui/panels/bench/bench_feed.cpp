// SPDX-License-Identifier: GPL-3.0-or-later
#include "panels/bench/bench_feed.h"

#include "measure/bench_figures.h"
#include "plugin/registry.h"

#include <algorithm>

namespace orrery::ui {

namespace {

constexpr std::size_t mostCurves = 8;
constexpr double showInterval = 0.15; // seconds between pictures: measuring comes first

} // namespace

std::shared_ptr<BenchFeed> BenchFeed::make() {
    return {new BenchFeed, [](BenchFeed* feed) { feed->deleteLater(); }};
}

void BenchFeed::showSamples(const store::Cell& cell, std::span<const double> added) {
    if (!m_live.contains(cell.id)) {
        m_order.push_back(cell.id);
        m_live[cell.id].name = measure::BenchSettings::fromJson(Json(cell.settings)).label({"model"});
    }
    auto& seconds = m_live[cell.id].seconds;
    seconds.insert(seconds.end(), added.begin(), added.end());
    const double now = measure::steadyClock()();
    if (now - m_lastShown < showInterval)
        return;
    m_lastShown = now;
    figure::Series series;
    series.x.title = tr("repetition").toStdString();
    series.y.title = tr("time").toStdString();
    series.y.unit = "ms";
    series.pointsOnly = true;
    const std::size_t first = m_order.size() > mostCurves ? m_order.size() - mostCurves : 0;
    for (std::size_t i = first; i < m_order.size(); ++i) {
        const Live& live = m_live.at(m_order[i]);
        figure::Series::Curve curve;
        curve.name = live.name;
        for (std::size_t k = 0; k < live.seconds.size(); ++k) {
            curve.x.push_back(static_cast<double>(k + 1));
            curve.y.push_back(live.seconds[k] * 1e3);
        }
        series.curves.push_back(std::move(curve));
    }
    auto live = std::make_shared<figure::Figure>();
    live->id = "live";
    live->title = tr("Samples as they come").toStdString();
    live->caption =
        tr("Every timed run of the settings measured last. A level cloud is a steady machine.").toStdString();
    live->body = std::move(series);
    Figures figures{live};
    figures.insert(figures.end(), m_finished.begin(), m_finished.end());
    emit figuresReady(figures);
}

measure::BenchOutcome BenchFeed::measure(const std::filesystem::path& workspaceFile,
                                         const measure::BenchRequest& request, store::RunId run,
                                         const Progress& progress) {
    store::Workspace workspace(workspaceFile);
    store::RunId current = run;
    const auto refresh = [&] {
        m_finished.clear();
        for (auto& figure : measure::benchFigures(workspace, current))
            m_finished.push_back(std::make_shared<const figure::Figure>(std::move(figure)));
        emit figuresReady(m_finished);
    };
    measure::BenchEvents events;
    events.started = [&](store::RunId started, const std::vector<store::Cell>&) {
        current = started;
        emit runStarted(started);
    };
    events.samples = [this](const store::Cell& cell, std::span<const double> added) {
        showSamples(cell, added);
    };
    events.finished = [&](const store::Cell&, const std::vector<store::Metric>&) { refresh(); };
    const measure::PartFinder parts = [](std::string_view kind, std::string_view id) {
        return plugin::registry().requirePart(kind, id).part;
    };
    const auto outcome = run > 0 ? measure::resumeBench(workspace, run, parts, events, progress)
                                 : measure::runBench(workspace, request, parts, events, progress);
    refresh();
    return outcome;
}

} // namespace orrery::ui
