// SPDX-License-Identifier: GPL-3.0-or-later
#include "commands.h"

#include <fmt/format.h>

namespace orrery::app {
namespace {

OrderedJson toJson(const plugin::Registry::Entry& entry) {
    const PartInfo info = entry.part->info();
    return {{"kind", entry.kind},
            {"id", info.id},
            {"title", info.title},
            {"summary", info.summary},
            {"usableIn", info.usableIn},
            {"paper", info.paper},
            {"url", info.url},
            {"plugin", entry.plugin},
            {"options", entry.part->options().toJson()}};
}

int list(Session& session, const std::string& kind) {
    OrderedJson json = OrderedJson::array();
    std::vector<std::vector<std::string>> rows;
    for (const auto& entry : session.registry().entries()) {
        if (!kind.empty() && entry.kind != kind)
            continue;
        const PartInfo info = entry.part->info();
        json.push_back(toJson(entry));
        rows.push_back({entry.kind, info.id, info.title, info.usableIn, info.paper});
    }
    if (session.json)
        printJson(json);
    else
        printTable({"kind", "id", "title", "usable in", "paper"}, rows);
    return 0;
}

int show(Session& session, const std::string& kind, const std::string& id) {
    const auto entry = session.registry().requirePart(kind, id);
    if (session.json) {
        printJson(toJson(entry));
        return 0;
    }
    const PartInfo info = entry.part->info();
    std::string text = fmt::format("{} ({} {})\n{}\n\nUsable in: {}\n", info.title, entry.kind, info.id,
                                   info.summary, info.usableIn);
    if (!info.paper.empty())
        text += fmt::format("Paper: {}\n       {}\n", info.paper, info.url);
    text += fmt::format("Plugin: {}\n", entry.plugin);
    const std::string options = entry.part->options().helpText();
    print(text + (options.empty() ? "No options.\n" : "Options (--set name=value):\n" + options));
    return 0;
}

} // namespace

void defineParts(CLI::App& parser, Session& session) {
    auto* command = parser.add_subcommand(
        "parts", "Everything exchangeable: lenses, mixers, compressors ... with their options");
    command->require_subcommand(1);
    auto kind = std::make_shared<std::string>();
    auto id = std::make_shared<std::string>();
    auto* listing = command->add_subcommand("list", "All parts");
    listing->add_option("--kind", *kind, "Only this kind");
    session.addCommonOptions(*listing);
    listing->callback(
        [&session, kind] { session.action = [&session, kind] { return list(session, *kind); }; });
    auto* showing = command->add_subcommand("show", "One part: what it does, its paper, its options");
    showing->add_option("id", *id, "Id of the part")->required();
    showing->add_option("--kind", *kind, "Its kind, where an id alone is ambiguous");
    session.addCommonOptions(*showing);
    showing->callback([&session, kind, id] {
        session.action = [&session, kind, id] { return show(session, *kind, *id); };
    });
    command->footer("Example: orrery parts show attention_rollout");
}

} // namespace orrery::app
