// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figures/figure_widget.h"
#include "figures/heatmap_painter.h"
#include "figures/tile_loader.h"

#include <memory>
#include <optional>

namespace orrery::ui {

/// A matrix to look around in: the wheel zooms at the pointer, dragging pans, Shift and dragging zooms to a
/// rectangle, double click or Home shows everything; arrows move the cell cursor, + and - zoom, 1 shows one
/// cell a pixel. Only blocks that are visible are computed, on a thread of their own.
class HeatmapWidget final : public FigureWidget {
    Q_OBJECT
public:
    explicit HeatmapWidget(Pointer figure, QWidget* parent = nullptr);

    void fillMenu(QMenu& menu) override;
    [[nodiscard]] QString selectionText() const override;
    [[nodiscard]] QString dataText() const override;
    [[nodiscard]] bool settled() const override;
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override { return {240, 180}; }

    /// Visible cells; everything when empty. Kept within the matrix.
    void setWindow(std::optional<QRectF> window);
    [[nodiscard]] QRectF visibleCells() const;
    void zoom(double factor, QPointF centre); ///< centre in widget coordinates
    void zoomToPixels();                      ///< one cell a device pixel, around the cursor
    [[nodiscard]] HeatmapPainter::Layout currentLayout() const;
    // For assistive technology, which reads the matrix as a table.
    [[nodiscard]] const figure::MatrixSource& matrix() const { return *m_painter->heatmap().values; }
    [[nodiscard]] QString cellText(int row, int column) const; ///< labels and exact value
    [[nodiscard]] QString rowName(int row) const { return m_painter->rowLabel(row); }
    [[nodiscard]] QString columnName(int column) const { return m_painter->columnLabel(column); }
    [[nodiscard]] QRectF cellRect(int row, int column) const; ///< in widget coordinates; may lie outside
    [[nodiscard]] const TileLoader& loader() const { return *m_loader; }

public slots:
    void setSelection(int row, int column) override;

protected:
    void figureChanged() override;
    void paintEvent(QPaintEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void leaveEvent(QEvent* event) override;

private:
    [[nodiscard]] QPoint cellAt(QPointF point) const; ///< (column, row), (-1, -1) outside
    void moveCursor(int rows, int columns);
    void choose(int row, int column);
    void reveal(int row, int column);
    void hoverCell(QPoint cell);

    std::unique_ptr<HeatmapPainter> m_painter;
    std::unique_ptr<TileLoader> m_loader;
    std::optional<QPointF> m_press; ///< where the button went down
    QRectF m_pressWindow;
    QRectF m_band; ///< of Shift and drag
    bool m_dragging = false;
};

} // namespace orrery::ui
