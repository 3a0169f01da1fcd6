// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/workspace.h"

#include "base/hash.h"
#include "base/version.h"
#include "store/process_identity.h"
#include "store/workspace_state.h"

#include <cctype>
#include <charconv>
#include <cstdlib>

namespace orrery::store {

std::filesystem::path defaultWorkspacePath() {
    const char* data = std::getenv("XDG_DATA_HOME");
    if (data && *data == '/') // the XDG rules: relative paths are to be ignored
        return std::filesystem::path(data) / "orrery" / "workspace.orrery";
    const char* home = std::getenv("HOME");
    if (!home || !*home)
        throw UsageError("Neither XDG_DATA_HOME nor HOME is set; name the workspace with --workspace FILE.");
    return std::filesystem::path(home) / ".local" / "share" / "orrery" / "workspace.orrery";
}

Workspace::Workspace(const std::filesystem::path& file, Access access)
    : m_state(new State{Connection(file, access == Access::ReadOnly)}) {
    if (access == Access::ReadWrite)
        noticeInterruptedRuns();
}

Workspace::~Workspace() = default;
Workspace::Workspace(Workspace&&) noexcept = default;
Workspace& Workspace::operator=(Workspace&&) noexcept = default;

const std::filesystem::path& Workspace::path() const {
    return m_state->connection.file();
}

std::int64_t Workspace::changeCounter() const {
    return m_state->connection.read(
        [](SQLite::Database& database) { return database.execAndGet("PRAGMA data_version").getInt64(); });
}

RunId Workspace::beginRun(const NewRun& run) {
    return m_state->connection.write([&](SQLite::Database& database) {
        const std::string environment = toStored(run.environment);
        const std::string hash = sha256(environment);
        SQLite::Statement addEnvironment(
            database, "INSERT INTO environment(hash, description) VALUES(?, ?) ON CONFLICT(hash) DO NOTHING");
        addEnvironment.bind(1, hash);
        addEnvironment.bind(2, environment);
        addEnvironment.exec();

        SQLite::Statement insert(
            database,
            "INSERT INTO run(uid, job, title, status, created, session_started, touched, options, provenance,"
            " command_line, environment_id, machine, owner) VALUES(?, ?, ?, 'running', ?, ?, ?, ?, ?, ?,"
            " (SELECT id FROM environment WHERE hash = ?), ?, ?)");
        const double now = secondsSinceEpoch();
        insert.bind(1, newUid());
        insert.bind(2, run.job);
        insert.bind(3, run.title);
        insert.bind(4, timestamp());
        insert.bind(5, now);
        insert.bind(6, now);
        insert.bind(7, toStored(run.options));
        insert.bind(8, toStored(run.provenance.toJson()));
        insert.bind(9, run.commandLine);
        insert.bind(10, hash);
        insert.bind(11, run.machine);
        insert.bind(12, processIdentity());
        insert.exec();
        const RunId id = database.getLastInsertRowid();

        std::int64_t position = 0;
        for (const ModelRecord& model : run.models) {
            // The path is where it was last seen.
            SQLite::Statement addModel(database,
                                       "INSERT INTO model(hash, name, path, family) VALUES(?, ?, ?, ?)"
                                       " ON CONFLICT(hash, name) DO UPDATE SET path = excluded.path");
            addModel.bind(1, model.hash);
            addModel.bind(2, model.name);
            addModel.bind(3, model.path);
            addModel.bind(4, model.family);
            addModel.exec();
            SQLite::Statement link(database, "INSERT INTO run_model(run_id, position, model_id) VALUES(?, ?,"
                                             " (SELECT id FROM model WHERE hash = ? AND name = ?))");
            link.bind(1, id);
            link.bind(2, position++);
            link.bind(3, model.hash);
            link.bind(4, model.name);
            link.exec();
        }
        return id;
    });
}

void Workspace::resumeRun(RunId run) {
    noticeInterruptedRuns();
    m_state->connection.write([&](SQLite::Database& database) {
        requireRun(database, run, path());
        SQLite::Statement take(
            database, "UPDATE run SET status = 'running', message = '', owner = ?, session_started = ?,"
                      " touched = ? WHERE id = ? AND status != 'running'");
        const double now = secondsSinceEpoch();
        take.bind(1, processIdentity());
        take.bind(2, now);
        take.bind(3, now);
        take.bind(4, run);
        if (take.exec() == 0)
            throw UsageError(fmt::format(
                "Run {} is running now; wait for its end, or cancel it, before resuming it.", run));
    });
}

void Workspace::finishRun(RunId run, RunStatus status, const std::string& message) {
    ORRERY_CHECK(status != RunStatus::Running, "a run ends with another status than running");
    m_state->connection.write([&](SQLite::Database& database) {
        requireRun(database, run, path());
        SQLite::Statement end(database,
                              "UPDATE run SET duration = duration + CASE status WHEN 'running'"
                              " THEN max(?1 - session_started, 0) ELSE 0 END, touched = ?1, status = ?2,"
                              " message = ?3, owner = '' WHERE id = ?4");
        end.bind(1, secondsSinceEpoch());
        end.bind(2, std::string(name(status)));
        end.bind(3, message);
        end.bind(4, run);
        end.exec();
    });
}

void Workspace::setTitle(RunId run, const std::string& title) {
    m_state->connection.write([&](SQLite::Database& database) {
        requireRun(database, run, path());
        SQLite::Statement change(database, "UPDATE run SET title = ? WHERE id = ?");
        change.bind(1, title);
        change.bind(2, run);
        change.exec();
    });
}

int Workspace::noticeInterruptedRuns() {
    constexpr double dayOfSeconds = 86400;
    struct Running {
        RunId id;
        std::string owner;
        double touched;
    };
    const auto running = m_state->connection.read([](SQLite::Database& database) {
        std::vector<Running> found;
        SQLite::Statement query(database, "SELECT id, owner, touched FROM run WHERE status = 'running'");
        while (query.executeStep())
            found.push_back({query.getColumn(0).getInt64(), query.getColumn(1).getString(),
                             query.getColumn(2).getDouble()});
        return found;
    });
    std::vector<Running> gone;
    for (const Running& run : running) {
        const Liveness liveness = livenessOf(run.owner);
        // Another machine's process cannot be asked; one that stored nothing for a day is taken for gone.
        if (liveness == Liveness::Gone ||
            (liveness == Liveness::Unknown && secondsSinceEpoch() - run.touched > dayOfSeconds))
            gone.push_back(run);
    }
    if (gone.empty()) // the usual case takes no write lock
        return 0;
    return m_state->connection.write([&](SQLite::Database& database) {
        int changed = 0;
        for (const Running& run : gone) {
            SQLite::Statement mark(
                database, "UPDATE run SET status = 'interrupted', owner = '',"
                          " duration = duration + max(touched - session_started, 0),"
                          " message = 'Its process ended without saying so; what was finished is kept.'"
                          " WHERE id = ? AND status = 'running' AND owner = ?");
            mark.bind(1, run.id);
            mark.bind(2, run.owner);
            changed += mark.exec();
        }
        return changed;
    });
}

RunId Workspace::resolveRun(std::string_view text) const {
    const std::string wanted(text);
    return m_state->connection.read([&](SQLite::Database& database) -> RunId {
        if (wanted == "last") {
            SQLite::Statement last(database, "SELECT id FROM run ORDER BY created DESC, id DESC LIMIT 1");
            if (last.executeStep())
                return last.getColumn(0).getInt64();
            throw UsageError(fmt::format("There are no runs in {} yet.", path().string()));
        }
        RunId number = 0;
        const auto parsed = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
        if (parsed.ec == std::errc() && parsed.ptr == wanted.data() + wanted.size()) {
            SQLite::Statement byNumber(database, "SELECT 1 FROM run WHERE id = ?");
            byNumber.bind(1, number);
            if (byNumber.executeStep())
                return number;
        }
        const bool hexadecimal =
            std::all_of(wanted.begin(), wanted.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
        if (wanted.size() >= 6 && hexadecimal) {
            SQLite::Statement byUid(database,
                                    "SELECT id FROM run WHERE uid >= ?1 AND uid < ?1 || 'g' LIMIT 2");
            byUid.bind(1, wanted);
            if (byUid.executeStep()) {
                const RunId found = byUid.getColumn(0).getInt64();
                if (byUid.executeStep())
                    throw UsageError(
                        fmt::format("'{}' begins the name of several runs; write more of it.", wanted));
                return found;
            }
        }
        throw UsageError(fmt::format("There is no run '{}' in {}; `orrery runs list` shows those there are.",
                                     wanted, path().string()));
    });
}

void Workspace::deleteRun(RunId id) {
    m_state->connection.write([&](SQLite::Database& database) {
        requireRun(database, id, path());
        SQLite::Statement remove(database, "DELETE FROM run WHERE id = ?");
        remove.bind(1, id);
        remove.exec();
        database.exec("DELETE FROM environment WHERE id NOT IN (SELECT environment_id FROM run)");
        database.exec("DELETE FROM model WHERE id NOT IN (SELECT model_id FROM run_model)");
    });
}

std::vector<std::string> Workspace::integrityCheck() const {
    return m_state->connection.read([](SQLite::Database& database) {
        std::vector<std::string> problems;
        SQLite::Statement integrity(database, "PRAGMA integrity_check");
        while (integrity.executeStep())
            if (const std::string line = integrity.getColumn(0).getString(); line != "ok")
                problems.push_back(line);
        SQLite::Statement keys(database, "PRAGMA foreign_key_check");
        while (keys.executeStep())
            problems.push_back(fmt::format("table {} row {} refers to a missing row of {}",
                                           keys.getColumn(0).getString(), keys.getColumn(1).getInt64(),
                                           keys.getColumn(2).getString()));
        return problems;
    });
}

void Workspace::setMachineValue(const std::string& machine, const std::string& name, double value,
                                const std::string& unit) {
    requireFinite(value, name);
    m_state->connection.write([&](SQLite::Database& database) {
        SQLite::Statement set(database,
                              "INSERT OR REPLACE INTO machine_value(machine, name, value, unit, measured)"
                              " VALUES(?, ?, ?, ?, ?)");
        set.bind(1, machine);
        set.bind(2, name);
        set.bind(3, value);
        set.bind(4, unit);
        set.bind(5, timestamp());
        set.exec();
    });
}

std::optional<double> Workspace::machineValue(const std::string& machine, const std::string& name) const {
    return m_state->connection.read([&](SQLite::Database& database) -> std::optional<double> {
        SQLite::Statement query(database, "SELECT value FROM machine_value WHERE machine = ? AND name = ?");
        query.bind(1, machine);
        query.bind(2, name);
        if (query.executeStep())
            return query.getColumn(0).getDouble();
        return std::nullopt;
    });
}

} // namespace orrery::store
