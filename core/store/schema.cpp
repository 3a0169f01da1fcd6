// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/schema.h"

namespace orrery::store {
namespace {

// Runs, grids, samples: what measuring needs. Times are ISO 8601 in UTC (text) or seconds since 1970 (real).
constexpr std::string_view version1 = R"sql(
CREATE TABLE environment(
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL
) STRICT;

CREATE TABLE model(
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL,
    name TEXT NOT NULL,
    path TEXT NOT NULL,
    family TEXT NOT NULL,
    UNIQUE(hash, name)
) STRICT;

-- AUTOINCREMENT: the number of a deleted run never comes to stand for another one.
CREATE TABLE run(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL UNIQUE,
    job TEXT NOT NULL,
    title TEXT NOT NULL,
    status TEXT NOT NULL CHECK(status IN ('running', 'done', 'failed', 'cancelled', 'interrupted')),
    created TEXT NOT NULL,
    duration REAL NOT NULL DEFAULT 0,
    session_started REAL NOT NULL,
    touched REAL NOT NULL,
    options TEXT NOT NULL,
    provenance TEXT NOT NULL,
    command_line TEXT NOT NULL,
    environment_id INTEGER NOT NULL REFERENCES environment(id),
    machine TEXT NOT NULL,
    message TEXT NOT NULL DEFAULT '',
    owner TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX run_created ON run(created, id);
CREATE INDEX run_job ON run(job, created, id);
CREATE INDEX run_status ON run(status, created, id);
CREATE INDEX run_title ON run(title, id);
CREATE INDEX run_duration ON run(duration, id);
CREATE INDEX run_environment ON run(environment_id);

CREATE TABLE run_model(
    run_id INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    model_id INTEGER NOT NULL REFERENCES model(id),
    PRIMARY KEY(run_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_model_model ON run_model(model_id);

CREATE TABLE cell(
    id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    settings TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending' CHECK(status IN ('pending', 'done', 'failed')),
    message TEXT NOT NULL DEFAULT '',
    UNIQUE(run_id, position),
    UNIQUE(run_id, settings)
) STRICT;
CREATE INDEX cell_status ON cell(run_id, status);

-- Never deleted one by one: outliers are marked.
CREATE TABLE sample(
    cell_id INTEGER NOT NULL REFERENCES cell(id) ON DELETE CASCADE,
    metric TEXT NOT NULL,
    position INTEGER NOT NULL,
    value REAL NOT NULL,
    outlier INTEGER NOT NULL DEFAULT 0 CHECK(outlier IN (0, 1)),
    PRIMARY KEY(cell_id, metric, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE metric(
    id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
    cell_id INTEGER REFERENCES cell(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value REAL NOT NULL,
    unit TEXT NOT NULL DEFAULT '',
    low REAL,
    high REAL
) STRICT;
CREATE UNIQUE INDEX metric_name ON metric(run_id, ifnull(cell_id, 0), name);
CREATE INDEX metric_cell ON metric(cell_id);

CREATE TABLE figure(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL UNIQUE,
    run_id INTEGER REFERENCES run(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    caption TEXT NOT NULL,
    created TEXT NOT NULL,
    content TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX figure_name ON figure(ifnull(run_id, 0), name);
CREATE INDEX figure_run ON figure(run_id);

CREATE TABLE note(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL UNIQUE,
    run_id INTEGER REFERENCES run(id) ON DELETE CASCADE,
    markdown TEXT NOT NULL,
    created TEXT NOT NULL,
    changed TEXT NOT NULL
) STRICT;
CREATE INDEX note_run ON note(run_id);

CREATE TABLE tag(
    run_id INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    PRIMARY KEY(run_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX tag_name ON tag(name);
)sql";

// Documents of the report panel; measured ceilings of machines.
constexpr std::string_view version2 = R"sql(
CREATE TABLE report(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    content TEXT NOT NULL,
    created TEXT NOT NULL,
    changed TEXT NOT NULL
) STRICT;

CREATE TABLE machine_value(
    machine TEXT NOT NULL,
    name TEXT NOT NULL,
    value REAL NOT NULL,
    unit TEXT NOT NULL,
    measured TEXT NOT NULL,
    PRIMARY KEY(machine, name)
) STRICT, WITHOUT ROWID;
)sql";

} // namespace

const std::vector<std::string_view>& migrations() {
    static const std::vector<std::string_view> all{version1, version2};
    return all;
}

} // namespace orrery::store
