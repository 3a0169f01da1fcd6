// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "measure/bench.h"
#include "shell/panel.h"

#include <QList>
#include <QTimer>

class QCheckBox;
class QComboBox;
class QLabel;
class QPushButton;
class QSortFilterProxyModel;
class QTreeView;

namespace orrery::ui {

class FigureStack;
class Job;
class OptionForm;
class RunTable;
class Workbench;

/// Measures models over a grid: the form of the benchmark's options, a live picture, what was measured
/// before, and two runs compared.
class BenchPanel : public Panel {
    Q_OBJECT
public:
    explicit BenchPanel(Workbench& workbench, QWidget* parent = nullptr);
    [[nodiscard]] QString title() const override { return tr("Bench"); }
    [[nodiscard]] QList<QAction*> panelActions() const override {
        return {m_start, m_stop, m_resume, m_compare};
    }
    void takeFocus() override;

    [[nodiscard]] OptionForm& form() { return *m_form; }
    [[nodiscard]] QTreeView& history() { return *m_history; }
    [[nodiscard]] FigureStack& figures() { return *m_figures; }
    [[nodiscard]] QAction* startAction() const { return m_start; }
    [[nodiscard]] QAction* compareAction() const { return m_compare; }

protected:
    void showEvent(QShowEvent* event) override;

private:
    [[nodiscard]] measure::BenchRequest request() const;
    void start(qint64 resumedRun);
    void updatePlan();
    void updateActions();
    void showSelected();
    void compare();
    [[nodiscard]] QList<qint64> selectedRuns() const;

    Workbench& m_workbench;
    OptionForm* m_form;
    QComboBox* m_models;
    QCheckBox* m_useText;
    QLabel* m_plan;
    FigureStack* m_figures;
    RunTable* m_runs;
    QSortFilterProxyModel* m_sorted;
    QTreeView* m_history;
    Job* m_job = nullptr;
    QAction* m_start;
    QAction* m_stop;
    QAction* m_resume;
    QAction* m_compare;
    QTimer m_rest;
};

} // namespace orrery::ui
