// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "report/html.h"
#include "report/report.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace orrery::report {

/// The report as one Markdown text. Figures refer to FOLDER/NAME.svg as figureFileName() says; with an empty
/// folder they are written as tables.
std::string toMarkdown(const Report& report, std::string_view figureFolder = {});

/// Writes FILE.md and, when figures can be drawn, FILE_files/NN-id.svg beside it, each with NN-id.json of its
/// provenance. Throws Error when the disk refuses.
void writeMarkdown(const Report& report, const std::filesystem::path& file,
                   const FigureRenderer* renderer = nullptr);

/// "03-rollout": number and id of a figure, safe as a file name.
std::string figureFileName(int number, const figure::Figure& figure);

/// Text made safe within a Markdown paragraph or table cell.
std::string escapeMarkdown(std::string_view text);

/// A pipe table.
std::string markdownTable(const figure::Table& table);

} // namespace orrery::report
