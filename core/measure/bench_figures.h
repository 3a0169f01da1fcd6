// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/figure.h"
#include "measure/machine.h"
#include "measure/statistics.h"
#include "store/workspace.h"

#include <span>
#include <string>
#include <vector>

namespace orrery::measure {

/// What is compared: two cells and what their samples say. a is measured against b.
struct CellComparison {
    store::Cell a;
    store::Cell b;
    Comparison result;
};

/// Figures of a bench run: "time" (series with intervals over the axis that varies most, a curve per
/// setting), "rate" (the same in tokens per second), "cells" (table), and "comparison" where settings do the
/// same work.
[[nodiscard]] std::vector<figure::Figure> benchFigures(const store::Workspace& workspace, store::RunId run);

/// Every other setting of the same work against the first one, with Holm's correction over all of them.
[[nodiscard]] std::vector<CellComparison> compareWithin(const store::Workspace& workspace, store::RunId run);
/// The cells that two runs share (equal settings), run b against run a.
[[nodiscard]] std::vector<CellComparison> compareRuns(const store::Workspace& workspace, store::RunId a,
                                                      store::RunId b);
/// Table of setting, medians, ratio, interval, p and verdict.
[[nodiscard]] figure::Figure comparisonTable(std::span<const CellComparison> comparisons,
                                             const std::string& nameA, const std::string& nameB);
/// Only options and environment fields in which the runs differ.
[[nodiscard]] figure::Figure differenceTable(const store::Workspace& workspace,
                                             std::span<const store::RunId> runs);

/// A dot of the roofline.
struct RooflinePoint {
    std::string name;  ///< up to the first " · " it stands beside the point
    std::string group; ///< operations of one kind look alike
    double operationsPerByte = 0;
    double operationsPerSecond = 0;
};
/// Roofline (Williams, Waterman & Patterson, 2009): measured ceilings as lines, operations as points, both
/// axes logarithmic.
[[nodiscard]] figure::Figure rooflineFigure(const Ceilings& ceilings, std::span<const RooflinePoint> points);

} // namespace orrery::measure
