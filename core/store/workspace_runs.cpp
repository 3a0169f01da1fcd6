// SPDX-License-Identifier: GPL-3.0-or-later
// Reading runs: lists, filters, one run, search.
#include "store/workspace_state.h"

#include <algorithm>
#include <cctype>
#include <limits>

namespace orrery::store {
namespace {

constexpr const char* summaryColumns =
    "r.id, r.uid, r.job, r.title, r.status, r.created,"
    " r.duration + CASE r.status WHEN 'running' THEN max(?1 - r.session_started, 0) ELSE 0 END,"
    " (SELECT group_concat(m.name, ', ') FROM run_model rm JOIN model m ON m.id = rm.model_id WHERE "
    "rm.run_id = r.id),"
    " (SELECT count(*) FROM cell c WHERE c.run_id = r.id),"
    " (SELECT count(*) FROM cell c WHERE c.run_id = r.id AND c.status = 'done'),"
    " (SELECT count(*) FROM figure f WHERE f.run_id = r.id),"
    " (SELECT count(*) FROM note n WHERE n.run_id = r.id),"
    " (SELECT group_concat(t.name, char(31)) FROM tag t WHERE t.run_id = r.id)";
constexpr int summaryColumnCount = 13;

void readSummary(const SQLite::Statement& row, RunSummary& run) {
    auto& query = const_cast<SQLite::Statement&>(row); // getColumn is not const in SQLiteCpp
    run.id = query.getColumn(0).getInt64();
    run.uid = query.getColumn(1).getString();
    run.job = query.getColumn(2).getString();
    run.title = query.getColumn(3).getString();
    run.status = runStatusFromName(query.getColumn(4).getString()).value_or(RunStatus::Interrupted);
    run.created = query.getColumn(5).getString();
    run.duration = query.getColumn(6).getDouble();
    run.model = query.getColumn(7).getString();
    run.cells = query.getColumn(8).getInt64();
    run.cellsDone = query.getColumn(9).getInt64();
    run.figures = query.getColumn(10).getInt64();
    run.notes = query.getColumn(11).getInt64();
    std::string tags = query.getColumn(12).getString();
    while (!tags.empty()) {
        const auto end = tags.find('\x1f');
        run.tags.push_back(tags.substr(0, end));
        tags.erase(0, end == std::string::npos ? end : end + 1);
    }
}

/// The conditions of a filter, and their values in order from parameter 2 on.
struct Conditions {
    std::string sql;
    std::vector<std::string> values;

    void add(const std::string& condition, const std::string& value) {
        values.push_back(value);
        std::string numbered;
        for (const char c : condition) // '?' may stand several times for one value
            numbered += c == '?' ? fmt::format("?{}", values.size() + 1) : std::string(1, c);
        sql += (sql.empty() ? " WHERE " : " AND ") + numbered;
    }

    explicit Conditions(const RunFilter& filter) {
        if (!filter.job.empty())
            add("r.job = ?", filter.job);
        if (filter.status)
            add("r.status = ?", std::string(name(*filter.status)));
        if (!filter.model.empty())
            add("r.id IN (SELECT rm.run_id FROM run_model rm JOIN model m ON m.id = rm.model_id WHERE m.name "
                "= ?)",
                filter.model);
        if (!filter.tag.empty())
            add("r.id IN (SELECT run_id FROM tag WHERE name = ?)", filter.tag);
        if (!filter.createdAfter.empty())
            add("r.created >= ?", filter.createdAfter);
        if (!filter.createdBefore.empty())
            add("r.created < ?", filter.createdBefore);
        if (!filter.text.empty())
            add("(r.title LIKE ? ESCAPE '\\' OR r.options LIKE ? ESCAPE '\\'"
                " OR EXISTS (SELECT 1 FROM run_model rm JOIN model m ON m.id = rm.model_id"
                "   WHERE rm.run_id = r.id AND m.name LIKE ? ESCAPE '\\')"
                " OR EXISTS (SELECT 1 FROM tag t WHERE t.run_id = r.id AND t.name LIKE ? ESCAPE '\\')"
                " OR EXISTS (SELECT 1 FROM note n WHERE n.run_id = r.id AND n.markdown LIKE ? ESCAPE '\\'))",
                likePattern(filter.text));
    }

