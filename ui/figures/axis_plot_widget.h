// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figures/figure_widget.h"

class QCustomPlot;
class QLabel;

namespace orrery::ui {

/// Curves and bars with axes: the wheel zooms, dragging pans, double click or Home shows everything; left and
/// right step through points, up and down through curves; + and - zoom.
class AxisPlotWidget final : public FigureWidget {
    Q_OBJECT
public:
    explicit AxisPlotWidget(Pointer figure, QWidget* parent = nullptr);

    void fillMenu(QMenu& menu) override;
    [[nodiscard]] QString selectionText() const override;
    [[nodiscard]] QString dataText() const override;
    [[nodiscard]] QSize sizeHint() const override { return {560, 340}; }
    [[nodiscard]] QSize minimumSizeHint() const override { return {220, 150}; }
    [[nodiscard]] QPointF pointPosition(int row, int column) const; ///< in widget coordinates
    [[nodiscard]] QRectF visibleRange() const;                      ///< in axis coordinates
    void showEverything();

public slots:
    void setSelection(int row, int column) override;
    void setHover(int row, int column) override;

protected:
    void figureChanged() override;
    void styleChanged() override;
    void keyPressEvent(QKeyEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void rebuild(bool keepRange);
    void zoom(double factor);
    void choose(int row, int column);
    void updateReadout();
    [[nodiscard]] QPoint nearest(QPointF position, double reach) const; ///< (column, row) or (-1, -1)

    QCustomPlot* m_plot = nullptr;
    QLabel* m_readout;
    int m_builtWidth = 0;
    bool m_rebuildWaits = false;
    bool m_rangeChanged = false; ///< by a person: kept when the data is replaced
};

} // namespace orrery::ui
