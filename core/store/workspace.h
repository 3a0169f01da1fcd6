// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/figure.h"
#include "store/records.h"

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::store {

/// $XDG_DATA_HOME/orrery/workspace.orrery, or ~/.local/share/orrery/workspace.orrery.
[[nodiscard]] std::filesystem::path defaultWorkspacePath();

/// What a user will want again: one SQLite file (write-ahead log, foreign keys, STRICT tables).
///
/// Threads: one Workspace object belongs to one thread; open another one on the same file elsewhere. Several
/// processes may share the file: writers wait for one another up to five seconds. Every member that writes is
/// one transaction: after kill -9 or a power cut the file holds all of it or nothing of it.
///
/// Errors are sentences with a remedy: InputError (not a database, made by a newer Orrery, damaged), Error
/// (read-only, disk full, locked for too long).
class Workspace {
public:
    /// ReadOnly never writes: nothing is migrated, no interrupted run is noticed.
    enum class Access { ReadWrite, ReadOnly };

    /// Opens a workspace; in ReadWrite it is created, with its folders, when missing, older files are
    /// migrated, and runs whose process is gone become Interrupted.
    explicit Workspace(const std::filesystem::path& file, Access access = Access::ReadWrite);
    ~Workspace();
    Workspace(Workspace&&) noexcept;
    Workspace& operator=(Workspace&&) noexcept;

    [[nodiscard]] const std::filesystem::path& path() const;
    /// Raised by every change that another connection has made; for views that refresh.
    [[nodiscard]] std::int64_t changeCounter() const;

    // Runs.
    RunId beginRun(const NewRun& run);
    /// Takes up a run that is not running: status Running, owned by this process. UsageError when it is
    /// running.
    void resumeRun(RunId run);
    /// Ends a run; the duration of all its sessions is summed. Pending cells stay pending.
    void finishRun(RunId run, RunStatus status, const std::string& message = {});
    void setTitle(RunId run, const std::string& title);
    [[nodiscard]] std::vector<RunSummary> listRuns(const RunFilter& filter = {},
                                                   RunSort sort = RunSort::Newest, std::int64_t limit = 200,
                                                   std::int64_t offset = 0) const;
    [[nodiscard]] std::int64_t countRuns(const RunFilter& filter = {}) const;
    /// UsageError when there is none.
    [[nodiscard]] Run run(RunId id) const;
    /// "17", a prefix of a uid of 6 letters or more, "last"; UsageError when it names none or several.
    [[nodiscard]] RunId resolveRun(std::string_view text) const;
    void deleteRun(RunId id); ///< with its cells, samples, metrics, figures, notes and tags

    // The grid. Cells that are not yet Done are what a resumed run measures.
    /// Adds the cells of a plan, in order; settings equal to those of an existing cell of the run are not
    /// added again.
    std::vector<CellId> planCells(RunId run, std::span<const OrderedJson> settings);
    CellId addCell(RunId run, const OrderedJson& settings);
    [[nodiscard]] std::vector<Cell> cells(RunId run) const;
    [[nodiscard]] std::vector<Cell> pendingCells(RunId run) const;
    /// Appends samples of one metric in order.
    void addSamples(CellId cell, const std::string& metric, std::span<const double> values);
    /// Marks exactly these positions of a metric's samples as outliers.
    void markOutliers(CellId cell, const std::string& metric, std::span<const std::int64_t> positions);
    /// In order; an empty metric gives all of them.
    [[nodiscard]] std::vector<Sample> samples(CellId cell, const std::string& metric = "seconds") const;
    [[nodiscard]] std::vector<double> sampleValues(CellId cell, const std::string& metric = "seconds") const;
    /// Ends a cell, with the metrics derived from it, in one transaction.
    void finishCell(CellId cell, CellStatus status, std::span<const Metric> metrics = {},
                    const std::string& message = {});

    // Metrics. A metric of the same name and cell is replaced.
    void setMetrics(RunId run, std::span<const Metric> metrics);
    [[nodiscard]] std::vector<Metric> metrics(RunId run) const;

    // Figures.
    /// run 0: a figure of the workspace itself. Replaces a figure of the same run and figure.id.
    FigureId addFigure(RunId run, const figure::Figure& figure);
    [[nodiscard]] std::vector<FigureSummary> figures(RunId run) const;
    [[nodiscard]] std::vector<FigureSummary> allFigures(std::int64_t limit = 1000) const; ///< newest first
    [[nodiscard]] figure::Figure figure(FigureId id) const;
    void deleteFigure(FigureId id);

    // Notes and tags. run 0: of the workspace.
    NoteId addNote(RunId run, const std::string& markdown);
    void changeNote(NoteId note, const std::string& markdown);
    void deleteNote(NoteId note);
    [[nodiscard]] std::vector<Note> notes(RunId run) const;
    void addTag(RunId run, const std::string& tag);
    void removeTag(RunId run, const std::string& tag);
    [[nodiscard]] std::vector<std::pair<std::string, std::int64_t>> tags() const; ///< with the number of runs

    // Reports.
    /// Creates or replaces the document of that name.
    ReportId saveReport(const std::string& name, const std::string& title, const std::string& content);
    [[nodiscard]] std::vector<ReportDocument> reports() const; ///< without content, last changed first
    [[nodiscard]] ReportDocument report(const std::string& name) const;
    void deleteReport(const std::string& name);

    // Numbers that belong to a machine, not to a run (measured ceilings).
    void setMachineValue(const std::string& machine, const std::string& name, double value,
                         const std::string& unit);
    [[nodiscard]] std::optional<double> machineValue(const std::string& machine,
                                                     const std::string& name) const;

    // The whole.
    [[nodiscard]] std::vector<SearchHit> search(const std::string& text, std::int64_t limit = 100) const;
    /// Takes over everything of another workspace that is not here yet. The other file is only read.
    MergeResult merge(const std::filesystem::path& other);
    /// Problems found by SQLite's integrity and foreign key checks; empty when sound.
    [[nodiscard]] std::vector<std::string> integrityCheck() const;
    /// Marks runs whose process is gone as Interrupted; their number. Called by opening.
    int noticeInterruptedRuns();

private:
    struct State;
    std::unique_ptr<State> m_state;
};

} // namespace orrery::store
