// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/figure.h"
#include "figures/figure_view.h"
#include "shell/panel.h"
#include "shell/pass.h"

#include <QPointer>

class QAction;
class QCheckBox;
class QComboBox;
class QLabel;
class QSpinBox;
class QSplitter;
class QStackedWidget;

namespace orrery::ui {

class FigureView;
class FigureWidget;
class Workbench;

/// Attention of the current model on the current input: all heads at a glance, the chosen one as map or all
/// of its layer as lines, and the tokens coloured by what is selected. Two inputs can be compared side by
/// side or as their difference. Everything follows the shared selection.
class AttentionPanel final : public Panel {
    Q_OBJECT
public:
    explicit AttentionPanel(Workbench& workbench, QWidget* parent = nullptr);
    ~AttentionPanel() override;

    [[nodiscard]] QString title() const override { return tr("Attention"); }
    [[nodiscard]] QList<QAction*> panelActions() const override { return m_actions; }
    void takeFocus() override; ///< the map

    [[nodiscard]] FigureView* grid() const { return m_grid; } ///< null before the first pass
    [[nodiscard]] FigureView* map() const { return m_map; }
    [[nodiscard]] FigureView* otherMap() const { return m_other; }
    [[nodiscard]] FigureView* lines() const { return m_lines; }
    [[nodiscard]] FigureView* strip() const { return m_strip; }
    void showLines(bool lines);
    void showDifference(bool difference); ///< instead of side by side
    void compareWith(int inputId);        ///< 0: nothing, -1: the input before the edit

private:
    void makeBar();
    void makeActions();
    void passChanged();
    void refresh();      ///< all figures of the chosen layer and head
    void refreshStrip(); ///< what depends on the selected tokens
    void refreshCompare();
    void fillCompare();
    void startOther();
    void chooseHead(int layer, int head);
    void stepHead(int layers, int heads);
    void followSelection();
    void followHover();
    void link(FigureView* view); ///< to the selection, the report and the status bar
    FigureView* place(QPointer<FigureView>& view, QWidget* host,
                      const std::shared_ptr<const figure::Figure>& figure);
    [[nodiscard]] int layer() const;
    [[nodiscard]] int head() const; ///< -1: mean over heads

    Workbench& m_workbench;
    QStackedWidget* m_pages;
    QLabel* m_empty;
    QSplitter* m_rows;
    QSplitter* m_columns;
    QSplitter* m_maps; ///< the map and the one it is compared with
    QWidget* m_bar = nullptr;
    QSpinBox* m_layer = nullptr;
    QSpinBox* m_head = nullptr;
    QCheckBox* m_mean = nullptr;
    QComboBox* m_view = nullptr;
    QComboBox* m_compare = nullptr;
    QComboBox* m_compareMode = nullptr;
    QLabel* m_compareNote = nullptr;
    QPointer<FigureView> m_grid;
    QPointer<FigureView> m_map;
    QPointer<FigureView> m_other;
    QPointer<FigureView> m_lines;
    QPointer<FigureView> m_strip;
    QList<QAction*> m_actions;
    PassPointer m_pass;
    PassPointer m_otherPass;
    int m_otherInput = 0;
    bool m_changing = false; ///< controls are being set by us
};

} // namespace orrery::ui
