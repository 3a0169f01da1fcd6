// SPDX-License-Identifier: GPL-3.0-or-later
#include "models/run_table.h"

#include "models/job_model.h"
#include "shell/icons.h"
#include "shell/theme.h"
#include "shell/workspace_access.h"

#include <QDateTime>
#include <QLocale>

namespace orrery::ui {

namespace {

constexpr std::int64_t mostRuns = 2000;

QString toText(const std::string& text) {
    return QString::fromStdString(text);
}

QString statusText(store::RunStatus status) {
    switch (status) {
    case store::RunStatus::Running:
        return RunTable::tr("running");
    case store::RunStatus::Done:
        return RunTable::tr("done");
    case store::RunStatus::Failed:
        return RunTable::tr("failed");
    case store::RunStatus::Cancelled:
        return RunTable::tr("cancelled");
    case store::RunStatus::Interrupted:
        return RunTable::tr("interrupted");
    }
    return {};
}

QString statusIcon(store::RunStatus status) {
    switch (status) {
    case store::RunStatus::Running:
        return QStringLiteral("run");
    case store::RunStatus::Done:
        return QStringLiteral("ok");
    case store::RunStatus::Failed:
        return QStringLiteral("error");
    case store::RunStatus::Cancelled:
        return QStringLiteral("cancelled");
    case store::RunStatus::Interrupted:
        return QStringLiteral("warning");
    }
    return {};
}

} // namespace

RunTable::RunTable(WorkspaceAccess& workspace, QString job, QObject* parent)
    : QAbstractTableModel(parent), m_workspace(workspace), m_job(std::move(job)) {
    connect(&workspace, &WorkspaceAccess::changed, this, &RunTable::refresh);
}

void RunTable::refresh() {
    m_workspace.ask(
        QStringLiteral("workspace/runs/") + m_job, this,
        [job = m_job.toStdString()](store::Workspace& workspace) {
            store::RunFilter filter;
            filter.job = job;
            return workspace.listRuns(filter, store::RunSort::Newest, mostRuns);
        },
        [this](std::vector<store::RunSummary> runs) {
            // Keep what is selected: rows change in place unless runs came or went.
            const bool same = runs.size() == m_runs.size() &&
                              std::equal(runs.begin(), runs.end(), m_runs.begin(),
                                         [](const auto& a, const auto& b) { return a.id == b.id; });
            if (same) {
                m_runs = std::move(runs);
                if (!m_runs.empty())
                    emit dataChanged(index(0, 0), index(rowCount() - 1, columns - 1));
            } else {
                beginResetModel();
                m_runs = std::move(runs);
                endResetModel();
            }
            emit refreshed();
        });
}

const store::RunSummary* RunTable::run(const QModelIndex& index) const {
    const auto row = static_cast<std::size_t>(index.row());
    return index.isValid() && row < m_runs.size() ? &m_runs[row] : nullptr;
}

QModelIndex RunTable::indexOf(qint64 run) const {
    for (std::size_t i = 0; i < m_runs.size(); ++i)
        if (m_runs[i].id == run)
            return index(static_cast<int>(i), 0);
    return {};
}

int RunTable::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_runs.size());
}

int RunTable::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(columns);
}

QVariant RunTable::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole)
        return {};
    switch (section) {
    case Id:
        return tr("No.");
    case Title:
        return tr("Run");
    case Job:
        return tr("Job");
    case Model:
        return tr("Model");
    case Status:
        return tr("Status");
    case Created:
        return tr("When");
    case Duration:
        return tr("Took");
    case Cells:
        return tr("Points");
    case Figures:
        return tr("Figures");
    case Notes:
        return tr("Notes");
    default:
        return {};
    }
}

QVariant RunTable::data(const QModelIndex& index, int role) const {
    const store::RunSummary* held = run(index);
    if (held == nullptr)
        return {};
    const QDateTime created = QDateTime::fromString(toText(held->created), Qt::ISODate).toLocalTime();
    if (role == runRole)
        return static_cast<qint64>(held->id);
    if (role == Qt::DecorationRole && index.column() == Title)
        return icon(statusIcon(held->status));
    if (role == Qt::TextAlignmentRole && (index.column() == Id || index.column() >= Duration))
        return QVariant(Qt::AlignRight | Qt::AlignVCenter);
    if (role == Qt::ForegroundRole && index.column() == Status &&
        (held->status == store::RunStatus::Failed || held->status == store::RunStatus::Interrupted))
        return Theme::colours().bad;
    if (role == Qt::ToolTipRole)
        return toText(held->title);
    const bool sorting = role == sortRole;
    if (role != Qt::DisplayRole && !sorting)
        return {};
    switch (index.column()) {
    case Id:
        return static_cast<qint64>(held->id);
    case Title:
        return toText(held->title);
    case Job:
        return toText(held->job);
    case Model:
        return toText(held->model);
    case Status:
        return statusText(held->status);
    case Created:
        return sorting ? QVariant(created) : QVariant(QLocale().toString(created, QLocale::ShortFormat));
    case Duration:
        return sorting ? QVariant(held->duration) : QVariant(durationText(held->duration));
    case Cells:
        if (sorting)
            return static_cast<qint64>(held->cells);
        return held->cells == 0 ? QString()
                                : (held->cellsDone == held->cells
                                       ? QString::number(held->cells)
                                       : QStringLiteral("%1 / %2").arg(held->cellsDone).arg(held->cells));
    case Figures:
        return held->figures == 0 && !sorting ? QVariant() : QVariant(static_cast<qint64>(held->figures));
    case Notes:
        return held->notes == 0 && !sorting ? QVariant() : QVariant(static_cast<qint64>(held->notes));
    default:
        return {};
    }
}

} // namespace orrery::ui
