// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "store/workspace.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace orrery::measure {

/// Csv: a row per cell with statistics; Samples: CSV with a row per sample; Json: everything of the runs,
/// samples too; Hyperfine: its JSON (seconds); LlamaBench: CSV with the columns of llama-bench (nanoseconds,
/// tokens per second).
enum class ExportFormat { Csv, Samples, Json, Hyperfine, LlamaBench };
[[nodiscard]] std::optional<ExportFormat>
exportFormatFromName(std::string_view name); ///< "csv", "hyperfine", ...
[[nodiscard]] std::string_view name(ExportFormat format);
[[nodiscard]] std::string exportRuns(const store::Workspace& workspace, std::span<const store::RunId> runs,
                                     ExportFormat format);

} // namespace orrery::measure
