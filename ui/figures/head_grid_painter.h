// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/figure.h"
#include "figures/figure_state.h"
#include "figures/head_grid_maps.h"
#include "figures/style.h"

#include <QPoint>
#include <QRectF>

class QPainter;

namespace orrery::ui {

/// Draws all heads of a model as small maps: layers from the top down, heads from left to right.
class HeadGridPainter {
public:
    explicit HeadGridPainter(std::shared_ptr<const figure::Figure> figure);

    struct Layout {
        QRectF grid;
        QRectF bar;  ///< colour bar, empty when each head has its own scale
        QRectF note; ///< line below: scale and scores in words
        double cellWidth = 0;
        double cellHeight = 0;
        double map = 0;   ///< side of the square map in a cell
        double score = 0; ///< height of the score bar below it
    };

    [[nodiscard]] const figure::HeadGrid& grid() const { return *m_grid; }
    [[nodiscard]] Layout layout(const QRectF& rect, const FigureStyle& style, const FigureState& state) const;
    void draw(QPainter& painter, const QRectF& rect, const FigureStyle& style, const FigureState& state,
              const HeadGridMaps& maps) const;
    /// Only the frames of what is selected and hovered, and their words: over a kept picture of the rest.
    void drawSelection(QPainter& painter, const QRectF& rect, const FigureStyle& style,
                       const FigureState& state) const;
    [[nodiscard]] double preferredHeight(double width, const FigureStyle& style) const;
    /// (head, layer) at a point, (-1, -1) beside the maps.
    [[nodiscard]] QPoint headAt(const Layout& layout, QPointF point) const;
    [[nodiscard]] QRectF cell(const Layout& layout, int layer, int head) const;
    /// "L3H5, entropy 1.24"
    [[nodiscard]] QString describe(int layer, int head) const;
    [[nodiscard]] std::optional<double> score(int layer, int head) const;

private:
    void drawMap(QPainter& painter, const QRectF& where, const PooledMap& map,
                 const ValueColours& colours) const;
    void drawScore(QPainter& painter, const QRectF& where, double value, const FigureStyle& style) const;
    void drawLabels(QPainter& painter, const Layout& layout, const FigureStyle& style) const;

    std::shared_ptr<const figure::Figure> m_figure;
    const figure::HeadGrid* m_grid;
    ValueRange m_scores;
};

} // namespace orrery::ui
