// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/figure.h"

#include <QScrollArea>

#include <memory>
#include <vector>

class QLabel;
class QVBoxLayout;

namespace orrery::ui {

class FigureView;
class Workbench;

/// Figures one below the other, each of the height it needs; for results of runs.
class FigureStack : public QScrollArea {
    Q_OBJECT
public:
    using Pointer = std::shared_ptr<const figure::Figure>;
    FigureStack(Workbench& workbench, const QString& emptyText, QWidget* parent = nullptr);
    /// Views of figures with the same id and kind are kept, so that a live plot does not flicker.
    void setFigures(const std::vector<Pointer>& figures);
    void setEmptyText(const QString& text);
    [[nodiscard]] const std::vector<FigureView*>& views() const { return m_views; }

private:
    void size(FigureView& view);
    Workbench& m_workbench;
    QVBoxLayout* m_layout;
    QLabel* m_empty;
    std::vector<FigureView*> m_views;
};

} // namespace orrery::ui
