// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figures/heatmap_painter.h"

namespace orrery::ui {

/// What one drawing of a heatmap carries from step to step.
struct HeatmapPainter::Pass {
    QPainter& painter;
    const FigureStyle& style;
    const FigureState& state;
    HeatmapValues& values;
    Layout layout;
    ValueColours colours;
    std::shared_ptr<const Overview> overview;
};

} // namespace orrery::ui
