// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "shell/panel.h"

class QLineEdit;
class QSortFilterProxyModel;
class QTreeView;

namespace orrery::ui {

class ModuleTree;
class Workbench;

/// The open models as trees of modules, parameters and sites; what is chosen here is what the inspector
/// shows.
class ModelsPanel : public Panel {
    Q_OBJECT
public:
    explicit ModelsPanel(Workbench& workbench, QWidget* parent = nullptr);
    [[nodiscard]] QString title() const override { return tr("Models"); }
    [[nodiscard]] QList<QAction*> panelActions() const override {
        return {m_close, m_reload, m_copyName, m_find};
    }
    void takeFocus() override;

signals:
    void openRequested();

private:
    void choose(const QModelIndex& index);
    void followSelection();
    void spanSites(const QModelIndex& parent);
    void filter(const QString& text);
    void updateActions();
    [[nodiscard]] int chosenModel() const;

    Workbench& m_workbench;
    ModuleTree* m_tree;
    QSortFilterProxyModel* m_filtered;
    QTreeView* m_view;
    QLineEdit* m_words;
    QAction* m_open;
    QAction* m_close;
    QAction* m_reload;
    QAction* m_copyName;
    QAction* m_find;
    bool m_following = false;
};

} // namespace orrery::ui
