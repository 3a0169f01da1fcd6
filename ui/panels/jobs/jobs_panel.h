// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "shell/panel.h"

class QTreeView;

namespace orrery::ui {

class JobModel;
class Workbench;

/// What runs, waits and has ended, with progress, rate, remaining time and a way to stop it.
class JobsPanel : public Panel {
    Q_OBJECT
public:
    explicit JobsPanel(Workbench& workbench, QWidget* parent = nullptr);
    [[nodiscard]] QString title() const override { return tr("Jobs"); }
    [[nodiscard]] QList<QAction*> panelActions() const override { return {m_cancel, m_cancelAll, m_clear}; }
    void takeFocus() override;

private:
    void updateActions();
    Workbench& m_workbench;
    JobModel* m_model;
    QTreeView* m_view;
    QAction* m_cancel;
    QAction* m_cancelAll;
    QAction* m_clear;
};

} // namespace orrery::ui
