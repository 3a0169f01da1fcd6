// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/json.h"
#include "figure/provenance.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::store {

using RunId = std::int64_t;
using CellId = std::int64_t;
using FigureId = std::int64_t;
using NoteId = std::int64_t;
using ReportId = std::int64_t;

/// Interrupted: its process ended without saying so (a crash, kill -9, power); it can be resumed.
enum class RunStatus { Running, Done, Failed, Cancelled, Interrupted };
[[nodiscard]] std::string_view name(RunStatus status); ///< "running", "done", ...
[[nodiscard]] std::optional<RunStatus> runStatusFromName(std::string_view name);

/// A checkpoint as the workspace remembers it; identified by its hash.
struct ModelRecord {
    std::string name{};   ///< of its folder
    std::string hash{};   ///< fingerprint
    std::string path{};   ///< where it was last seen
    std::string family{}; ///< "bert"
};

/// What beginRun() is told.
struct NewRun {
    std::string job{};   ///< "bench", "analyze", "task", ...
    std::string title{}; ///< one line for lists
    OrderedJson options = OrderedJson::object();
    figure::Provenance provenance{};
    std::string commandLine{}; ///< that makes it again
    OrderedJson environment =
        OrderedJson::object(); ///< see measure/machine.h; stored once per distinct content
    std::string machine{};     ///< key of the machine, see measure/machine.h
    std::vector<ModelRecord> models{};
};

/// A run as lists show it.
struct RunSummary {
    RunId id = 0;
    std::string uid{}; ///< the same in every workspace that the run is merged into
    std::string job{};
    std::string title{};
    RunStatus status = RunStatus::Running;
    std::string created{}; ///< ISO 8601, UTC
    double duration = 0;   ///< seconds; so far when it runs
    std::string model{};   ///< names, joined by ", "
    std::int64_t cells = 0;
    std::int64_t cellsDone = 0;
    std::int64_t figures = 0;
    std::int64_t notes = 0;
    std::vector<std::string> tags{};
};

/// A run with its record.
struct Run : RunSummary {
    OrderedJson options = OrderedJson::object();
    figure::Provenance provenance{};
    std::string commandLine{};
    OrderedJson environment = OrderedJson::object();
    std::string machine{};
    std::vector<ModelRecord> models{};
    std::string message{}; ///< why it failed
};

enum class CellStatus { Pending, Done, Failed };
[[nodiscard]] std::string_view name(CellStatus status);

/// One point of a grid: what is measured under one choice of settings.
struct Cell {
    CellId id = 0;
    RunId run = 0;
    std::int64_t position = 0; ///< in the plan
    OrderedJson settings = OrderedJson::object();
    CellStatus status = CellStatus::Pending;
    std::string message{}; ///< why it failed
};

/// One measured value. Samples are never deleted; outliers are marked.
struct Sample {
    std::string metric{}; ///< "seconds"
    std::int64_t position = 0;
    double value = 0;
    bool outlier = false;
};

/// A number derived from samples or counted, with its interval where it has one.
struct Metric {
    std::string name{};
    double value = 0;
    std::string unit{};
    std::optional<double> low{};
    std::optional<double> high{};
    std::optional<CellId> cell{}; ///< nothing: of the run as a whole
};

struct Note {
    NoteId id = 0;
    std::optional<RunId> run{}; ///< nothing: of the workspace
    std::string markdown{};
    std::string created{};
    std::string changed{};
};

/// A figure without its numbers, for lists.
struct FigureSummary {
    FigureId id = 0;
    std::optional<RunId> run{};
    std::string name{}; ///< figure::Figure::id
    std::string kind{}; ///< figure::kindName
    std::string title{};
    std::string caption{};
    std::string created{};
};

/// A report document: the text of the report room's own form (JSON or Markdown).
struct ReportDocument {
    ReportId id = 0;
    std::string name{}; ///< unique in the workspace
    std::string title{};
    std::string content{};
    std::string created{};
    std::string changed{};
};

enum class RunSort { Newest, Oldest, Title, Duration };

/// Empty fields ask for nothing.
struct RunFilter {
    std::string job{};
    std::optional<RunStatus> status{};
    std::string model{}; ///< name
    std::string tag{};
    std::string text{};          ///< in title, options, model, tags or notes, ignoring case (ASCII)
    std::string createdAfter{};  ///< ISO 8601, inclusive
    std::string createdBefore{}; ///< exclusive
};

struct SearchHit {
    enum class Kind { Run, Note, Figure, Report };
    Kind kind = Kind::Run;
    std::int64_t id = 0;
    std::optional<RunId> run{};
    std::string title{};
    std::string excerpt{}; ///< around the first occurrence
};

struct MergeResult {
    int added = 0;   ///< runs
    int present = 0; ///< runs that were here already; their new notes and tags are taken over
    int notes = 0;
    int figures = 0;
    int reports = 0;
};

} // namespace orrery::store
