// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/figure.h"
#include "session.h"

#include <filesystem>
#include <string>
#include <vector>

namespace orrery::app {

/// "svg,csv" to its names; UsageError for others than svg, pdf, png, csv, json, npy, html.
std::vector<std::string> parseFormats(const std::string& text);

/// Writes every figure in every format into the folder (made when missing) as ID.FORMAT; html is one report
/// of all of them. Returns the files.
std::vector<std::filesystem::path> writeFigures(Session& session, const std::vector<figure::Figure>& figures,
                                                const std::filesystem::path& folder,
                                                const std::vector<std::string>& formats);

OrderedJson figureJson(const figure::Figure& figure);

} // namespace orrery::app
