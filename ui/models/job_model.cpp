// SPDX-License-Identifier: GPL-3.0-or-later
#include "models/job_model.h"

#include "shell/icons.h"
#include "shell/job_queue.h"
#include "shell/theme.h"

#include <cmath>

namespace orrery::ui {

QString durationText(double seconds) {
    if (seconds < 0)
        return {};
    if (seconds < 1)
        return JobModel::tr("%1 ms").arg(std::lround(seconds * 1000));
    if (seconds < 60)
        return JobModel::tr("%1 s").arg(seconds, 0, 'f', 1);
    const long whole = std::lround(seconds);
    return JobModel::tr("%1 min %2 s").arg(whole / 60).arg(whole % 60);
}

JobModel::JobModel(JobQueue& queue, QObject* parent) : QAbstractTableModel(parent) {
    connect(&queue, &JobQueue::added, this, &JobModel::add);
    connect(&queue, &JobQueue::aboutToRemove, this, [this](const Job* job) {
        for (int row = 0; row < static_cast<int>(m_jobs.size()); ++row) {
            if (m_jobs[row] != job)
                continue;
            beginRemoveRows({}, row, row);
            m_jobs.removeAt(row);
            endRemoveRows();
            return;
        }
    });
    for (Job* job : queue.jobs())
        add(job);
}

void JobModel::add(Job* job) {
    if (job->name().isEmpty())
        return;
    beginInsertRows({}, 0, 0);
    m_jobs.prepend(job);
    endInsertRows();
    connect(job, &Job::changed, this, [this, job] {
        const auto row = static_cast<int>(m_jobs.indexOf(job));
        if (row >= 0)
            emit dataChanged(index(row, 0), index(row, columns - 1));
    });
}

Job* JobModel::job(const QModelIndex& index) const {
    return index.isValid() && index.row() < m_jobs.size() ? m_jobs[index.row()] : nullptr;
}

int JobModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_jobs.size());
}

int JobModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(columns);
}

QVariant JobModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole)
        return {};
    switch (section) {
    case Name:
        return tr("Job");
    case State:
        return tr("State");
    case Done:
        return tr("Progress");
    case Rate:
        return tr("Rate");
    case Remaining:
        return tr("Time");
    default:
        return {};
    }
}

QVariant JobModel::data(const QModelIndex& index, int role) const {
    const Job* held = job(index);
    if (held == nullptr)
        return {};
    const bool running = held->state() == JobState::Running;
    if (role == Qt::ToolTipRole)
        return held->failure().isEmpty() ? held->step() : held->failure();
    if (role == shareRole) {
        if (held->state() == JobState::Done)
            return 1.0;
        return held->total() > 0 ? held->done() / held->total() : -1.0;
    }
    if (role == Qt::ForegroundRole && index.column() == State) {
        switch (held->state()) {
        case JobState::Failed:
            return Theme::colours().bad;
        case JobState::Done:
            return Theme::colours().good;
        case JobState::Running:
            return Theme::colours().accent;
        default:
            return Theme::colours().muted;
        }
    }
    if (role == Qt::DecorationRole && index.column() == Name) {
        switch (held->state()) {
        case JobState::Waiting:
            return icon(QStringLiteral("waiting"));
        case JobState::Running:
            return icon(QStringLiteral("run"));
        case JobState::Done:
            return icon(QStringLiteral("ok"));
        case JobState::Failed:
            return icon(QStringLiteral("error"));
        case JobState::Cancelled:
            return icon(QStringLiteral("cancelled"));
        }
    }
    if (role != Qt::DisplayRole)
        return {};
    switch (index.column()) {
    case Name:
        return held->name();
    case State:
        switch (held->state()) {
        case JobState::Waiting:
            return tr("waiting");
        case JobState::Running:
            return held->step().isEmpty() ? tr("running") : held->step();
        case JobState::Done:
            return tr("done");
        case JobState::Failed:
            return held->failure();
        case JobState::Cancelled:
            return tr("cancelled");
        }
        return {};
    case Done:
        if (!running || held->total() <= 0)
            return {};
        return QStringLiteral("%1 / %2").arg(held->done(), 0, 'g', 6).arg(held->total(), 0, 'g', 6);
    case Rate:
        return running && held->total() > 0 && held->rate() > 0 ? tr("%1/s").arg(held->rate(), 0, 'g', 3)
                                                                : QString();
    case Remaining:
        if (running)
            return held->remaining() >= 0 ? tr("%1 left").arg(durationText(held->remaining()))
                                          : durationText(held->seconds());
        return held->ended() ? durationText(held->seconds()) : QString();
    default:
        return {};
    }
}

} // namespace orrery::ui
