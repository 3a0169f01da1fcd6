// SPDX-License-Identifier: GPL-3.0-or-later
// What a profile looks like.
#include "measure/bench_figures.h"
#include "measure/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace orrery::measure {
namespace {

/// "blocks.3.attn.qkv" -> "attn.qkv": the same module of all layers.
std::string moduleKind(const std::string& site) {
    if (site.rfind("blocks.", 0) != 0)
        return site;
    const auto dot = site.find('.', 7);
    return dot == std::string::npos ? site : site.substr(dot + 1);
}

double rateOf(const ProfileEntry& entry) {
    return entry.seconds > 0 ? entry.operations / entry.seconds : 0;
}
double trafficOf(const ProfileEntry& entry) {
    return entry.seconds > 0 ? entry.bytes / entry.seconds : 0;
}

/// What the machine could do at most with operands of these types and this traffic; 0 when it is not known.
double roofOf(const ProfileEntry& entry, const Ceilings& ceilings) {
    if (!(entry.bytes > 0 && entry.operations > 0))
        return 0;
    const bool int8 = entry.descriptor.find("i8") != std::string::npos;
    const bool bf16 = entry.descriptor.find("bf16") != std::string::npos;
    const double peak = int8 && ceilings.int8 > 0   ? ceilings.int8
                        : bf16 && ceilings.bf16 > 0 ? ceilings.bf16
                                                    : ceilings.f32;
    return std::min(peak, entry.operations / entry.bytes * ceilings.bandwidth);
}

figure::Table::Cell cellOf(double value) {
    return value > 0 ? figure::Table::Cell(value) : figure::Table::Cell();
}

figure::Figure modulesFigure(const Profile& profile) {
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
    return {"modules",
            "Time by module",
            "Share of a run's time that each kind of module takes.",
            std::move(bars),
            {}};
}

figure::Figure primitivesFigure(const Profile& profile, const Ceilings* ceilings) {
    std::vector<const ProfileEntry*> primitives;
    primitives.reserve(profile.primitives.size());
    for (const ProfileEntry& entry : profile.primitives)
        primitives.push_back(&entry);
    std::stable_sort(primitives.begin(), primitives.end(),
                     [](const auto* a, const auto* b) { return a->seconds > b->seconds; });
    figure::Table table;
    table.columns = {{"site", ""},        {"primitive", ""},      {"descriptor", ""}, {"implementation", ""},
                     {"calls", ""},       {"time", "ms"},         {"share", "%", 3},  {"rate", "GFLOP/s"},
                     {"traffic", "GB/s"}, {"intensity", "FLOP/B"}};
    if (ceilings != nullptr)
        table.columns.push_back({"of the roof", "%", 3});
    for (const ProfileEntry* entry : primitives) {
        std::vector<figure::Table::Cell> row{entry->site,
                                             entry->kind,
                                             entry->descriptor,
                                             entry->implementation,
                                             entry->calls,
                                             entry->seconds * 1e3,
                                             entry->share * 100,
                                             cellOf(rateOf(*entry) / 1e9),
                                             cellOf(trafficOf(*entry) / 1e9),
                                             cellOf(entry->bytes > 0 ? entry->operations / entry->bytes : 0)};
        if (ceilings != nullptr) {
            const double roof = roofOf(*entry, *ceilings);
            row.push_back(cellOf(roof > 0 ? rateOf(*entry) / roof * 100 : 0));
        }
        table.rows.push_back(std::move(row));
    }
    return {
        "primitives",
        "Time by primitive",
        "What the engine executed, joined to the module it ran in. Operations and traffic are the least that "
        "the task needs; the roof is what the machine can do with that many operations a byte, and more than "
        "all of it means operands that were still in the cache.",
        std::move(table),
        {}};
}

/// The same primitive in the same kind of module is one point, whichever layer it ran in.
std::vector<RooflinePoint> rooflinePoints(const Profile& profile) {
    std::map<std::array<std::string, 4>, ProfileEntry> together;
    for (const ProfileEntry& entry : profile.primitives) {
        const std::string module = moduleKind(entry.site);
        ProfileEntry& sum = together[{module, entry.kind, entry.descriptor, entry.implementation}];
        sum.site = module;
        sum.kind = entry.kind;
        sum.descriptor = entry.descriptor;
        sum.implementation = entry.implementation;
        sum.calls += entry.calls;
        sum.seconds += entry.seconds;
        sum.operations += entry.operations;
        sum.bytes += entry.bytes;
        sum.share += entry.share;
    }
    std::vector<const ProfileEntry*> order; // the largest first: where there is little room, they are named
    order.reserve(together.size());
    for (const auto& [key, entry] : together)
        order.push_back(&entry);
    std::stable_sort(order.begin(), order.end(),
                     [](const auto* a, const auto* b) { return a->seconds > b->seconds; });
    std::vector<RooflinePoint> points;
    for (const ProfileEntry* entry : order)
        if (entry->bytes > 0 && rateOf(*entry) > 0)
            points.push_back(
                {.name = fmt::format("{} · {} {}, {}, {:.3g} % of the run",
                                     entry->site.empty() ? entry->kind : entry->site, entry->kind,
                                     entry->descriptor, entry->implementation, entry->share * 100),
                 .group = entry->kind,
                 .operationsPerByte = entry->operations / entry->bytes,
                 .operationsPerSecond = rateOf(*entry)});
    return points;
}

} // namespace

std::vector<figure::Figure> profileFigures(const Profile& profile, const Ceilings* ceilings) {
    std::vector<figure::Figure> figures{primitivesFigure(profile, ceilings)};
    if (ceilings != nullptr)
        figures.push_back(rooflineFigure(*ceilings, rooflinePoints(profile)));
    figures.push_back(modulesFigure(profile));
    return figures;
}

} // namespace orrery::measure
