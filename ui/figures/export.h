// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/figure.h"
#include "figures/figure_state.h"
#include "figures/style.h"

#include <QByteArray>
#include <QSizeF>
#include <QString>

class QPainter;

namespace orrery::ui {

struct ExportOptions {
    /// In CSS pixels (1/96 inch); an empty height is chosen to fit the figure. See millimetres().
    QSizeF size{760, 0};
    FigureStyle style = FigureStyle::light();
    FigureState state;      ///< zoom and choices to keep; selection is drawn when set
    bool heading = true;    ///< title above, caption below
    bool background = true; ///< filled; else transparent

    static QSizeF millimetres(double width, double height) {
        return {width * 96.0 / 25.4, height * 96.0 / 25.4};
    }
};

// All of these need a QApplication (the "offscreen" platform will do: no screen is used) and run on its
// thread. Values are computed here and now, so a large lazy matrix takes its time.

/// Height in CSS pixels that the figure asks for at a width, heading included.
double preferredHeight(const figure::Figure& figure, double width, const ExportOptions& options = {});

/// Draws a whole figure into the rectangle; what all of the functions below do.
void paintFigure(QPainter& painter, const QRectF& rect, const figure::Figure& figure,
                 const ExportOptions& options = {});

/// SVG with text as text elements and the provenance in <metadata>.
QByteArray renderSvg(const figure::Figure& figure, const ExportOptions& options = {});
/// One page of the size of the figure; fonts embedded, provenance in the XMP metadata.
QByteArray renderPdf(const figure::Figure& figure, const ExportOptions& options = {});
/// scale: device pixels for one CSS pixel; provenance in a text chunk ("Provenance").
QByteArray renderPng(const figure::Figure& figure, double scale = 2.0, const ExportOptions& options = {});

} // namespace orrery::ui
