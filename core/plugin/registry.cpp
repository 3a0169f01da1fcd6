// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugin/registry.h"

#include "generate/decoding_strategy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <mutex>
#include <tuple>

namespace orrery::plugin {
namespace {

std::string idOf(const Registry::Entry& entry) {
    return entry.part->info().id;
}

void insertSorted(std::vector<Registry::Entry>& entries, Registry::Entry entry) {
    const auto key = [](const Registry::Entry& e) { return std::pair(e.kind, idOf(e)); };
    const auto wanted = key(entry);
    const auto place =
        std::find_if(entries.begin(), entries.end(), [&](const auto& e) { return key(e) >= wanted; });
    if (place != entries.end() && key(*place) == wanted)
        throw UsageError(fmt::format("There is already a {} named '{}' (from plugin '{}').", entry.kind,
                                     wanted.second, place->plugin));
    entries.insert(place, std::move(entry));
}

} // namespace

void Registry::addPart(std::string kind, std::shared_ptr<const Part> part) {
    ORRERY_CHECK(part != nullptr, "a registered part exists");
    const std::string id = part->info().id;
    const bool fine = !id.empty() && std::all_of(id.begin(), id.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
    if (!fine)
        throw UsageError(
            fmt::format("'{}' is no id for a {}: use lower-case letters, digits and underscores.", id, kind));
    const std::lock_guard lock(m_mutex);
    insertSorted(m_entries, Entry{std::move(kind), "orrery", std::move(part)});
}

std::vector<Registry::Entry> Registry::entries() const {
    const std::lock_guard lock(m_mutex);
    return m_entries;
}

Registry::Entry Registry::requirePart(std::string_view kind, std::string_view id) const {
    std::vector<Entry> found;
    std::vector<std::string> candidates;
    for (Entry& entry : entries()) {
        if (!kind.empty() && entry.kind != kind)
            continue;
        candidates.push_back(idOf(entry));
        if (candidates.back() == id)
            found.push_back(std::move(entry));
    }
    if (found.size() == 1)
        return found.front();
    const std::string what = kind.empty() ? "part" : std::string(kind);
    if (found.size() > 1)
        throw UsageError(fmt::format("There are {} parts named '{}'; name the kind, too.", found.size(), id));
    if (const auto near = nearestName(id, candidates))
        throw UsageError(fmt::format("There is no {} '{}'; did you mean '{}'?", what, id, *near));
    if (candidates.empty())
        throw UsageError(fmt::format(
            "There is no {} '{}': no plugin with one was loaded (see `orrery plugin list`).", what, id));
    throw UsageError(
        fmt::format("There is no {} '{}'; there are: {}.", what, id, fmt::join(candidates, ", ")));
}

void Registry::adopt(const Registry& other, const std::string& plugin) {
    std::vector<Entry> added = other.entries();
    const std::lock_guard lock(m_mutex);
    std::vector<Entry> merged = m_entries;
    for (Entry& entry : added) {
        entry.plugin = plugin;
        insertSorted(merged, std::move(entry));
    }
    m_entries = std::move(merged);
}

namespace {
/// Parts that come with the engine itself.
void addBuiltIns(Registry& registry) {
    for (const auto& strategy : generate::builtInStrategies())
        registry.add<generate::DecodingStrategy>(strategy);
}
} // namespace

Registry& registry() {
    static Registry instance;
    static std::once_flag filled;
    std::call_once(filled, addBuiltIns, std::ref(instance));
    return instance;
}

} // namespace orrery::plugin
