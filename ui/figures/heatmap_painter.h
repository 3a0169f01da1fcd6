// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/figure.h"
#include "figures/figure_state.h"
#include "figures/heatmap_values.h"
#include "figures/style.h"

#include <QPointF>
#include <QRectF>
#include <QStringList>

class QPainter;

namespace orrery::ui {

/// Draws a matrix as colours with labelled axes, colour bar, masks and the cell under the cursor.
class HeatmapPainter {
public:
    explicit HeatmapPainter(std::shared_ptr<const figure::Figure> figure);

    /// Where things are, for a rectangle and a state.
    struct Layout {
        QRectF plot;    ///< the cells
        QRectF bar;     ///< colour bar with its texts
        QRectF readout; ///< line with the exact value; empty in exports without a selection
        QRectF window;  ///< visible cells
        double rowLabelWidth = 0;
        double columnLabelHeight = 0;
        bool slanted = false; ///< column labels

        [[nodiscard]] double cellWidth() const { return plot.width() / window.width(); }
        [[nodiscard]] double cellHeight() const { return plot.height() / window.height(); }
        [[nodiscard]] double x(double column) const {
            return plot.left() + (column - window.left()) * cellWidth();
        }
        [[nodiscard]] double y(double row) const { return plot.top() + (row - window.top()) * cellHeight(); }
        [[nodiscard]] QPointF cellAt(QPointF point) const { ///< in cells, fractional; may lie outside
            return {window.left() + (point.x() - plot.left()) / cellWidth(),
                    window.top() + (point.y() - plot.top()) / cellHeight()};
        }
    };

    [[nodiscard]] const figure::Heatmap& heatmap() const { return *m_heatmap; }
    [[nodiscard]] Layout layout(const QRectF& rect, const FigureStyle& style, const FigureState& state,
                                bool readout) const;
    /// Draws; values that are not there yet are left out, and false tells that some were missing.
    bool draw(QPainter& painter, const QRectF& rect, const FigureStyle& style, const FigureState& state,
              HeatmapValues& values, bool readout = false) const;
    [[nodiscard]] double preferredHeight(double width, const FigureStyle& style) const;
    /// Same tokens on both axes, or as many rows as columns: cells are drawn as squares.
    [[nodiscard]] bool square() const { return m_square; }
    /// "query 3 'cat', key 1 'the': 0.1234", with masks and missing values in words.
    [[nodiscard]] QString describe(std::int64_t row, std::int64_t column, std::optional<float> value) const;
    [[nodiscard]] ValueColours colours(const FigureStyle& style, const FigureState& state,
                                       const Overview* overview) const;
    [[nodiscard]] QString rowLabel(std::int64_t row) const;
    [[nodiscard]] QString columnLabel(std::int64_t column) const;

private:
    struct Pass; ///< what one drawing carries around
    bool drawCells(Pass& pass) const;
    bool drawBlocks(Pass& pass, int rowLevel, int columnLevel) const;
    void drawHatch(Pass& pass) const;
    bool drawCellTexts(Pass& pass) const;
    void drawAxes(Pass& pass) const;
    void drawRowLabels(Pass& pass, double labelRight) const;
    void drawColumnLabels(Pass& pass) const;
    void drawCursor(Pass& pass) const;
    void drawLegend(Pass& pass) const;
    void colourBlock(Pass& pass, const ValueBlock& block, const BlockKey& key) const;

    std::shared_ptr<const figure::Figure> m_figure;
    const figure::Heatmap* m_heatmap;
    std::int64_t m_rows;
    std::int64_t m_columns;
    QStringList m_rowLabels; ///< as shown
    QStringList m_columnLabels;
    bool m_square;
};

/// True while drawing on paper or SVG: shapes are drawn as shapes and nothing relies on clipping.
bool isVector(const QPainter& painter);

} // namespace orrery::ui
