// SPDX-License-Identifier: GPL-3.0-or-later
#include "measure/profile.h"

#include "base/operation_observer.h"
#include "measure/bench_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>

namespace orrery::measure {
namespace {

/// Adds up what the engine executes, by site, description and implementation.
class Collector final : public OperationObserver {
public:
    void executed(const Operation& operation) override {
        const std::lock_guard lock(m_mutex);
        auto& entry = m_entries[{
            std::string(operation.site),
            fmt::format("{} {} ({})", operation.kind, operation.description, operation.implementation)}];
        ++entry.calls;
        entry.seconds += std::chrono::duration<double>(operation.duration).count();
        entry.operations += operation.flops;
        entry.bytes += operation.bytes;
    }
    [[nodiscard]] const std::map<std::pair<std::string, std::string>, ProfileEntry>& entries() const {
        return m_entries;
    }

private:
    std::mutex m_mutex;
    std::map<std::pair<std::string, std::string>, ProfileEntry> m_entries;
};

/// The observer of this process is put back whatever happens.
class Observing {
public:
    explicit Observing(std::shared_ptr<OperationObserver> observer) : m_before(operationObserver()) {
        setOperationObserver(std::move(observer));
    }
    ~Observing() { setOperationObserver(m_before); }
    Observing(const Observing&) = delete;
    Observing& operator=(const Observing&) = delete;

private:
    std::shared_ptr<OperationObserver> m_before;
};

/// "blocks.3.attn.qkv" -> "attn.qkv": the same module of all layers.
std::string moduleKind(const std::string& site) {
    if (site.rfind("blocks.", 0) != 0)
        return site;
    const auto dot = site.find('.', 7);
    return dot == std::string::npos ? site : site.substr(dot + 1);
}

} // namespace

Profile profileModel(const model::Model& model, const model::ModelInput& input, int runs,
                     const Progress& progress) {
    (void)model.run(input); // packs weights, fills caches
    auto collector = std::make_shared<Collector>();
    Profile profile;
    profile.runs = runs;
    std::map<std::string, ProfileEntry> modules;
    std::vector<std::string> order;
    Context context;
    context.timed = [&](std::string_view module, double seconds) {
        const std::string name(module);
        auto [place, fresh] = modules.emplace(name, ProfileEntry{});
        if (fresh) {
            place->second.site = name;
            order.push_back(name);
        }
        ++place->second.calls;
        place->second.seconds += seconds;
    };
    const Observing observing(collector);
    for (int i = 0; i < runs; ++i) {
        progress.report("profiling", i, runs);
        const auto start = std::chrono::steady_clock::now();
        (void)model.run(input, context);
        profile.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
    const double each = 1.0 / runs;
    profile.seconds *= each;
    for (const auto& [key, collected] : collector->entries()) {
        ProfileEntry entry = collected;
        entry.site = key.first;
        entry.primitive = key.second;
        entry.calls /= runs;
        entry.seconds *= each;
        entry.operations *= each;
        entry.bytes *= each;
        entry.share = entry.seconds / profile.seconds;
        if (const auto module = modules.find(entry.site); module != modules.end()) {
            module->second.operations += entry.operations;
            module->second.bytes += entry.bytes;
        }
        profile.primitives.push_back(std::move(entry));
    }
    for (const auto& name : order) {
        ProfileEntry entry = modules.at(name);
        entry.calls /= runs;
        entry.seconds *= each;
        entry.share = entry.seconds / profile.seconds;
        profile.modules.push_back(std::move(entry));
    }
    return profile;
}

std::vector<figure::Figure> profileFigures(const Profile& profile, const Ceilings* ceilings) {
    std::vector<figure::Figure> figures;
    std::map<std::string, double> shares;
    for (const auto& module : profile.modules)
        shares[moduleKind(module.site)] += module.share;
    std::vector<std::pair<std::string, double>> ranked(shares.begin(), shares.end());
    std::stable_sort(ranked.begin(), ranked.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    figure::Bars bars;
    bars.categories.title = "module, all layers together";
    bars.y = {"share of the run", "%", {}, false};
    bars.groups.push_back({"share", {}, {}, {}});
    for (const auto& [name, share] : ranked) {
        bars.categories.labels.push_back(name);
        bars.groups[0].values.push_back(share * 100);
    }
    figures.push_back({"modules",
                       "Time by module",
                       "Share of a run's time that each kind of module takes.",
                       std::move(bars),
                       {}});

    std::vector<ProfileEntry> primitives = profile.primitives;
    std::stable_sort(primitives.begin(), primitives.end(),
                     [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
    figure::Table table;
    table.columns = {{"site", ""},      {"primitive", ""},   {"calls", ""},      {"time", "ms"},
                     {"share", "%", 3}, {"rate", "GFLOP/s"}, {"traffic", "GB/s"}};
    std::vector<RooflinePoint> points;
    for (const auto& entry : primitives) {
        const double rate = entry.seconds > 0 ? entry.operations / entry.seconds : 0;
        const double traffic = entry.seconds > 0 ? entry.bytes / entry.seconds : 0;
        table.rows.push_back({entry.site, entry.primitive, entry.calls, entry.seconds * 1e3,
                              entry.share * 100,
                              rate > 0 ? figure::Table::Cell(rate / 1e9) : figure::Table::Cell(),
                              traffic > 0 ? figure::Table::Cell(traffic / 1e9) : figure::Table::Cell()});
        if (points.size() < 24 && entry.bytes > 0 && rate > 0)
            points.push_back(
                {entry.site.empty() ? entry.primitive : entry.site, entry.operations / entry.bytes, rate});
    }
    figures.push_back({"primitives",
                       "Time by primitive",
                       "What the engine executed, joined to the module it ran in; least traffic and "
                       "operations that the task needs.",
                       std::move(table),
                       {}});
    if (ceilings != nullptr)
        figures.push_back(rooflineFigure(*ceilings, points));
    return figures;
}

} // namespace orrery::measure
