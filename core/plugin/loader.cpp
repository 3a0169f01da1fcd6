// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugin/loader.h"

#include "base/log.h"
#include "plugin/plugin.h"

#include <QtCore/QJsonArray>
#include <QtCore/QJsonObject>
#include <QtCore/QLibrary>
#include <QtCore/QPluginLoader>
#include <QtCore/QProcess>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <set>

Q_DECLARE_INTERFACE(orrery::plugin::PluginInterface, "org.orrery.Plugin")

namespace orrery::plugin {
namespace {

namespace fs = std::filesystem;

void readDeclared(const QJsonObject& declared, PluginState& state) {
    const auto text = [&](const char* key) {
        return declared.value(QLatin1String(key)).toString().toStdString();
    };
    state.id = text("id");
    state.title = text("title");
    state.version = text("version");
    state.paper = text("paper");
    for (const auto& value : declared.value(QLatin1String("parts")).toArray()) {
        const QJsonObject part = value.toObject();
        state.parts.push_back(part.value(QLatin1String("kind")).toString().toStdString() + ":" +
                              part.value(QLatin1String("id")).toString().toStdString());
    }
}

std::string outcomeKey(const PluginState& state) {
    std::error_code ignored;
    const auto size = fs::file_size(state.file, ignored);
    const auto time = fs::last_write_time(state.file, ignored).time_since_epoch().count();
    return fmt::format("{}|{}|{}", fs::absolute(state.file, ignored).string(), size, time);
}

Json readOutcomes(const fs::path& cache) {
    try {
        Json outcomes = cache.empty() || !fs::exists(cache) ? Json::object() : readJsonFile(cache);
        return outcomes.is_object() ? outcomes : Json::object();
    } catch (const Error&) {
        return Json::object(); // a damaged memory of trials costs new trials, nothing else
    }
}

std::vector<fs::path> libraries(const std::vector<fs::path>& folders) {
    std::vector<fs::path> found;
    for (const auto& folder : folders) {
        std::error_code failure;
        for (fs::directory_iterator it(folder, failure), end; !failure && it != end; it.increment(failure))
            if (QLibrary::isLibrary(QString::fromStdString(it->path().string())) &&
                it->is_regular_file(failure))
                found.push_back(it->path());
    }
    std::sort(found.begin(), found.end());
    return found;
}

} // namespace

std::string_view statusName(PluginStatus status) {
    switch (status) {
    case PluginStatus::Loaded:
        return "loaded";
    case PluginStatus::WrongVersion:
        return "wrong version";
    case PluginStatus::Crashed:
        return "crashed";
    case PluginStatus::Broken:
        break;
    }
    return "broken";
}

PluginState readMetadata(const fs::path& given) {
    // Qt looks for relative names in its library paths, not in the working folder.
    std::error_code failure;
    const fs::path file = fs::absolute(given, failure);
    PluginState state;
    state.file = file;
    state.id = file.stem().string();
    const auto broken = [&](PluginStatus status, std::string reason) {
        state.status = status;
        state.reason = std::move(reason);
        return state;
    };
    if (!fs::is_regular_file(file, failure))
        return broken(PluginStatus::Broken, fmt::format("{} is not a file.", file.string()));
    const QJsonObject meta = QPluginLoader(QString::fromStdString(file.string())).metaData();
    if (meta.value(QLatin1String("IID")).toString() != QLatin1String("org.orrery.Plugin"))
        return broken(PluginStatus::Broken,
                      fmt::format("{} is not a plugin of Orrery (it is damaged, or another kind of library).",
                                  file.string()));
    const QJsonObject declared = meta.value(QLatin1String("MetaData")).toObject();
    readDeclared(declared, state);
    if (state.id.empty() || state.parts.empty()) {
        state.id = state.id.empty() ? file.stem().string() : state.id;
        return broken(
            PluginStatus::Broken,
            fmt::format("The plugin.json inside {} lacks an id or its list of parts.", file.string()));
    }
    const int api = declared.value(QLatin1String("api")).toInt(-1);
    if (api != apiVersion)
        return broken(PluginStatus::WrongVersion,
                      fmt::format("{} was built for plugin interface {}, this Orrery has {}; build it again.",
                                  file.string(), api, apiVersion));
    state.status = PluginStatus::Loaded;
    return state;
}

PluginState Loader::loadFile(const fs::path& file) {
    PluginState state = readMetadata(file);
    if (state.status != PluginStatus::Loaded)
        return state;
    const auto broken = [&](std::string reason) {
        state.status = PluginStatus::Broken;
        state.reason = std::move(reason);
        return state;
    };
    // The loader is never unloaded: parts live on as shared pointers with code in the library.
    QPluginLoader library(QString::fromStdString(state.file.string()));
    library.setLoadHints(QLibrary::PreventUnloadHint);
    QObject* root = library.instance();
    const auto* entry = qobject_cast<PluginInterface*>(root);
    if (entry == nullptr)
        return broken(fmt::format("{} cannot be loaded: {}", file.string(),
                                  root != nullptr ? "it has no entry for parts."
                                                  : library.errorString().toStdString()));
    try {
        Registry fresh;
        entry->registerParts(fresh);
        std::set<std::string> declared(state.parts.begin(), state.parts.end());
        std::set<std::string> brought;
        for (const auto& part : fresh.entries())
            brought.insert(part.kind + ":" + part.part->info().id);
        if (declared != brought)
            return broken(
                fmt::format("{} declares the parts {} but brings {}; make plugin.json and the code agree.",
                            file.string(), fmt::join(declared, ", "), fmt::join(brought, ", ")));
        m_registry.adopt(fresh, state.id);
    } catch (const std::exception& failure) {
        return broken(
            fmt::format("{} failed while registering its parts: {}", file.string(), failure.what()));
    } catch (...) {
        return broken(fmt::format("{} failed while registering its parts.", file.string()));
    }
    return state;
}

PluginState tryInProcess(const fs::path& program, const PluginState& state, int milliseconds) {
    PluginState outcome = state;
    QProcess trial;
    trial.setProcessChannelMode(QProcess::MergedChannels);
    trial.start(QString::fromStdString(program.string()), {QStringLiteral("plugin"), QStringLiteral("try"),
                                                           QString::fromStdString(state.file.string())});
    const bool ended = trial.waitForStarted(milliseconds) && trial.waitForFinished(milliseconds);
    if (!ended && trial.error() != QProcess::FailedToStart) {
        trial.kill();
        trial.waitForFinished(1000);
        outcome.status = PluginStatus::Crashed;
        outcome.reason = fmt::format("{} did not finish loading within {} s; it was skipped.",
                                     state.file.string(), milliseconds / 1000);
    } else if (!ended) {
        outcome.status = PluginStatus::Broken;
        outcome.reason = fmt::format("{} could not be tried out: {} does not start.", state.file.string(),
                                     program.string());
    } else if (trial.exitStatus() == QProcess::CrashExit) {
        outcome.status = PluginStatus::Crashed;
        outcome.reason = fmt::format("{} crashed while it was loaded; it was skipped.", state.file.string());
    } else if (trial.exitCode() != 0) {
        outcome.status = PluginStatus::Broken;
        outcome.reason = trial.readAll().trimmed().toStdString();
    }
    return outcome;
}

std::vector<PluginState> Loader::load(const LoaderOptions& options) {
    std::vector<PluginState> states;
    std::set<std::string> seen;
    const auto consider = [&](const fs::path& file, bool trusted, Json* outcomes) {
        PluginState state = readMetadata(file);
        if (state.status == PluginStatus::Loaded && !seen.insert(state.id).second)
            return; // an earlier folder has it
        if (state.status == PluginStatus::Loaded && !trusted && !options.trialProgram.empty()) {
            const std::string key = outcomeKey(state);
            const auto known = outcomes->find(key);
            if (known != outcomes->end() && known->is_object()) {
                state.reason = known->value("reason", "");
                state.status = state.reason.empty()             ? PluginStatus::Loaded
                               : known->value("crashed", false) ? PluginStatus::Crashed
                                                                : PluginStatus::Broken;
            } else {
                state = tryInProcess(options.trialProgram, state, options.trialMilliseconds);
                (*outcomes)[key] = {{"reason", state.reason},
                                    {"crashed", state.status == PluginStatus::Crashed}};
            }
        }
        if (state.status == PluginStatus::Loaded)
            state = loadFile(file);
        if (state.status != PluginStatus::Loaded)
            log(LogLevel::Warning, state.reason);
        states.push_back(std::move(state));
    };
    for (const auto& file : libraries(options.bundled))
        consider(file, true, nullptr);
    Json outcomes = readOutcomes(options.trialCache);
    const Json before = outcomes;
    for (const auto& file : libraries(options.user))
        consider(file, false, &outcomes);
    if (outcomes != before && !options.trialCache.empty()) {
        try {
            fs::create_directories(options.trialCache.parent_path());
            writeFileAtomically(options.trialCache, outcomes.dump(1));
        } catch (const std::exception& failure) {
            log(LogLevel::Warning, failure.what()); // the next start tries again
        }
    }
    std::sort(states.begin(), states.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    return states;
}

LoaderOptions defaultLoaderOptions(const fs::path& executable) {
    LoaderOptions options;
    const fs::path prefix = executable.parent_path().parent_path();
    for (const char* folder :
         {"lib/orrery/plugins", "lib/x86_64-linux-gnu/orrery/plugins", "lib64/orrery/plugins"})
        if (std::error_code none; fs::is_directory(prefix / folder, none))
            options.bundled.push_back(prefix / folder);
    if (const char* path = std::getenv("ORRERY_PLUGIN_PATH")) {
        std::string_view rest = path;
        while (!rest.empty()) {
            const auto colon = rest.find(':');
            if (colon != 0)
                options.user.emplace_back(rest.substr(0, colon));
            rest = colon == std::string_view::npos ? std::string_view{} : rest.substr(colon + 1);
        }
    }
    const char* home = std::getenv("HOME");
    const char* data = std::getenv("XDG_DATA_HOME");
    const char* cache = std::getenv("XDG_CACHE_HOME");
    const fs::path dataFolder = data != nullptr && *data != '\0'
                                    ? fs::path(data)
                                    : fs::path(home != nullptr ? home : "/tmp") / ".local/share";
    const fs::path cacheFolder = cache != nullptr && *cache != '\0'
                                     ? fs::path(cache)
                                     : fs::path(home != nullptr ? home : "/tmp") / ".cache";
    options.user.push_back(dataFolder / "orrery/plugins");
    options.trialProgram = executable;
    options.trialCache = cacheFolder / "orrery/plugin-trials.json";
    return options;
}

} // namespace orrery::plugin
