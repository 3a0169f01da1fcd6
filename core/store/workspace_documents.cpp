// SPDX-License-Identifier: GPL-3.0-or-later
// What people and analyses leave behind: figures, notes, tags, reports.
#include "base/version.h"
#include "figure/serialize.h"
#include "store/workspace_state.h"

namespace orrery::store {
namespace {

void bindRun(SQLite::Statement& statement, int index, RunId run) {
    if (run == 0)
        statement.bind(index);
    else
        statement.bind(index, run);
}

std::vector<FigureSummary> readFigures(SQLite::Statement& query) {
    std::vector<FigureSummary> figures;
    while (query.executeStep()) {
        FigureSummary figure;
        figure.id = query.getColumn(0).getInt64();
        if (!query.getColumn(1).isNull())
            figure.run = query.getColumn(1).getInt64();
        figure.name = query.getColumn(2).getString();
        figure.kind = query.getColumn(3).getString();
        figure.title = query.getColumn(4).getString();
        figure.caption = query.getColumn(5).getString();
        figure.created = query.getColumn(6).getString();
        figures.push_back(std::move(figure));
    }
    return figures;
}

} // namespace

FigureId Workspace::addFigure(RunId run, const figure::Figure& figure) {
    // Made before the lock is taken: a lazy matrix may take a while to compute.
    const OrderedJson json = figure::toJson(figure, figure::MatrixEncoding::Base64);
    const std::string content = toStored(json);
    return m_state->connection.write([&](SQLite::Database& database) {
        if (run != 0)
            requireRun(database, run, path());
        SQLite::Statement insert(
            database, "INSERT INTO figure(uid, run_id, name, kind, title, caption, created, content)"
                      " VALUES(?, ?, ?, ?, ?, ?, ?, ?)"
                      " ON CONFLICT(ifnull(run_id, 0), name) DO UPDATE SET kind = excluded.kind,"
                      " title = excluded.title, caption = excluded.caption, created = excluded.created,"
                      " content = excluded.content RETURNING id");
        insert.bind(1, newUid());
        bindRun(insert, 2, run);
        insert.bind(3, figure.id);
        insert.bind(4, std::string(figure::kindName(figure)));
        insert.bind(5, figure.title);
        insert.bind(6, json["caption"].get<std::string>()); // says so when the figure was pooled
        insert.bind(7, timestamp());
        insert.bind(8, content);
        insert.executeStep();
        const FigureId id = insert.getColumn(0).getInt64();
        while (insert.executeStep()) {
        }
        return id;
    });
}

std::vector<FigureSummary> Workspace::figures(RunId run) const {
    return m_state->connection.read([&](SQLite::Database& database) {
        SQLite::Statement query(database, "SELECT id, run_id, name, kind, title, caption, created FROM figure"
                                          " WHERE ifnull(run_id, 0) = ? ORDER BY id");
        query.bind(1, run);
        return readFigures(query);
    });
}

std::vector<FigureSummary> Workspace::allFigures(std::int64_t limit) const {
    return m_state->connection.read([&](SQLite::Database& database) {
        SQLite::Statement query(database, "SELECT id, run_id, name, kind, title, caption, created FROM figure"
                                          " ORDER BY id DESC LIMIT ?");
        query.bind(1, limit);
        return readFigures(query);
    });
}

figure::Figure Workspace::figure(FigureId id) const {
    return m_state->connection.read([&](SQLite::Database& database) {
        SQLite::Statement query(database, "SELECT content FROM figure WHERE id = ?");
        query.bind(1, id);
        if (!query.executeStep())
            throw UsageError(fmt::format("There is no figure {} in {}.", id, path().string()));
        const std::string where = fmt::format("figure {} of {}", id, path().string());
        return figure::fromJson(parseJson(query.getColumn(0).getString(), where), where);
    });
}

void Workspace::deleteFigure(FigureId id) {
    m_state->connection.write([&](SQLite::Database& database) {
        SQLite::Statement remove(database, "DELETE FROM figure WHERE id = ?");
        remove.bind(1, id);
        if (remove.exec() == 0)
            throw UsageError(fmt::format("There is no figure {} in {}.", id, path().string()));
    });
}

NoteId Workspace::addNote(RunId run, const std::string& markdown) {
    return m_state->connection.write([&](SQLite::Database& database) {
        if (run != 0)
            requireRun(database, run, path());
        SQLite::Statement insert(
            database, "INSERT INTO note(uid, run_id, markdown, created, changed) VALUES(?1, ?2, ?3, ?4, ?4)");
        insert.bind(1, newUid());
        bindRun(insert, 2, run);
        insert.bind(3, markdown);
        insert.bind(4, timestamp());
        insert.exec();
        return database.getLastInsertRowid();
    });
}

void Workspace::changeNote(NoteId note, const std::string& markdown) {
    m_state->connection.write([&](SQLite::Database& database) {
        SQLite::Statement change(database, "UPDATE note SET markdown = ?, changed = ? WHERE id = ?");
        change.bind(1, markdown);
        change.bind(2, timestamp());
        change.bind(3, note);
        if (change.exec() == 0)
            throw UsageError(fmt::format("There is no note {} in {}.", note, path().string()));
    });
}

void Workspace::deleteNote(NoteId note) {
    m_state->connection.write([&](SQLite::Database& database) {
        SQLite::Statement remove(database, "DELETE FROM note WHERE id = ?");
        remove.bind(1, note);
        if (remove.exec() == 0)
            throw UsageError(fmt::format("There is no note {} in {}.", note, path().string()));
    });
}

std::vector<Note> Workspace::notes(RunId run) const {
    return m_state->connection.read([&](SQLite::Database& database) {
        SQLite::Statement query(database, "SELECT id, run_id, markdown, created, changed FROM note"
                                          " WHERE ifnull(run_id, 0) = ? ORDER BY id");
        query.bind(1, run);
        std::vector<Note> notes;
        while (query.executeStep()) {
            Note note;
            note.id = query.getColumn(0).getInt64();
            if (!query.getColumn(1).isNull())
                note.run = query.getColumn(1).getInt64();
            note.markdown = query.getColumn(2).getString();
            note.created = query.getColumn(3).getString();
            note.changed = query.getColumn(4).getString();
            notes.push_back(std::move(note));
        }
        return notes;
    });
}

void Workspace::addTag(RunId run, const std::string& tag) {
    if (tag.empty() || tag.find('\x1f') != std::string::npos)
        throw UsageError("A tag is a word or a few; it cannot be empty or hold control characters.");
    m_state->connection.write([&](SQLite::Database& database) {
        requireRun(database, run, path());
        SQLite::Statement insert(database, "INSERT OR IGNORE INTO tag(run_id, name) VALUES(?, ?)");
        insert.bind(1, run);
        insert.bind(2, tag);
        insert.exec();
    });
}

void Workspace::removeTag(RunId run, const std::string& tag) {
    m_state->connection.write([&](SQLite::Database& database) {
        SQLite::Statement remove(database, "DELETE FROM tag WHERE run_id = ? AND name = ?");
        remove.bind(1, run);
        remove.bind(2, tag);
        remove.exec();
    });
}

std::vector<std::pair<std::string, std::int64_t>> Workspace::tags() const {
    return m_state->connection.read([](SQLite::Database& database) {
        SQLite::Statement query(database, "SELECT name, count(*) FROM tag GROUP BY name ORDER BY name");
        std::vector<std::pair<std::string, std::int64_t>> tags;
        while (query.executeStep())
            tags.emplace_back(query.getColumn(0).getString(), query.getColumn(1).getInt64());
        return tags;
    });
}

ReportId Workspace::saveReport(const std::string& name, const std::string& title,
                               const std::string& content) {
    if (name.empty())
        throw UsageError("A report needs a name.");
    return m_state->connection.write([&](SQLite::Database& database) {
        SQLite::Statement save(database, "INSERT INTO report(name, title, content, created, changed)"
                                         " VALUES(?1, ?2, ?3, ?4, ?4) ON CONFLICT(name) DO UPDATE SET"
                                         " title = excluded.title, content = excluded.content,"
                                         " changed = excluded.changed RETURNING id");
        save.bind(1, name);
        save.bind(2, title);
        save.bind(3, content);
        save.bind(4, timestamp());
        save.executeStep();
        const ReportId id = save.getColumn(0).getInt64();
        while (save.executeStep()) {
        }
        return id;
    });
}

std::vector<ReportDocument> Workspace::reports() const {
    return m_state->connection.read([](SQLite::Database& database) {
        SQLite::Statement query(
            database, "SELECT id, name, title, created, changed FROM report ORDER BY changed DESC, id DESC");
        std::vector<ReportDocument> reports;
        while (query.executeStep())
            reports.push_back({query.getColumn(0).getInt64(), query.getColumn(1).getString(),
                               query.getColumn(2).getString(), "", query.getColumn(3).getString(),
                               query.getColumn(4).getString()});
        return reports;
    });
}

ReportDocument Workspace::report(const std::string& name) const {
    return m_state->connection.read([&](SQLite::Database& database) -> ReportDocument {
        SQLite::Statement query(
            database, "SELECT id, name, title, content, created, changed FROM report WHERE name = ?");
        query.bind(1, name);
        if (!query.executeStep())
            throw UsageError(fmt::format("There is no report '{}' in {}.", name, path().string()));
        return {query.getColumn(0).getInt64(),  query.getColumn(1).getString(),
                query.getColumn(2).getString(), query.getColumn(3).getString(),
                query.getColumn(4).getString(), query.getColumn(5).getString()};
    });
}

void Workspace::deleteReport(const std::string& name) {
    m_state->connection.write([&](SQLite::Database& database) {
        SQLite::Statement remove(database, "DELETE FROM report WHERE name = ?");
        remove.bind(1, name);
        if (remove.exec() == 0)
            throw UsageError(fmt::format("There is no report '{}' in {}.", name, path().string()));
    });
}

} // namespace orrery::store
