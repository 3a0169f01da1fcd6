// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "measure/bench.h"
#include "session.h"

namespace orrery::app {

/// Runs (or resumes) a benchmark with progress, and prints what it measured.
int benchAndPrint(Session& session, const measure::BenchRequest& request);
int resumeAndPrint(Session& session, store::RunId run);
/// Finds parts in the session's registry.
measure::PartFinder partFinder(Session& session);
/// A figure with a table as its body, as text on stdout.
void printTableFigure(const figure::Figure& figure);

} // namespace orrery::app
