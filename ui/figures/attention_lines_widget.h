// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figures/attention_lines_painter.h"
#include "figures/figure_widget.h"

#include <QThreadPool>

#include <atomic>
#include <memory>

class QScrollArea;

namespace orrery::ui {

class FigureCanvas;

/// Lines from queries to keys: hovering a token shows only its lines, a click keeps them, a click on a head
/// of the legend switches it (with Shift: it alone).
class AttentionLinesWidget final : public FigureWidget {
    Q_OBJECT
public:
    explicit AttentionLinesWidget(Pointer figure, QWidget* parent = nullptr);
    ~AttentionLinesWidget() override;

    void fillMenu(QMenu& menu) override;
    [[nodiscard]] QString selectionText() const override;
    [[nodiscard]] bool settled() const override { return m_lines->complete; }
    [[nodiscard]] QSize sizeHint() const override { return {520, 420}; }
    [[nodiscard]] QSize minimumSizeHint() const override { return {240, 140}; }
    void toggleHead(int head);
    void showOnlyHead(int head);                     ///< -1: all
    [[nodiscard]] QRectF headSwitch(int head) const; ///< in widget coordinates
    [[nodiscard]] QRectF queryRect(int query) const; ///< in widget coordinates
    [[nodiscard]] QRectF keyRect(int key) const;

public slots:
    void setSelection(int row, int column) override;
    void setHover(int row, int column) override;

protected:
    void figureChanged() override;
    void styleChanged() override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    [[nodiscard]] AttentionLinesPainter::Layout places() const;
    void paintCanvas(QPaintEvent* event);
    void choose(int query, int key);
    void collect();

    std::unique_ptr<AttentionLinesPainter> m_painter;
    std::shared_ptr<const AttentionLineSet> m_lines;
    std::shared_ptr<std::atomic<bool>> m_stop;
    QThreadPool m_pool;
    QScrollArea* m_area;
    FigureCanvas* m_canvas;
};

} // namespace orrery::ui
