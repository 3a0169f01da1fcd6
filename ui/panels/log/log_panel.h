// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "shell/panel.h"

class QComboBox;
class QLineEdit;
class QListView;

namespace orrery::ui {

class LogModel;

/// What happened, with a filter by level and words.
class LogPanel : public Panel {
    Q_OBJECT
public:
    explicit LogPanel(QWidget* parent = nullptr);
    [[nodiscard]] QString title() const override { return tr("Log"); }
    [[nodiscard]] QList<QAction*> panelActions() const override { return {m_copy, m_clear}; }
    void takeFocus() override;

private:
    LogModel* m_model;
    QListView* m_view;
    QAction* m_copy;
    QAction* m_clear;
};

} // namespace orrery::ui
