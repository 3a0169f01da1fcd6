// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/workbench.h"

#include "model/model.h"
#include "shell/report_draft.h"
#include "shell/workspace_access.h"

#include <QThread>

namespace orrery::ui {

Workbench::Workbench(const std::filesystem::path& workspaceFile, std::vector<plugin::PluginState> plugins,
                     QObject* parent)
    : QObject(parent), m_plugins(std::move(plugins)), m_inputs(m_undo), m_models(m_jobs, m_settings),
      m_look(m_models, m_inputs, m_jobs, m_settings),
      m_workspace(std::make_unique<WorkspaceAccess>(workspaceFile, m_jobs)),
      m_report(std::make_unique<ReportDraft>(m_undo)) {
    connect(m_workspace.get(), &WorkspaceAccess::failed, this, &Workbench::errorRaised);
    connect(&m_look, &Look::failed, this, [this] { emit errorRaised(m_look.failure()); });
    connect(&m_models, &ModelList::changed, this, [this](int id) {
        const auto* entry = m_models.find(id);
        if (entry != nullptr && entry->state == ModelList::State::Failed)
            emit errorRaised(entry->failure);
    });
    connect(&m_models, &ModelList::currentChanged, &m_selection, &Selection::clear);
    const auto useThreads = [this] {
        // Through the engine's lane, so that no run changes its pool half way.
        const int count = m_settings.threads() > 0 ? m_settings.threads() : QThread::idealThreadCount();
        m_jobs.start(
            {}, Lane::Engine, {}, this, [count](const Progress&) { model::setThreads(count); }, [] {});
    };
    useThreads();
    connect(&m_settings, &Settings::changed, this, [useThreads](const QString& key) {
        if (key == QLatin1String("engine/threads"))
            useThreads();
    });
}

Workbench::~Workbench() {
    m_jobs.cancelAll();
}

} // namespace orrery::ui
