// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAbstractTableModel>
#include <QList>

namespace orrery::ui {

class Job;
class JobQueue;

/// The named jobs of a queue, newest first: name, state, progress, rate, remaining time.
class JobModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { Name, State, Done, Rate, Remaining, columns };
    static constexpr int shareRole = Qt::UserRole + 1; ///< 0 to 1, -1 when unknown; of the column Done

    explicit JobModel(JobQueue& queue, QObject* parent = nullptr);
    [[nodiscard]] Job* job(const QModelIndex& index) const;

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    void add(Job* job);
    QList<Job*> m_jobs;
};

/// "3.2 s", "2 min 5 s", "840 ms"
QString durationText(double seconds);

} // namespace orrery::ui
