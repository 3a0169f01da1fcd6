// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/progress.h"

#include <QElapsedTimer>
#include <QList>
#include <QObject>
#include <QPointer>
#include <QString>

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

class QTimer;

namespace orrery::ui {

/// Which thread a job waits for. Everything that runs a model shares one thread (the engine owns one OpenMP
/// pool, and a measurement must not share the machine); short errands do not wait behind a long bench.
enum class Lane { Engine, Errand };

enum class JobState { Waiting, Running, Done, Failed, Cancelled };

/// One piece of long work as the window sees it. Lives on the window's thread.
class Job : public QObject {
    Q_OBJECT
public:
    [[nodiscard]] int id() const { return m_id; }
    /// Empty for errands of a moment (a query), which job lists leave out.
    [[nodiscard]] const QString& name() const { return m_name; }
    [[nodiscard]] Lane lane() const { return m_lane; }
    /// Jobs with the same non-empty topic replace each other: the newest cancels those before it.
    [[nodiscard]] const QString& topic() const { return m_topic; }
    [[nodiscard]] JobState state() const { return m_state; }
    [[nodiscard]] bool ended() const { return m_state >= JobState::Done; }
    [[nodiscard]] const QString& step() const { return m_step; }
    [[nodiscard]] double done() const { return m_done; }
    [[nodiscard]] double total() const { return m_total; }             ///< 0: unknown
    [[nodiscard]] double seconds() const;                              ///< running time so far
    [[nodiscard]] double rate() const;                                 ///< units a second, 0: unknown
    [[nodiscard]] double remaining() const;                            ///< seconds, -1: unknown
    [[nodiscard]] const QString& failure() const { return m_failure; } ///< sentence of a failed job
    void cancel();

signals:
    void changed();  ///< state or progress, at most about 20 times a second
    void finished(); ///< once: done, failed or cancelled

private:
    friend class JobQueue;
    Job(int id, QString name, Lane lane, QString topic, QObject* parent);

    int m_id;
    QString m_name;
    Lane m_lane;
    QString m_topic;
    JobState m_state = JobState::Waiting;
    QString m_step;
    QString m_failure;
    double m_done = 0;
    double m_total = 0;
    double m_seconds = 0;
    QElapsedTimer m_clock;
    CancelToken m_token;
};

/// Runs jobs in order on one thread a lane; results arrive on the window's thread.
class JobQueue : public QObject {
    Q_OBJECT
public:
    explicit JobQueue(QObject* parent = nullptr);
    ~JobQueue() override; ///< cancels everything and waits for the threads

    /// Queues work(progress) -> Result. done(Result) is called on the window's thread unless the job failed
    /// or was cancelled or context is gone. failed(sentence) is called when it failed; without one the
    /// failure is only logged and shown in the job list.
    template <typename Work, typename Done>
    Job* start(const QString& name, Lane lane, const QString& topic, QObject* context, Work work, Done done,
               // NOLINTNEXTLINE(performance-unnecessary-value-param): moved in either branch
               std::function<void(const QString&)> failed = {}) {
        using Result = std::invoke_result_t<Work, const Progress&>;
        if constexpr (std::is_void_v<Result>) {
            return startErased(
                name, lane, topic, context,
                [work = std::move(work)](const Progress& progress) mutable {
                    work(progress);
                    return std::shared_ptr<void>();
                },
                [done = std::move(done)](const std::shared_ptr<void>&) mutable { done(); },
                std::move(failed));
        } else {
            return startErased(
                name, lane, topic, context,
                [work = std::move(work)](const Progress& progress) mutable -> std::shared_ptr<void> {
                    return std::make_shared<Result>(work(progress));
                },
                [done = std::move(done)](const std::shared_ptr<void>& result) mutable {
                    done(std::move(*static_cast<Result*>(result.get())));
                },
                std::move(failed));
        }
    }

    [[nodiscard]] const QList<Job*>& jobs() const {
        return m_jobs;
    }                                 ///< newest last, the last 200; errands only until they end
    [[nodiscard]] int active() const; ///< waiting or running
    void cancelTopic(const QString& topic);
    void cancelAll();
    /// Forgets ended jobs.
    void clearEnded();

signals:
    void added(orrery::ui::Job* job);
    void aboutToRemove(orrery::ui::Job* job);
    void activeChanged(int active);

private:
    friend class Job;
    using ErasedWork = std::function<std::shared_ptr<void>(const Progress&)>;
    using ErasedDone = std::function<void(const std::shared_ptr<void>&)>;
    struct Entry;
    class Worker;

    Job* startErased(const QString& name, Lane lane, const QString& topic, QObject* context, ErasedWork work,
                     ErasedDone done, std::function<void(const QString&)> failed);
    void deliver(Entry& entry, JobState state, const QString& failure, const std::shared_ptr<void>& result);
    void finish(Entry& entry, JobState state, const QString& failure);
    void cancelled(Job* job);
    void lookAtProgress();
    void updateActive();
    void forget(Job* job);

    QList<Job*> m_jobs;
    std::vector<std::shared_ptr<Entry>> m_entries; ///< of the jobs that have not ended
    QTimer* m_watch;
    int m_nextId = 1;
    int m_active = 0;
    std::unique_ptr<Worker> m_engine;
    std::unique_ptr<Worker> m_errand;
};

} // namespace orrery::ui
