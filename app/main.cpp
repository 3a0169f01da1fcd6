// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "base/version.h"
#include "commands/commands.h"
#include "onednn/engine.h"
#include "session.h"
#include "shell/run_window.h"

#include <QApplication>

#include <fmt/format.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <new>
#include <set>

namespace {

using namespace orrery;

/// Folders where the demonstration models may lie: the install's, or the source tree's of a build.
std::filesystem::path demoModels(const std::filesystem::path& executable) {
    const auto prefix = executable.parent_path().parent_path();
    for (const auto& candidate :
         {prefix / "share/orrery/models", std::filesystem::path(ORRERY_RESOURCES) / "models"})
        if (std::filesystem::is_directory(candidate))
            return candidate;
    return {};
}

std::string versionText() {
    return fmt::format("orrery {}\ncompiler GCC {}\noneDNN {}, {}; own kernels: {}\nQt {}\n", version(),
                       __VERSION__, onednn::libraryVersion(), onednn::libraryIsa(), onednn::kernelIsa(),
                       qVersion());
}

int fail(app::Session& session, const std::string& sentence, int status) {
    session.endProgress();
    fmt::print(stderr, "orrery: {}\n", sentence);
    return status;
}

int openWindow(app::Session& session, int& argc, char** argv, ui::WindowOptions options) {
    // A picture tour needs no screen.
    if (!options.tour.empty() && std::getenv("QT_QPA_PLATFORM") == nullptr &&
        std::getenv("DISPLAY") == nullptr && std::getenv("WAYLAND_DISPLAY") == nullptr)
        ::setenv("QT_QPA_PLATFORM", "offscreen", 1);
    options.workspace = session.workspaceFile;
    options.threads = session.threads;
    options.demoModels = demoModels(session.executable());
    session.registry();
    options.plugins = session.pluginStates();
    QApplication application(argc, argv);
    return ui::runWindow(application, options);
}

} // namespace

int main(int argc, char** argv) {
    app::Session session(argc, argv);
    CLI::App parser("Orrery, a workbench for looking inside transformer models.\n"
                    "Without a command it opens the window (orrery DIR|FILE... opens those in it).",
                    "orrery");
    parser.set_version_flag("--version", versionText, "Version of Orrery and of its libraries");
    parser.require_subcommand(0, 1);
    parser.footer(
        "Example: orrery analyze resources/models/docs-bert --text 'Returns the [MASK] of the array.' "
        "--lens logit_lens --out /tmp/lens");

    ui::WindowOptions window;
    std::vector<std::string> paths;
    std::string tour;
    std::string text;
    parser.add_option("paths", paths, "Models, texts or workspaces to open in the window");
    parser.add_option("--text", text, "A sentence to begin with (window)");
    parser.add_option("--tour", tour, "Save a picture of every panel into this folder and end (window)");
    parser.add_option("--workspace", session.workspaceFile, "The workspace file (window)");
    parser.add_option("--threads", session.threads, "Threads (window)")->check(CLI::Range(0, 4096));
    parser.add_flag("-v,--verbose", session.verbose, "More remarks on stderr (window)");

    app::defineInspect(parser, session);
    app::defineTokenize(parser, session);
    app::defineTrace(parser, session);
    app::defineAnalyze(parser, session);
    app::defineGenerate(parser, session);
    app::defineCompress(parser, session);
    app::defineBench(parser, session);
    app::defineRun(parser, session);
    app::defineRuns(parser, session);
    app::defineReport(parser, session);
    app::defineParts(parser, session);
    app::definePlugin(parser, session);
    app::defineVerify(parser, session);
    app::defineComingLater(parser, session);

    try {
        parser.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        const int status = parser.exit(problem);
        return status == 0 ? 0 : 2;
    }
    try {
        session.apply();
        if (session.action) {
            const int status = session.action();
            session.endProgress();
            return status;
        }
        for (const auto& path : paths) {
            if (!std::filesystem::exists(path))
                throw InputError(
                    fmt::format("There is no file or folder {}; `orrery --help` lists the commands.", path));
            window.paths.emplace_back(path);
        }
        window.text = QString::fromStdString(text);
        window.tour = tour;
        window.restoreSession = tour.empty() && paths.empty();
        return openWindow(session, argc, argv, window);
    } catch (const Error& error) {
        return fail(session, error.what(), error.exitStatus());
    } catch (const std::bad_alloc&) {
        return fail(session, "There is not enough memory for this; use a smaller input, batch or dtype.", 1);
    } catch (const std::exception& error) {
        return fail(session, fmt::format("{} (this is a defect of Orrery; please report it)", error.what()),
                    1);
    }
}
