// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QRectF>

#include <optional>
#include <vector>

namespace orrery::ui {

/// How values are spread over the colours.
enum class Transfer { Linear, SquareRoot, Logarithmic };

/// What a person has done to a figure: kept apart from its data, so that the same painter draws the widget
/// with it and the report without it. Rows and columns mean, by kind: heatmap and attention lines: query,
/// key; head grid: layer, head; token strip: index of the scores, token; series: curve, point; bars: group,
/// category; table: row, column. -1 is none.
struct FigureState {
    int row = -1; ///< selected
    int column = -1;
    int hoverRow = -1; ///< under the pointer, here or in a linked view
    int hoverColumn = -1;
    bool focused = false;         ///< the keyboard is here: the cursor is drawn
    std::optional<QRectF> window; ///< heatmap: visible part in cells; everything when empty
    Transfer transfer = Transfer::Linear;
    bool shareScale = false;       ///< head grid: one colour scale for all heads, not one a head
    int scores = 0;                ///< token strip: which scores colour the tokens
    std::vector<bool> hiddenHeads; ///< attention lines: heads switched off; empty shows all
    int pinnedQuery = -1;          ///< attention lines: only this token's lines
    int pinnedKey = -1;
};

} // namespace orrery::ui
