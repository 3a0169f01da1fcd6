// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "shell/job_queue.h"

#include <QElapsedTimer>
#include <QSignalSpy>
#include <QTest>
#include <QThread>

#include <atomic>
#include <chrono>
#include <thread>

using namespace orrery;
using namespace orrery::ui;

class JobQueueTest : public QObject {
    Q_OBJECT
private slots:
    void resultsArriveOnTheWindowsThread();
    void aRunningJobIsCancelledWithinATenthOfASecond();
    void aNewJobOfTheSameTopicReplacesTheOldOnes();
    void failuresAreSentences();
    void errandsDoNotWaitForTheEngine();
    void progressIsSeen();
    void aContextThatIsGoneIsNotCalled();
    void nothingIsDeliveredAfterCancel();
    void namelessJobsAreForgotten();
};

namespace {

void spin(const Progress& progress) {
    for (;;) {
        progress.check();
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

} // namespace

void JobQueueTest::resultsArriveOnTheWindowsThread() {
    JobQueue queue;
    QThread* worked = nullptr;
    QThread* delivered = nullptr;
    int result = 0;
    queue.start(
        "sum", Lane::Engine, {}, this,
        [&](const Progress&) {
            worked = QThread::currentThread();
            return 42;
        },
        [&](int value) {
            delivered = QThread::currentThread();
            result = value;
        });
    QTRY_COMPARE(result, 42);
    QCOMPARE(delivered, QThread::currentThread());
    QVERIFY(worked != delivered);
}

void JobQueueTest::aRunningJobIsCancelledWithinATenthOfASecond() {
    JobQueue queue;
    Job* job = queue.start("endless", Lane::Engine, {}, this, spin, [] { QFAIL("it was cancelled"); });
    QTRY_COMPARE(job->state(), JobState::Running);
    QSignalSpy finished(job, &Job::finished);
    QElapsedTimer clock;
    clock.start();
    job->cancel();
    QVERIFY(finished.wait(2000));
    QVERIFY2(clock.elapsed() < 100, qPrintable(QString::number(clock.elapsed())));
    QCOMPARE(job->state(), JobState::Cancelled);
}

void JobQueueTest::aNewJobOfTheSameTopicReplacesTheOldOnes() {
    JobQueue queue;
    QStringList done;
    Job* first = queue.start("1", Lane::Engine, "look", this, spin, [] {});
    QTRY_COMPARE(first->state(), JobState::Running);
    Job* second = queue.start(
        "2", Lane::Engine, "look", this, [](const Progress&) {}, [&] { done << "2"; });
    Job* third = queue.start(
        "3", Lane::Engine, "look", this, [](const Progress&) {}, [&] { done << "3"; });
    QTRY_COMPARE(third->state(), JobState::Done);
    QCOMPARE(first->state(), JobState::Cancelled);
    QCOMPARE(second->state(), JobState::Cancelled);
    QCOMPARE(done, QStringList{"3"});
}

void JobQueueTest::failuresAreSentences() {
    JobQueue queue;
    QString sentence;
    Job* job = queue.start(
        "bad", Lane::Errand, {}, this, [](const Progress&) { throw InputError("The file x is empty."); },
        [] { QFAIL("it failed"); }, [&](const QString& said) { sentence = said; });
    QTRY_COMPARE(job->state(), JobState::Failed);
    QCOMPARE(sentence, QString("The file x is empty."));
    QCOMPARE(job->failure(), sentence);
}

void JobQueueTest::errandsDoNotWaitForTheEngine() {
    JobQueue queue;
    Job* longJob = queue.start("long", Lane::Engine, {}, this, spin, [] {});
    bool done = false;
    queue.start(
        "errand", Lane::Errand, {}, this, [](const Progress&) {}, [&] { done = true; });
    QTRY_VERIFY(done);
    QVERIFY(!longJob->ended());
    longJob->cancel();
}

void JobQueueTest::progressIsSeen() {
    JobQueue queue;
    std::atomic<bool> go{false};
    Job* job = queue.start(
        "steps", Lane::Engine, {}, this,
        [&](const Progress& progress) {
            progress.report("half way", 5, 10);
            while (!go)
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
        },
        [] {});
    QTRY_COMPARE(job->step(), QString("half way"));
    QCOMPARE(job->done(), 5.0);
    QCOMPARE(job->total(), 10.0);
    QVERIFY(job->remaining() >= 0);
    go = true;
    QTRY_COMPARE(job->state(), JobState::Done);
    QCOMPARE(job->done(), 10.0);
}

void JobQueueTest::aContextThatIsGoneIsNotCalled() {
    JobQueue queue;
    auto* context = new QObject;
    bool called = false;
    std::atomic<bool> go{false};
    Job* job = queue.start(
        "orphan", Lane::Engine, {}, context,
        [&](const Progress&) {
            while (!go)
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
        },
        [&] { called = true; });
    delete context;
    go = true;
    QTRY_VERIFY(job->ended());
    QVERIFY(!called);
}

void JobQueueTest::nothingIsDeliveredAfterCancel() {
    JobQueue queue;
    bool called = false;
    Job* job = queue.start(
        "quick", Lane::Engine, {}, this, [](const Progress&) {}, [&] { called = true; });
    QThread::msleep(50); // the work is over, its result waits in this thread's event queue
    job->cancel();
    QTRY_COMPARE(job->state(), JobState::Cancelled);
    QTest::qWait(30);
    QVERIFY(!called);
}

void JobQueueTest::namelessJobsAreForgotten() {
    JobQueue queue;
    bool done = false;
    queue.start(
        {}, Lane::Errand, {}, this, [](const Progress&) {}, [&] { done = true; });
    QTRY_VERIFY(done);
    QTRY_VERIFY(queue.jobs().isEmpty());
    QCOMPARE(queue.active(), 0);
}

QTEST_MAIN(JobQueueTest)
#include "job_queue_test.moc"
