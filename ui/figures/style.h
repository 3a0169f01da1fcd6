// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figures/colour_map.h"

#include <QColor>
#include <QFont>
#include <QPalette>

#include <array>

namespace orrery::ui {

/// What a painter may draw with: the same on the screen, in an export and in a report.
struct FigureStyle {
    bool dark = false;
    QColor background;
    QColor text;
    QColor muted;   ///< axis titles, captions, legends
    QColor grid;    ///< lines behind data
    QColor frame;   ///< around plots and boxes
    QColor accent;  ///< selection
    QColor surface; ///< of boxes: tokens without a value, table heads
    QColor missing; ///< cells without a value (NaN)
    QColor hatch;   ///< lines over masked cells
    QFont font;     ///< with a size in pixels, so that screen and paper agree
    QFont mono;
    ColourMapId sequential = ColourMapId::Viridis;

    /// Ten colours that colour-blind eyes tell apart, of similar weight on the background; beyond ten they
    /// repeat and line patterns must tell (see pattern()).
    [[nodiscard]] QColor category(int index) const;
    [[nodiscard]] Qt::PenStyle pattern(int index) const; ///< solid for the first ten, then dashed, dotted
    [[nodiscard]] QFont sized(double factor, bool bold = false) const;

    static FigureStyle light(double pixelSize = 13);
    static FigureStyle darkTheme(double pixelSize = 13);
    /// Colours that fit the palette of a widget (dark when its base is dark), its font.
    static FigureStyle of(const QPalette& palette, const QFont& font);
};

} // namespace orrery::ui
