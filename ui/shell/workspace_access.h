// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "shell/job_queue.h"
#include "store/workspace.h"

#include <QObject>
#include <QString>
#include <QTimer>

#include <filesystem>
#include <memory>

namespace orrery::ui {

/// The workspace file as the window uses it: every query and change is an errand on the jobs' thread, which
/// owns the connection; the window's thread never touches the disk.
class WorkspaceAccess : public QObject {
    Q_OBJECT
public:
    WorkspaceAccess(std::filesystem::path file, JobQueue& jobs, QObject* parent = nullptr);
    ~WorkspaceAccess() override;

    [[nodiscard]] const std::filesystem::path& file() const { return m_file; }
    /// Uses another file from now on; panels refresh by changed().
    void setFile(std::filesystem::path file);

    /// query(workspace) runs on the jobs' thread, done(result) here. A newer query of the same topic replaces
    /// one that has not run.
    template <typename Query, typename Done>
    void ask(const QString& topic, QObject* context, Query query, Done done) {
        m_jobs.start(
            {}, Lane::Errand, topic, context,
            [connection = m_connection, query = std::move(query)](const Progress&) mutable {
                return query(connection->open());
            },
            std::move(done), [this](const QString& sentence) { emit failed(sentence); });
    }
    /// change(workspace) runs on the jobs' thread; changed() follows.
    template <typename Change>
    void change(Change change) {
        m_jobs.start(
            {}, Lane::Errand, {}, this,
            [connection = m_connection, change = std::move(change)](const Progress&) mutable {
                change(connection->open());
            },
            [this] { emit changed(); }, [this](const QString& sentence) { emit failed(sentence); });
    }

signals:
    void changed(); ///< by us or by another process
    void failed(const QString& sentence);

private:
    /// Opened by the thread that uses it, at its first use.
    struct Connection {
        explicit Connection(std::filesystem::path path) : file(std::move(path)) {}
        store::Workspace& open() {
            if (workspace == nullptr)
                workspace = std::make_unique<store::Workspace>(file);
            return *workspace;
        }
        std::filesystem::path file;
        std::unique_ptr<store::Workspace> workspace;
    };
    void lookForChanges();

    std::filesystem::path m_file;
    JobQueue& m_jobs;
    std::shared_ptr<Connection> m_connection;
    QTimer m_watch;
    std::int64_t m_counter = -1;
};

} // namespace orrery::ui
