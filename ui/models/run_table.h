// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "store/records.h"

#include <QAbstractTableModel>

#include <vector>

namespace orrery::ui {

class WorkspaceAccess;

/// The runs of the workspace, newest first, kept up to date.
class RunTable : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { Id, Title, Job, Model, Status, Created, Duration, Cells, Figures, Notes, columns };
    static constexpr int sortRole = Qt::UserRole + 1;
    static constexpr int runRole = Qt::UserRole + 2; ///< store::RunId as qint64

    /// job: only runs of this job; empty for all.
    RunTable(WorkspaceAccess& workspace, QString job, QObject* parent = nullptr);
    void refresh();
    [[nodiscard]] const store::RunSummary* run(const QModelIndex& index) const;
    [[nodiscard]] QModelIndex indexOf(qint64 run) const;

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

signals:
    void refreshed();

private:
    WorkspaceAccess& m_workspace;
    QString m_job;
    std::vector<store::RunSummary> m_runs;
};

} // namespace orrery::ui
