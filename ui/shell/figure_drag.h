// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figures/figure_view.h"

class QMimeData;

namespace orrery::ui {

/// Lets a figure be dragged by its title or caption, into the report or out of the window (as a picture).
void makeDraggable(FigureView& view);

/// The figure of a drag, or null.
[[nodiscard]] FigureWidget::Pointer draggedFigure(const QMimeData& data);

} // namespace orrery::ui
