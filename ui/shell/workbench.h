// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugin/loader.h"
#include "shell/input_list.h"
#include "shell/job_queue.h"
#include "shell/look.h"
#include "shell/model_list.h"
#include "shell/selection.h"
#include "shell/settings.h"

#include <QObject>
#include <QString>
#include <QUndoStack>

#include <filesystem>
#include <memory>
#include <vector>

namespace orrery::ui {

class ReportDraft;
class WorkspaceAccess;

/// What the panels of one window share. It owns the parts and knows nothing more about them: a panel takes
/// the parts it needs from here in its constructor.
class Workbench : public QObject {
    Q_OBJECT
public:
    explicit Workbench(const std::filesystem::path& workspaceFile,
                       std::vector<plugin::PluginState> plugins = {}, QObject* parent = nullptr);
    ~Workbench() override;

    [[nodiscard]] Settings& settings() { return m_settings; }
    [[nodiscard]] JobQueue& jobs() { return m_jobs; }
    [[nodiscard]] QUndoStack& undo() { return m_undo; }
    [[nodiscard]] ModelList& models() { return m_models; }
    [[nodiscard]] InputList& inputs() { return m_inputs; }
    [[nodiscard]] Selection& selection() { return m_selection; }
    [[nodiscard]] Look& look() { return m_look; }
    [[nodiscard]] WorkspaceAccess& workspace() { return *m_workspace; }
    [[nodiscard]] ReportDraft& report() { return *m_report; }
    /// What the loader found at start; the parts themselves are in plugin::registry().
    [[nodiscard]] const std::vector<plugin::PluginState>& plugins() const { return m_plugins; }

signals:
    /// A sentence for the status bar and, when it is an error, a banner: nothing that needs an answer.
    void message(const QString& sentence);
    void errorRaised(const QString& sentence);

private:
    // Work holds what it needs by shared pointers; results are delivered only while the receivers below live.
    std::vector<plugin::PluginState> m_plugins;
    Settings m_settings;
    QUndoStack m_undo;
    Selection m_selection;
    InputList m_inputs;
    JobQueue m_jobs;
    ModelList m_models;
    Look m_look;
    std::unique_ptr<WorkspaceAccess> m_workspace;
    std::unique_ptr<ReportDraft> m_report;
};

} // namespace orrery::ui
