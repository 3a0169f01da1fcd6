// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/json.h"
#include "base/progress.h"
#include "model/model.h"
#include "plugin/loader.h"
#include "store/workspace.h"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

class QApplication;

namespace orrery::app {

/// The options that every command has, and what commands share: progress on stderr, plugins, the workspace.
class Session {
public:
    Session(int& argc, char** argv);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // Common options, as cli.md lists them.
    std::string workspaceFile;
    int threads = 0;
    std::string dtype = "f32";
    std::uint64_t seed = 0;
    std::vector<std::string> assignments; ///< of --set
    bool json = false;
    std::string out;
    bool quiet = false;
    bool verbose = false;
    bool noColor = false;
    bool dryRun = false;

    /// What the chosen subcommand does; set while the command line is parsed, run afterwards.
    std::function<int()> action;

    /// Adds the common options to a subcommand.
    void addCommonOptions(CLI::App& command);
    /// Sets threads and logging as the options say.
    void apply();

    /// Reports on stderr (a bar when it is a terminal and -q was not given); SIGINT cancels it.
    [[nodiscard]] Progress progress();
    /// Ends the bar's line, before anything else is written.
    void endProgress();
    /// Loads the plugins on first use.
    plugin::Registry& registry();
    const std::vector<plugin::PluginState>& pluginStates();
    /// Opens a model, compressed ones included, with the dtype asked for.
    std::shared_ptr<model::Model> openModel(const std::string& folder);
    [[nodiscard]] DType computeType() const;
    store::Workspace& workspace();
    /// The values of --set on a schema.
    [[nodiscard]] OptionValues options(const OptionSchema& schema) const;
    /// For drawing: on the offscreen platform unless a window is wanted.
    QApplication& application();
    [[nodiscard]] const std::filesystem::path& executable() const { return m_executable; }
    [[nodiscard]] std::string commandLine() const; ///< as it was given
    [[nodiscard]] bool colour() const;             ///< whether stdout takes colours

private:
    int& m_argc;
    char** m_argv;
    std::filesystem::path m_executable;
    bool m_pluginsLoaded = false;
    std::vector<plugin::PluginState> m_pluginStates;
    std::optional<store::Workspace> m_workspace;
    std::unique_ptr<QApplication> m_application;
};

/// INPUT of the command line: --text T, --pair T, --file F or - (standard input).
struct InputArguments {
    std::string text;
    std::string pair;
    std::string file;
    std::string dash;

    void add(CLI::App& command);
    /// Texts to work on: one, or one a line of a JSONL file ({"text": ..., "pair"?: ...}). UsageError when
    /// none is given.
    struct Item {
        std::string text;
        std::optional<std::string> pair;
    };
    [[nodiscard]] std::vector<Item> items() const;
};

/// Writes to stdout, all of it or an Error (a full disk behind a redirection).
void print(std::string_view text);
void printJson(const OrderedJson& json);
/// Columns aligned for reading; numbers to the right.
void printTable(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows);
[[nodiscard]] std::string bytesText(double bytes);  ///< "417.6 MB"
[[nodiscard]] std::string countText(double number); ///< "109.5 M"

} // namespace orrery::app
