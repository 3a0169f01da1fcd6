// SPDX-License-Identifier: GPL-3.0-or-later
// Taking over another workspace: rows are joined by uids and hashes, since numbers differ from file to file.
#include "store/schema.h"
#include "store/workspace_state.h"

#include <array>

namespace orrery::store {
namespace {

/// A run that still runs over there is stored as interrupted: what it does from now on is not seen here.
constexpr std::array<const char*, 9> copies{
    "INSERT INTO main.environment(hash, description) SELECT hash, description FROM other.environment"
    " WHERE true ON CONFLICT(hash) DO NOTHING",
    "INSERT INTO main.model(hash, name, path, family) SELECT hash, name, path, family FROM other.model"
    " WHERE true ON CONFLICT(hash, name) DO NOTHING",
    "INSERT INTO main.run(uid, job, title, status, created, duration, session_started, touched, options, "
    "provenance,"
    " command_line, environment_id, machine, message, owner)"
    " SELECT o.uid, o.job, o.title, CASE o.status WHEN 'running' THEN 'interrupted' ELSE o.status END, "
    "o.created,"
    "  o.duration, o.session_started, o.touched, o.options, o.provenance, o.command_line, e.id, o.machine, "
    "o.message, ''"
    " FROM other.run o JOIN temp.merge_run a ON a.uid = o.uid JOIN other.environment oe ON oe.id = "
    "o.environment_id"
    " JOIN main.environment e ON e.hash = oe.hash ORDER BY o.id",
    "INSERT INTO main.run_model(run_id, position, model_id) SELECT r.id, orm.position, m.id FROM "
    "other.run_model orm"
    " JOIN other.run o ON o.id = orm.run_id JOIN temp.merge_run a ON a.uid = o.uid JOIN main.run r ON r.uid "
    "= o.uid"
    " JOIN other.model om ON om.id = orm.model_id JOIN main.model m ON m.hash = om.hash AND m.name = om.name",
    "INSERT INTO main.cell(run_id, position, settings, status, message) SELECT r.id, oc.position, "
    "oc.settings, oc.status,"
    " oc.message FROM other.cell oc JOIN other.run o ON o.id = oc.run_id JOIN temp.merge_run a ON a.uid = "
    "o.uid"
    " JOIN main.run r ON r.uid = o.uid ORDER BY oc.run_id, oc.position",
    "INSERT INTO main.sample(cell_id, metric, position, value, outlier) SELECT c.id, os.metric, os.position, "
    "os.value,"
    " os.outlier FROM other.sample os JOIN other.cell oc ON oc.id = os.cell_id JOIN other.run o ON o.id = "
    "oc.run_id"
    " JOIN temp.merge_run a ON a.uid = o.uid JOIN main.run r ON r.uid = o.uid"
    " JOIN main.cell c ON c.run_id = r.id AND c.position = oc.position",
    "INSERT INTO main.metric(run_id, cell_id, name, value, unit, low, high) SELECT r.id, c.id, om.name, "
    "om.value, om.unit,"
    " om.low, om.high FROM other.metric om JOIN other.run o ON o.id = om.run_id JOIN temp.merge_run a ON "
    "a.uid = o.uid"
    " JOIN main.run r ON r.uid = o.uid LEFT JOIN other.cell oc ON oc.id = om.cell_id"
    " LEFT JOIN main.cell c ON c.run_id = r.id AND c.position = oc.position ORDER BY om.id",
    // Tags also of runs that were here already.
    "INSERT OR IGNORE INTO main.tag(run_id, name) SELECT r.id, ot.name FROM other.tag ot"
    " JOIN other.run o ON o.id = ot.run_id JOIN main.run r ON r.uid = o.uid",
    "INSERT OR IGNORE INTO main.machine_value SELECT machine, name, value, unit, measured FROM "
    "other.machine_value",
};

constexpr const char* copyNotes =
    "INSERT INTO main.note(uid, run_id, markdown, created, changed) SELECT n.uid, r.id, n.markdown, "
    "n.created, n.changed"
    " FROM other.note n LEFT JOIN other.run o ON o.id = n.run_id LEFT JOIN main.run r ON r.uid = o.uid"
    " WHERE n.uid NOT IN (SELECT uid FROM main.note) ORDER BY n.id";
constexpr const char* copyFigures =
    "INSERT OR IGNORE INTO main.figure(uid, run_id, name, kind, title, caption, created, content)"
    " SELECT f.uid, r.id, f.name, f.kind, f.title, f.caption, f.created, f.content FROM other.figure f"
    " LEFT JOIN other.run o ON o.id = f.run_id LEFT JOIN main.run r ON r.uid = o.uid"
    " WHERE f.uid NOT IN (SELECT uid FROM main.figure) ORDER BY f.id";
constexpr const char* copyReports =
    "INSERT INTO main.report(name, title, content, created, changed)"
    " SELECT CASE WHEN EXISTS (SELECT 1 FROM main.report m WHERE m.name = p.name) THEN p.name || ' (merged ' "
    "||"
    "  p.changed || ')' ELSE p.name END, p.title, p.content, p.created, p.changed FROM other.report p"
    " WHERE NOT EXISTS (SELECT 1 FROM main.report m WHERE m.content = p.content AND m.title = p.title)"
    " ON CONFLICT(name) DO NOTHING";

} // namespace

MergeResult Workspace::merge(const std::filesystem::path& other) {
    std::error_code failure;
    if (std::filesystem::equivalent(other, path(), failure))
        throw UsageError(
            fmt::format("{} is this workspace itself; name another one to merge from.", other.string()));
    {
        const Connection check(other, true); // exists, is a workspace, of this format; its sentences name it
    }
    const Connection& connection = m_state->connection;
    connection.read([&](SQLite::Database& database) {
        SQLite::Statement attach(database, "ATTACH DATABASE ? AS other");
        attach.bind(1, fileUri(other, "mode=ro"));
        attach.exec();
    });
    const auto detach = [&]() noexcept {
        connection.database().tryExec("DROP TABLE IF EXISTS temp.merge_run");
        connection.database().tryExec("DETACH DATABASE other");
    };
    try {
        const MergeResult result = connection.write([&](SQLite::Database& database) {
            MergeResult merged;
            database.exec("CREATE TEMP TABLE merge_run AS SELECT uid FROM other.run"
                          " WHERE uid NOT IN (SELECT uid FROM main.run)");
            merged.added = database.execAndGet("SELECT count(*) FROM temp.merge_run").getInt();
            merged.present = database.execAndGet("SELECT count(*) FROM other.run").getInt() - merged.added;
            for (const char* copy : copies)
                database.exec(copy);
            merged.notes = database.exec(copyNotes);
            merged.figures = database.exec(copyFigures);
            merged.reports = database.exec(copyReports);
            return merged;
        });
        detach();
        return result;
    } catch (...) {
        detach();
        throw;
    }
}

} // namespace orrery::store
