// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "commands.h"
#include "plugin/authoring.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace orrery::app {
namespace {

namespace fs = std::filesystem;

OrderedJson toJson(const plugin::PluginState& state) {
    return {{"id", state.id},         {"title", state.title},        {"version", state.version},
            {"paper", state.paper},   {"file", state.file.string()}, {"status", statusName(state.status)},
            {"reason", state.reason}, {"parts", state.parts}};
}

int list(Session& session) {
    OrderedJson json = OrderedJson::array();
    std::vector<std::vector<std::string>> rows;
    for (const auto& state : session.pluginStates()) {
        json.push_back(toJson(state));
        rows.push_back({state.id, std::string(statusName(state.status)), state.version,
                        fmt::format("{}", fmt::join(state.parts, ", ")),
                        state.reason.empty() ? state.file.string() : state.reason});
    }
    if (session.json)
        printJson(json);
    else
        printTable({"plugin", "status", "version", "parts", "file or reason"}, rows);
    return 0;
}

int make(Session& session, const std::string& kind, const std::string& name) {
    const fs::path templates =
        plugin::templateFolder(session.executable(), fs::path(ORRERY_RESOURCES) / "templates");
    const auto files = plugin::newPlugin(templates, kind, name,
                                         session.out.empty() ? fs::current_path() : fs::path(session.out));
    for (const auto& file : files)
        print(file.string() + "\n");
    if (!session.quiet)
        print(fmt::format("Next: cmake -S {0} -B {0}/build -DCMAKE_PREFIX_PATH={1} && cmake --build "
                          "{0}/build && orrery plugin check "
                          "{0}/build/{2}.so\n",
                          files.front().parent_path().string(),
                          session.executable().parent_path().parent_path().string(), name));
    return 0;
}

/// What `check` and the trial of the loader do: load the file into an empty registry and say what it brought.
int load(const fs::path& file, bool talk, bool json) {
    if (!fs::exists(file))
        throw InputError(fmt::format("There is no file {}.", file.string()));
    plugin::Registry scratch;
    const auto state = plugin::Loader(scratch).loadFile(file);
    if (state.status != plugin::PluginStatus::Loaded) {
        print(state.reason + "\n");
        return 1;
    }
    if (!talk)
        return 0;
    if (json) {
        OrderedJson described = toJson(state);
        for (const auto& entry : scratch.entries())
            described["brought"].push_back({{"kind", entry.kind},
                                            {"id", entry.part->info().id},
                                            {"options", entry.part->options().toJson()}});
        printJson(described);
        return 0;
    }
    print(fmt::format("{} {} ({}) loads.\n", state.id, state.version, state.title));
    int lacking = 0;
    for (const auto& entry : scratch.entries()) {
        const PartInfo info = entry.part->info();
        print(
            fmt::format("{} {}: {}\n{}", entry.kind, info.id, info.title, entry.part->options().helpText()));
        for (const auto& [what, text] :
             {std::pair("a title", info.title), std::pair("a summary", info.summary),
              std::pair("where it is usable", info.usableIn)})
            if (text.empty()) {
                print(fmt::format("  lacks {}\n", what));
                ++lacking;
            }
        const OptionSchema schema = entry.part->options();
        for (const auto& option : schema.all())
            if (option.help().empty()) {
                print(fmt::format("  option {} lacks its help\n", option.name()));
                ++lacking;
            }
    }
    return lacking == 0 ? 0 : 1;
}

int check(Session& session, const fs::path& file) {
    if (!fs::exists(file))
        throw InputError(fmt::format("There is no file {}.", file.string()));
    const auto metadata = plugin::readMetadata(file);
    if (metadata.status != plugin::PluginStatus::Loaded) {
        print(metadata.reason + "\n");
        return 1;
    }
    // First in a process of its own: a plugin that crashes must not take the report with it.
    const auto trial = plugin::tryInProcess(session.executable(), metadata, 15000);
    if (trial.status != plugin::PluginStatus::Loaded) {
        print(trial.reason + "\n");
        return 1;
    }
    return load(file, true, session.json);
}

} // namespace

void definePlugin(CLI::App& parser, Session& session) {
    auto* command = parser.add_subcommand("plugin", "Write, list and check plugins");
    command->require_subcommand(1);
    auto kind = std::make_shared<std::string>();
    auto name = std::make_shared<std::string>();
    auto file = std::make_shared<std::string>();
    auto* making =
        command->add_subcommand("new", "Make a plugin's folder that builds and works as it stands");
    making->add_option("kind", *kind, "Kind of part: analyzer, token_mixer, compressor")->required();
    making->add_option("name", *name, "Its id: lower-case letters, digits, underscores")->required();
    session.addCommonOptions(*making);
    making->footer("Example: orrery plugin new analyzer my_lens");
    making->callback([&session, kind, name] {
        session.action = [&session, kind, name] { return make(session, *kind, *name); };
    });
    auto* listing =
        command->add_subcommand("list", "All plugins found, with the reason where one was not loaded");
    session.addCommonOptions(*listing);
    listing->callback([&session] { session.action = [&session] { return list(session); }; });
    auto* checking = command->add_subcommand(
        "check", "Load a plugin in a process of its own and say what it brings or what is wrong");
    checking->add_option("file", *file, "The plugin (.so)")->required();
    session.addCommonOptions(*checking);
    checking->callback(
        [&session, file] { session.action = [&session, file] { return check(session, *file); }; });
    auto* trying = command->add_subcommand("try", "Used by the loader: load a plugin and end")->group("");
    trying->add_option("file", *file)->required();
    trying->callback([&session, file] { session.action = [file] { return load(*file, false, false); }; });
    command->footer("Example: orrery plugin list");
}

} // namespace orrery::app
