// SPDX-License-Identifier: GPL-3.0-or-later
// The grid of a run: cells, samples, metrics.
#include "store/workspace_state.h"

namespace orrery::store {
namespace {

RunId runOfCell(SQLite::Database& database, CellId cell) {
    SQLite::Statement query(database, "SELECT run_id FROM cell WHERE id = ?");
    query.bind(1, cell);
    if (!query.executeStep())
        throw UsageError(fmt::format("There is no cell {}; was its run deleted?", cell));
    return query.getColumn(0).getInt64();
}

CellId insertCell(SQLite::Database& database, RunId run, const OrderedJson& settings) {
    const std::string text = toStored(settings);
    SQLite::Statement insert(database,
                             "INSERT INTO cell(run_id, position, settings) VALUES(?1,"
                             " (SELECT ifnull(max(position) + 1, 0) FROM cell WHERE run_id = ?1), ?2)"
                             " ON CONFLICT(run_id, settings) DO NOTHING");
    insert.bind(1, run);
    insert.bind(2, text);
    if (insert.exec() > 0)
        return database.getLastInsertRowid();
    SQLite::Statement existing(database, "SELECT id FROM cell WHERE run_id = ? AND settings = ?");
    existing.bind(1, run);
    existing.bind(2, text);
    existing.executeStep();
    return existing.getColumn(0).getInt64();
}

std::vector<Cell> readCells(SQLite::Database& database, RunId run, const char* condition) {
    SQLite::Statement query(database, fmt::format("SELECT id, position, settings, status, message FROM cell"
                                                  " WHERE run_id = ? {} ORDER BY position",
                                                  condition));
    query.bind(1, run);
    std::vector<Cell> cells;
    while (query.executeStep()) {
        Cell cell;
        cell.id = query.getColumn(0).getInt64();
        cell.run = run;
        cell.position = query.getColumn(1).getInt64();
        cell.settings = storedJson(query.getColumn(2), fmt::format("the settings of a cell of run {}", run));
        const std::string status = query.getColumn(3).getString();
        cell.status = status == "done"     ? CellStatus::Done
                      : status == "failed" ? CellStatus::Failed
                                           : CellStatus::Pending;
        cell.message = query.getColumn(4).getString();
        cells.push_back(std::move(cell));
    }
    return cells;
}

void writeMetrics(SQLite::Database& database, RunId run, std::span<const Metric> metrics) {
    SQLite::Statement insert(
        database,
        "INSERT INTO metric(run_id, cell_id, name, value, unit, low, high) VALUES(?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT(run_id, ifnull(cell_id, 0), name) DO UPDATE SET value = excluded.value,"
        " unit = excluded.unit, low = excluded.low, high = excluded.high");
    const auto bindOptional = [&](int index, const std::optional<double>& value, const std::string& metric) {
        if (!value) {
            insert.bind(index);
            return;
        }
        requireFinite(*value, "An end of the interval of " + metric);
        insert.bind(index, *value);
    };
    for (const Metric& metric : metrics) {
        requireFinite(metric.value, "The metric " + metric.name);
        insert.bind(1, run);
        if (metric.cell)
            insert.bind(2, *metric.cell);
        else
            insert.bind(2);
        insert.bind(3, metric.name);
        insert.bind(4, metric.value);
        insert.bind(5, metric.unit);
        bindOptional(6, metric.low, metric.name);
        bindOptional(7, metric.high, metric.name);
        insert.exec();
        insert.reset();
    }
}

} // namespace

std::vector<CellId> Workspace::planCells(RunId run, std::span<const OrderedJson> settings) {
    return m_state->connection.write([&](SQLite::Database& database) {
        requireRun(database, run, path());
        std::vector<CellId> ids;
        ids.reserve(settings.size());
        for (const OrderedJson& one : settings)
            ids.push_back(insertCell(database, run, one));
        touchRun(database, run);
        return ids;
    });
}

CellId Workspace::addCell(RunId run, const OrderedJson& settings) {
    return planCells(run, {&settings, 1}).front();
}

std::vector<Cell> Workspace::cells(RunId run) const {
    return m_state->connection.read([&](SQLite::Database& database) { return readCells(database, run, ""); });
}

std::vector<Cell> Workspace::pendingCells(RunId run) const {
    return m_state->connection.read(
        [&](SQLite::Database& database) { return readCells(database, run, "AND status != 'done'"); });
}

void Workspace::addSamples(CellId cell, const std::string& metric, std::span<const double> values) {
    for (const double value : values)
        requireFinite(value, "A sample of " + metric);
    m_state->connection.write([&](SQLite::Database& database) {
        const RunId run = runOfCell(database, cell);
        SQLite::Statement next(
            database, "SELECT ifnull(max(position) + 1, 0) FROM sample WHERE cell_id = ? AND metric = ?");
        next.bind(1, cell);
        next.bind(2, metric);
        next.executeStep();
        std::int64_t position = next.getColumn(0).getInt64();
        next.reset();
        SQLite::Statement insert(database,
                                 "INSERT INTO sample(cell_id, metric, position, value) VALUES(?, ?, ?, ?)");
        for (const double value : values) {
            insert.bind(1, cell);
            insert.bind(2, metric);
            insert.bind(3, position++);
            insert.bind(4, value);
            insert.exec();
            insert.reset();
        }
        touchRun(database, run);
    });
}

void Workspace::markOutliers(CellId cell, const std::string& metric,
                             std::span<const std::int64_t> positions) {
    m_state->connection.write([&](SQLite::Database& database) {
        SQLite::Statement clear(
            database, "UPDATE sample SET outlier = 0 WHERE cell_id = ? AND metric = ? AND outlier != 0");
        clear.bind(1, cell);
        clear.bind(2, metric);
        clear.exec();
        SQLite::Statement mark(
            database, "UPDATE sample SET outlier = 1 WHERE cell_id = ? AND metric = ? AND position = ?");
        for (const std::int64_t position : positions) {
            mark.bind(1, cell);
            mark.bind(2, metric);
            mark.bind(3, position);
            if (mark.exec() == 0)
                throw UsageError(
                    fmt::format("Cell {} has no sample {} of {} to mark.", cell, position, metric));
            mark.reset();
        }
    });
}

std::vector<Sample> Workspace::samples(CellId cell, const std::string& metric) const {
    return m_state->connection.read([&](SQLite::Database& database) {
        SQLite::Statement query(database,
                                "SELECT metric, position, value, outlier FROM sample WHERE cell_id = ?1"
                                " AND (?2 = '' OR metric = ?2) ORDER BY metric, position");
        query.bind(1, cell);
        query.bind(2, metric);
        std::vector<Sample> samples;
        while (query.executeStep())
            samples.push_back({query.getColumn(0).getString(), query.getColumn(1).getInt64(),
                               query.getColumn(2).getDouble(), query.getColumn(3).getInt() != 0});
        return samples;
    });
}

std::vector<double> Workspace::sampleValues(CellId cell, const std::string& metric) const {
    std::vector<double> values;
    for (const Sample& sample : samples(cell, metric))
        values.push_back(sample.value);
    return values;
}

void Workspace::finishCell(CellId cell, CellStatus status, std::span<const Metric> metrics,
                           const std::string& message) {
    m_state->connection.write([&](SQLite::Database& database) {
        const RunId run = runOfCell(database, cell);
        SQLite::Statement end(database, "UPDATE cell SET status = ?, message = ? WHERE id = ?");
        end.bind(1, std::string(name(status)));
        end.bind(2, message);
        end.bind(3, cell);
        end.exec();
        std::vector<Metric> own(metrics.begin(), metrics.end());
        for (Metric& metric : own)
            metric.cell = cell;
        writeMetrics(database, run, own);
        touchRun(database, run);
    });
}

void Workspace::setMetrics(RunId run, std::span<const Metric> metrics) {
    m_state->connection.write([&](SQLite::Database& database) {
        requireRun(database, run, path());
        writeMetrics(database, run, metrics);
    });
}

std::vector<Metric> Workspace::metrics(RunId run) const {
    return m_state->connection.read([&](SQLite::Database& database) {
        SQLite::Statement query(
            database,
            "SELECT name, value, unit, low, high, cell_id FROM metric WHERE run_id = ? ORDER BY id");
        query.bind(1, run);
        std::vector<Metric> metrics;
        while (query.executeStep()) {
            Metric metric{query.getColumn(0).getString(), query.getColumn(1).getDouble(),
                          query.getColumn(2).getString()};
            if (!query.getColumn(3).isNull())
                metric.low = query.getColumn(3).getDouble();
            if (!query.getColumn(4).isNull())
                metric.high = query.getColumn(4).getDouble();
            if (!query.getColumn(5).isNull())
                metric.cell = query.getColumn(5).getInt64();
            metrics.push_back(std::move(metric));
        }
        return metrics;
    });
}

} // namespace orrery::store
