// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/figure.h"
#include "shell/panel.h"
#include "shell/pass.h"

#include <QPointer>
#include <QTimer>

#include <memory>
#include <vector>

class QCheckBox;
class QLabel;
class QLineEdit;
class QListWidget;
class QPushButton;
class QScrollArea;
class QVBoxLayout;

namespace orrery::analyze {
class Analyzer;
}

namespace orrery::ui {

class FigureView;
class Job;
class OptionForm;
class Workbench;

/// The analyzers of all plugins: choose one, set its options, run it on the current model and input, and look
/// at its figures, which follow the shared selection.
class LensesPanel final : public Panel {
    Q_OBJECT
public:
    explicit LensesPanel(Workbench& workbench, QWidget* parent = nullptr);
    ~LensesPanel() override;

    [[nodiscard]] QString title() const override { return tr("Lenses"); }
    [[nodiscard]] QList<QAction*> panelActions() const override { return m_actions; }
    void takeFocus() override; ///< the list

    void choose(const QString& id); ///< of an analyzer; unknown ids do nothing
    void run();
    /// Runs a cheap lens by itself when there is nothing of it to see yet.
    void runIfCheap();
    [[nodiscard]] QString chosen() const;
    [[nodiscard]] bool running() const;
    [[nodiscard]] OptionForm* form() const { return m_form; }
    [[nodiscard]] const QList<FigureView*>& figureViews() const { return m_views; }
    [[nodiscard]] QListWidget* list() const { return m_list; }

protected:
    void showEvent(QShowEvent* event) override;

private:
    using AnalyzerPointer = std::shared_ptr<const analyze::Analyzer>;
    QWidget* makeChoice();
    QWidget* makeResult();
    void fillList();
    void filterList(const QString& words);
    void analyzerChosen();
    void updatePrediction();
    void passChanged();
    void showFigures(std::vector<figure::Figure> figures, const PassPointer& pass);
    void link(FigureView* view);
    void followSelection();
    void followHover();
    [[nodiscard]] AnalyzerPointer analyzer() const;

    Workbench& m_workbench;
    QLineEdit* m_filter = nullptr;
    QListWidget* m_list = nullptr;
    QLabel* m_about = nullptr;
    OptionForm* m_form = nullptr;
    QLabel* m_cost = nullptr;
    QPushButton* m_run = nullptr;
    QPushButton* m_stop = nullptr;
    QCheckBox* m_again = nullptr;
    QLabel* m_state = nullptr;
    QScrollArea* m_area = nullptr;
    QWidget* m_page = nullptr;
    QVBoxLayout* m_column = nullptr;
    QList<FigureView*> m_views;
    QList<QAction*> m_actions;
    std::vector<AnalyzerPointer> m_analyzers; ///< in the order of the list's data
    PassPointer m_shownPass;                  ///< that the figures are of
    QString m_shownLens;
    double m_operations = 0; ///< predicted of the next run
    QPointer<Job> m_job;
    QTimer m_rest; ///< before running again by itself
};

} // namespace orrery::ui
