// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/job_queue.h"

#include "base/error.h"
#include "base/log.h"

#include <QTimer>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace orrery::ui {

namespace {

constexpr int keptJobs = 200;
constexpr int progressInterval = 50; // ms between looks at what running jobs report

} // namespace

/// What a job is made of. Work runs on the worker's thread; everything else belongs to the window's.
struct JobQueue::Entry {
    QPointer<Job> job;
    CancelToken token;
    ErasedWork work;
    ErasedDone done;
    std::function<void(const QString&)> failed;
    QPointer<QObject> context;
    bool hasContext = false;

    std::mutex mutex; // guards what the working thread reports
    ProgressState reported;
    bool fresh = false;
    bool started = false;
    double seconds = 0; // written by the worker before it delivers
};

/// One thread that takes entries in order.
class JobQueue::Worker {
public:
    explicit Worker(JobQueue& queue) : m_queue(queue), m_thread([this] { loop(); }) {}
    ~Worker() {
        {
            const std::lock_guard lock(m_mutex);
            m_ending = true;
            m_waiting.clear();
        }
        m_wake.notify_all();
        m_thread.join();
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    void add(std::shared_ptr<Entry> entry) {
        {
            const std::lock_guard lock(m_mutex);
            m_waiting.push_back(std::move(entry));
        }
        m_wake.notify_one();
    }

private:
    void loop() {
        for (;;) {
            std::shared_ptr<Entry> entry;
            {
                std::unique_lock lock(m_mutex);
                m_wake.wait(lock, [this] { return m_ending || !m_waiting.empty(); });
                if (m_ending)
                    return;
                entry = std::move(m_waiting.front());
                m_waiting.pop_front();
            }
            work(entry);
        }
    }

    void work(const std::shared_ptr<Entry>& entry) {
        {
            const std::lock_guard lock(entry->mutex);
            if (entry->token.cancelled())
                return; // the window's thread has already said so
            entry->started = true;
            entry->fresh = true;
        }
        QElapsedTimer clock;
        clock.start();
        JobState state = JobState::Done;
        QString failure;
        std::shared_ptr<void> result;
        try {
            const Progress progress(
                [&entry](const ProgressState& said) {
                    const std::lock_guard lock(entry->mutex);
                    entry->reported = said;
                    entry->fresh = true;
                },
                entry->token);
            result = entry->work(progress);
        } catch (const Cancelled&) {
            state = JobState::Cancelled;
        } catch (const std::bad_alloc&) {
            state = JobState::Failed;
            failure = JobQueue::tr("There is not enough memory for this. Try a shorter input or a smaller "
                                   "batch, or close other models.");
        } catch (const std::exception& error) {
            state = JobState::Failed;
            failure = QString::fromUtf8(error.what());
        }
        entry->seconds = static_cast<double>(clock.nsecsElapsed()) * 1e-9;
        entry->work = {}; // what it holds (models, tensors) is released here, not on the window's thread
        QMetaObject::invokeMethod(
            &m_queue,
            [&queue = m_queue, entry, state, failure, result = std::move(result)]() {
                queue.deliver(*entry, state, failure, result);
            },
            Qt::QueuedConnection);
    }

    JobQueue& m_queue;
    std::mutex m_mutex;
    std::condition_variable m_wake;
    std::deque<std::shared_ptr<Entry>> m_waiting;
    bool m_ending = false;
    std::thread m_thread; // last: starts when everything above is there
};

Job::Job(int id, QString name, Lane lane, QString topic, QObject* parent)
    : QObject(parent), m_id(id), m_name(std::move(name)), m_lane(lane), m_topic(std::move(topic)) {}

double Job::seconds() const {
    return m_state == JobState::Running ? static_cast<double>(m_clock.elapsed()) / 1000.0 : m_seconds;
}

double Job::rate() const {
    const double elapsed = seconds();
    return elapsed > 0 ? m_done / elapsed : 0;
}

double Job::remaining() const {
    const double speed = rate();
    return m_total > 0 && speed > 0 ? (m_total - m_done) / speed : -1;
}

void Job::cancel() {
    if (ended())
        return;
    m_token.cancel();
    if (auto* queue = qobject_cast<JobQueue*>(parent()))
        queue->cancelled(this);
}

JobQueue::JobQueue(QObject* parent)
    : QObject(parent), m_watch(new QTimer(this)), m_engine(std::make_unique<Worker>(*this)),
      m_errand(std::make_unique<Worker>(*this)) {
    m_watch->setInterval(progressInterval);
    connect(m_watch, &QTimer::timeout, this, &JobQueue::lookAtProgress);
}

JobQueue::~JobQueue() {
    for (const auto& entry : m_entries)
        entry->token.cancel();
    m_engine.reset();
    m_errand.reset();
}

Job* JobQueue::startErased(const QString& name, Lane lane, const QString& topic, QObject* context,
                           ErasedWork work, ErasedDone done, std::function<void(const QString&)> failed) {
    if (!topic.isEmpty())
        cancelTopic(topic);
    auto* job = new Job(m_nextId++, name, lane, topic, this);
    auto entry = std::make_shared<Entry>();
    entry->job = job;
    entry->token = job->m_token;
    entry->work = std::move(work);
    entry->done = std::move(done);
    entry->failed = std::move(failed);
    entry->context = context;
    entry->hasContext = context != nullptr;
    m_entries.push_back(entry);
    m_jobs.push_back(job);
    emit added(job);
    for (qsizetype i = 0; m_jobs.size() > keptJobs && i < m_jobs.size(); ++i)
        if (m_jobs[i]->ended())
            forget(m_jobs[i--]);
    m_watch->start();
    updateActive();
    (lane == Lane::Engine ? *m_engine : *m_errand).add(std::move(entry));
    return job;
}

void JobQueue::deliver(Entry& entry, JobState state, const QString& failure,
                       const std::shared_ptr<void>& result) {
    const QPointer<Job> job = entry.job;
    // A result that arrives after cancel() is not wanted any more.
    if (entry.token.cancelled())
        state = JobState::Cancelled;
    const bool wanted = !entry.hasContext || entry.context != nullptr;
    finish(entry, state, failure);
    if (state == JobState::Failed)
        log(LogLevel::Error, failure.toStdString());
    if (wanted && state == JobState::Done) {
        // The receiver runs on the window's thread: an exception must not end the program.
        try {
            entry.done(result);
        } catch (const std::exception& error) {
            log(LogLevel::Error, error.what());
            if (entry.failed)
                entry.failed(QString::fromUtf8(error.what()));
        }
    } else if (wanted && state == JobState::Failed && entry.failed) {
        entry.failed(failure);
    }
    if (job != nullptr) {
        emit job->finished();
        if (job->name().isEmpty())
            forget(job);
    }
}

void JobQueue::finish(Entry& entry, JobState state, const QString& failure) {
    if (Job* job = entry.job; job != nullptr && !job->ended()) {
        job->m_seconds = entry.seconds;
        job->m_state = state;
        job->m_failure = failure;
        if (state == JobState::Done && job->m_total > 0)
            job->m_done = job->m_total;
        emit job->changed();
    }
    std::erase_if(m_entries, [&entry](const auto& held) { return held.get() == &entry; });
    updateActive();
}

void JobQueue::cancelled(Job* job) {
    // A running job ends when its work notices; a waiting one ends here.
    for (const auto& entry : std::vector(m_entries)) {
        if (entry->job != job)
            continue;
        bool started = false;
        {
            const std::lock_guard lock(entry->mutex);
            started = entry->started;
        }
        if (!started) {
            finish(*entry, JobState::Cancelled, {});
            emit job->finished();
            if (job->name().isEmpty())
                forget(job);
        }
        return;
    }
}

void JobQueue::lookAtProgress() {
    for (const auto& entry : std::vector(m_entries)) {
        Job* job = entry->job;
        if (job == nullptr)
            continue;
        const std::lock_guard lock(entry->mutex);
        if (!entry->fresh)
            continue;
        entry->fresh = false;
        if (entry->started && job->m_state == JobState::Waiting) {
            job->m_state = JobState::Running;
            job->m_clock.start();
        }
        job->m_step = QString::fromStdString(entry->reported.step);
        job->m_done = entry->reported.done;
        job->m_total = entry->reported.total;
        emit job->changed();
    }
}

int JobQueue::active() const {
    return static_cast<int>(m_entries.size());
}

void JobQueue::updateActive() {
    if (m_entries.empty())
        m_watch->stop();
    if (m_active == active())
        return;
    m_active = active();
    emit activeChanged(m_active);
}

void JobQueue::cancelTopic(const QString& topic) {
    for (Job* job : QList(m_jobs))
        if (job->topic() == topic)
            job->cancel();
}

void JobQueue::cancelAll() {
    for (Job* job : QList(m_jobs))
        job->cancel();
}

void JobQueue::clearEnded() {
    for (Job* job : QList(m_jobs))
        if (job->ended())
            forget(job);
}

void JobQueue::forget(Job* job) {
    emit aboutToRemove(job);
    m_jobs.removeOne(job);
    job->deleteLater();
}

} // namespace orrery::ui
