// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/figure.h"
#include "figures/figure_state.h"
#include "figures/style.h"
#include "figures/value_colours.h"

#include <QRectF>
#include <QStringList>

#include <vector>

class QPainter;

namespace orrery::ui {

/// Draws tokens as running text in coloured boxes.
class TokenStripPainter {
public:
    explicit TokenStripPainter(std::shared_ptr<const figure::Figure> figure);

    struct Layout {
        QRectF legend; ///< name and colour bar of the scores; empty without scores
        std::vector<QRectF> boxes;
        double height = 0;
    };

    [[nodiscard]] const figure::TokenStrip& strip() const { return *m_strip; }
    /// Boxes for a width, from the top left of the rectangle down; the height follows.
    [[nodiscard]] Layout layout(const QRectF& rect, const FigureStyle& style) const;
    /// visible: part of the rectangle that must be drawn, for long texts.
    void draw(QPainter& painter, const Layout& layout, const FigureStyle& style, const FigureState& state,
              const QRectF& visible) const;
    [[nodiscard]] double preferredHeight(double width, const FigureStyle& style) const;
    [[nodiscard]] static int tokenAt(const Layout& layout, QPointF point); ///< -1 for none
    [[nodiscard]] QString describe(int token, int scores) const;
    [[nodiscard]] double value(int token, int scores) const; ///< NaN for none

private:
    std::shared_ptr<const figure::Figure> m_figure;
    const figure::TokenStrip* m_strip;
    QStringList m_tokens;
};

} // namespace orrery::ui
