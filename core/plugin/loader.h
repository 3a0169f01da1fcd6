// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/json.h"
#include "plugin/registry.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace orrery::plugin {

enum class PluginStatus {
    Loaded,
    Broken,       ///< not a plugin, metadata missing or wrong, or its parts clash with others
    WrongVersion, ///< built for another interface version
    Crashed,      ///< ended or hung the trial process
};

/// What is known of one plugin file.
struct PluginState {
    std::filesystem::path file;
    std::string id;
    std::string title;
    std::string version;
    std::string paper;
    PluginStatus status = PluginStatus::Broken;
    std::string reason;             ///< a sentence when not loaded
    std::vector<std::string> parts; ///< "kind:id", as declared in plugin.json
};

std::string_view statusName(PluginStatus status); ///< "loaded", "broken", "wrong version", "crashed"

/// plugin.json as compiled into the library, read from the file without loading it. The state's status is
/// Loaded when nothing speaks against loading it, else the reason is given.
PluginState readMetadata(const std::filesystem::path& file);

struct LoaderOptions {
    /// Folders of plugins that came with Orrery: loaded at once.
    std::vector<std::filesystem::path> bundled;
    /// Folders of the user's plugins: each is first tried in a process of its own, so that one that crashes
    /// or hangs while loading is reported and skipped. The outcome is remembered until the file changes.
    std::vector<std::filesystem::path> user;
    std::filesystem::path
        trialProgram;                 ///< the `orrery` executable (`orrery plugin try FILE`); empty: no trial
    std::filesystem::path trialCache; ///< JSON file of remembered outcomes; empty: none
    int trialMilliseconds = 15000;
};

/// Finds, checks and loads plugins into a registry. Libraries stay loaded until the process ends.
class Loader {
public:
    explicit Loader(Registry& registry) : m_registry(registry) {}
    /// One state a plugin file found, sorted by id; nothing a plugin does makes this throw.
    std::vector<PluginState> load(const LoaderOptions& options);
    /// Loads one file without a trial.
    PluginState loadFile(const std::filesystem::path& file);

private:
    Registry& m_registry;
};

/// Runs `program plugin try FILE` and says how it ended: Loaded, or Crashed/Broken with the reason.
PluginState tryInProcess(const std::filesystem::path& program, const PluginState& state, int milliseconds);

/// The folders that the command line and the window use: beside the executable (or its install's
/// lib/orrery/plugins), $ORRERY_PLUGIN_PATH (colon separated), and the user's data folder.
LoaderOptions defaultLoaderOptions(const std::filesystem::path& executable);

} // namespace orrery::plugin
