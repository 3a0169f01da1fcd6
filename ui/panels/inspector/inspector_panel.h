// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "measure/tensor_summary.h"
#include "shell/panel.h"

#include <QTimer>

#include <optional>

class QTextBrowser;

namespace orrery::ui {

class FigureView;
class Workbench;

/// What is selected, in words and numbers: the model, a parameter or site with shape and statistics, the head
/// and cell of the attention.
class InspectorPanel : public Panel {
    Q_OBJECT
public:
    explicit InspectorPanel(Workbench& workbench, QWidget* parent = nullptr);
    [[nodiscard]] QString title() const override { return tr("Inspector"); }
    [[nodiscard]] QList<QAction*> panelActions() const override { return {m_copy}; }
    void takeFocus() override;

protected:
    void themeChanged() override;

private:
    void refresh();
    void summarize();
    [[nodiscard]] QString modelText() const;
    [[nodiscard]] QString tensorText() const;
    [[nodiscard]] QString headText() const;

    Workbench& m_workbench;
    QTextBrowser* m_text;
    FigureView* m_histogram = nullptr;
    QWidget* m_histogramPlace;
    QAction* m_copy;
    QTimer m_rest;
    QString m_summarized; ///< name of the tensor that m_summary is of
    QString m_shape;
    std::optional<measure::TensorSummary> m_summary;
    QString m_problem;
};

} // namespace orrery::ui
