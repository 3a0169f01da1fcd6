// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/workspace_access.h"

namespace orrery::ui {

namespace {

constexpr int watchInterval = 2000; // ms between looks for changes by other processes

} // namespace

WorkspaceAccess::WorkspaceAccess(std::filesystem::path file, JobQueue& jobs, QObject* parent)
    : QObject(parent), m_file(std::move(file)), m_jobs(jobs),
      m_connection(std::make_shared<Connection>(m_file)) {
    m_watch.setInterval(watchInterval);
    connect(&m_watch, &QTimer::timeout, this, &WorkspaceAccess::lookForChanges);
    m_watch.start();
}

WorkspaceAccess::~WorkspaceAccess() = default;

void WorkspaceAccess::setFile(std::filesystem::path file) {
    if (file == m_file)
        return;
    m_file = std::move(file);
    m_connection = std::make_shared<Connection>(m_file);
    m_counter = -1;
    emit changed();
}

void WorkspaceAccess::lookForChanges() {
    // Not while an errand waits: this one is never urgent.
    if (m_jobs.active() > 0)
        return;
    m_jobs.start(
        {}, Lane::Errand, QStringLiteral("workspace/watch"), this,
        [connection = m_connection](const Progress&) { return connection->open().changeCounter(); },
        [this](std::int64_t counter) {
            if (m_counter >= 0 && counter != m_counter)
                emit changed();
            m_counter = counter;
        },
        [this](const QString&) { m_watch.stop(); });
}

} // namespace orrery::ui
