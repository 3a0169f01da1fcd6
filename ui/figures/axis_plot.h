// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/figure.h"
#include "figures/figure_state.h"
#include "figures/style.h"

#include <QPointF>
#include <QRectF>
#include <QString>

#include <optional>

class QCustomPlot;
class QPainter;

namespace orrery::ui {

/// Fills an empty QCustomPlot with the curves or bars of a figure; what the widget shows and exports draw.
/// width decides how the legend wraps and how tick labels are cut.
void fillAxisPlot(QCustomPlot& plot, const figure::Figure& figure, const FigureStyle& style,
                  const FigureState& state, double width);

/// Draws it into a rectangle of any painter. Needs a QApplication.
void drawAxisPlot(QPainter& painter, const QRectF& rect, const figure::Figure& figure,
                  const FigureStyle& style, const FigureState& state);

/// Where a data point lies in axis coordinates: (curve, point) of series, (group, category) of bars.
std::optional<QPointF> dataPoint(const figure::Figure& figure, int row, int column);

/// "curve, x title 3, y title: 0.12 [0.10, 0.14]"
QString describePoint(const figure::Figure& figure, int row, int column);

/// Rows and columns a cursor can move over, see FigureState; columns of one row.
int dataRows(const figure::Figure& figure);
int dataColumns(const figure::Figure& figure, int row);

} // namespace orrery::ui