    void bindTo(SQLite::Statement& statement) const {
        for (std::size_t i = 0; i < values.size(); ++i)
            statement.bind(static_cast<int>(i) + 2, values[i]);
    }
};

const char* order(RunSort sort) {
    switch (sort) {
    case RunSort::Newest:
        return " ORDER BY r.created DESC, r.id DESC";
    case RunSort::Oldest:
        return " ORDER BY r.created, r.id";
    case RunSort::Title:
        return " ORDER BY r.title, r.id";
    case RunSort::Duration:
        return " ORDER BY r.duration DESC, r.id DESC";
    }
    return "";
}

/// Up to 160 bytes around the first occurrence of wanted, cut at characters; its beginning when it does not
/// occur.
std::string excerpt(const std::string& text, const std::string& wanted) {
    const auto same = [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
    };
    const auto at = std::search(text.begin(), text.end(), wanted.begin(), wanted.end(), same);
    const auto found = at == text.end() ? std::size_t{0} : static_cast<std::size_t>(at - text.begin());
    const auto continues = [&](std::size_t i) {
        return i < text.size() && (static_cast<unsigned char>(text[i]) & 0xc0U) == 0x80U;
    };
    std::size_t begin = found > 60 ? found - 60 : 0;
    while (continues(begin))
        ++begin;
    std::size_t end = std::min(text.size(), begin + 160);
    while (end > begin && continues(end))
        --end;
    std::string cut =
        (begin > 0 ? "…" : "") + text.substr(begin, end - begin) + (end < text.size() ? "…" : "");
    std::replace(cut.begin(), cut.end(), '\n', ' ');
    return cut;
}

} // namespace

std::vector<RunSummary> Workspace::listRuns(const RunFilter& filter, RunSort sort, std::int64_t limit,
                                            std::int64_t offset) const {
    return m_state->connection.read([&](SQLite::Database& database) {
        const Conditions conditions(filter);
        SQLite::Statement query(database,
                                fmt::format("SELECT {} FROM run r{}{} LIMIT {} OFFSET {}", summaryColumns,
                                            conditions.sql, order(sort), limit < 0 ? -1 : limit,
                                            std::max<std::int64_t>(offset, 0)));
        query.bind(1, secondsSinceEpoch());
        conditions.bindTo(query);
        std::vector<RunSummary> runs;
        while (query.executeStep())
            readSummary(query, runs.emplace_back());
        return runs;
    });
}

std::int64_t Workspace::countRuns(const RunFilter& filter) const {
    return m_state->connection.read([&](SQLite::Database& database) {
        const Conditions conditions(filter);
        SQLite::Statement query(database, "SELECT count(*) FROM run r" + conditions.sql);
        conditions.bindTo(query);
        query.executeStep();
        return query.getColumn(0).getInt64();
    });
}

Run Workspace::run(RunId id) const {
    return m_state->connection.read([&](SQLite::Database& database) {
        requireRun(database, id, path());
        SQLite::Statement query(
            database,
            fmt::format("SELECT {}, r.options, r.provenance, r.command_line, e.description, r.machine,"
                        " r.message FROM run r JOIN environment e ON e.id = r.environment_id"
                        " WHERE r.id = ?2",
                        summaryColumns));
        query.bind(1, secondsSinceEpoch());
        query.bind(2, id);
        if (!query.executeStep())
            throw InputError(
                fmt::format("The workspace {} is damaged: run {} has no environment; check it with "
                            "`orrery runs list`.",
                            path().string(), id));
        Run run;
        readSummary(query, run);
        run.options =
            storedJson(query.getColumn(summaryColumnCount), fmt::format("the options of run {}", id));
        const std::string where = fmt::format("the provenance of run {}", id);
        try {
            run.provenance = figure::Provenance::fromJson(
                parseJson(query.getColumn(summaryColumnCount + 1).getString(), where));
        } catch (const Json::exception& failure) {
            throw InputError(fmt::format("{} in {} is broken ({}).", where, path().string(), failure.what()));
        }
        run.commandLine = query.getColumn(summaryColumnCount + 2).getString();
        run.environment =
            storedJson(query.getColumn(summaryColumnCount + 3), fmt::format("the environment of run {}", id));
        run.machine = query.getColumn(summaryColumnCount + 4).getString();
        run.message = query.getColumn(summaryColumnCount + 5).getString();
        SQLite::Statement models(
            database, "SELECT m.name, m.hash, m.path, m.family FROM run_model rm"
                      " JOIN model m ON m.id = rm.model_id WHERE rm.run_id = ? ORDER BY rm.position");
        models.bind(1, id);
        while (models.executeStep())
            run.models.push_back({models.getColumn(0).getString(), models.getColumn(1).getString(),
                                  models.getColumn(2).getString(), models.getColumn(3).getString()});
        return run;
    });
}

std::vector<SearchHit> Workspace::search(const std::string& text, std::int64_t limit) const {
    if (text.empty())
        return {};
    return m_state->connection.read([&](SQLite::Database& database) {
        std::vector<SearchHit> hits;
        const auto collect = [&](SearchHit::Kind kind, const char* sql) {
            SQLite::Statement query(database, sql);
            query.bind(1, likePattern(text));
            query.bind(2, limit < 0
                              ? std::numeric_limits<std::int64_t>::max()
                              : std::max<std::int64_t>(limit - static_cast<std::int64_t>(hits.size()), 0));
            while (query.executeStep()) {
                SearchHit hit;
                hit.kind = kind;
                hit.id = query.getColumn(0).getInt64();
                if (!query.getColumn(1).isNull())
                    hit.run = query.getColumn(1).getInt64();
                hit.title = query.getColumn(2).getString();
                hit.excerpt = excerpt(query.getColumn(3).getString(), text);
                hits.push_back(std::move(hit));
            }
        };
        collect(SearchHit::Kind::Run,
                "SELECT id, id, title, CASE WHEN title LIKE ?1 ESCAPE '\\' THEN title"
                "   WHEN options LIKE ?1 ESCAPE '\\' THEN options WHEN command_line LIKE ?1 ESCAPE '\\' THEN "
                "command_line"
                "   WHEN message LIKE ?1 ESCAPE '\\' THEN message ELSE title END"
                " FROM run r WHERE title LIKE ?1 ESCAPE '\\' OR options LIKE ?1 ESCAPE '\\'"
                "   OR command_line LIKE ?1 ESCAPE '\\' OR message LIKE ?1 ESCAPE '\\'"
                "   OR EXISTS (SELECT 1 FROM run_model rm JOIN model m ON m.id = rm.model_id"
                "              WHERE rm.run_id = r.id AND m.name LIKE ?1 ESCAPE '\\')"
                "   OR EXISTS (SELECT 1 FROM tag t WHERE t.run_id = r.id AND t.name LIKE ?1 ESCAPE '\\')"
                " ORDER BY created DESC, id DESC LIMIT ?2");
        collect(SearchHit::Kind::Note,
                "SELECT n.id, n.run_id, coalesce(r.title, ''), n.markdown FROM note n"
                " LEFT JOIN run r ON r.id = n.run_id WHERE n.markdown LIKE ?1 ESCAPE '\\'"
                " ORDER BY n.changed DESC, n.id DESC LIMIT ?2");
        collect(SearchHit::Kind::Figure,
                "SELECT id, run_id, title, CASE WHEN title LIKE ?1 ESCAPE '\\' THEN title"
                " ELSE caption END FROM figure WHERE title LIKE ?1 ESCAPE '\\'"
                " OR caption LIKE ?1 ESCAPE '\\' ORDER BY id DESC LIMIT ?2");
        collect(SearchHit::Kind::Report,
                "SELECT id, NULL, title, CASE WHEN title LIKE ?1 ESCAPE '\\' THEN title"
                " ELSE content END FROM report WHERE title LIKE ?1 ESCAPE '\\'"
                " OR content LIKE ?1 ESCAPE '\\' ORDER BY changed DESC, id DESC LIMIT ?2");
        return hits;
    });
}

} // namespace orrery::store
