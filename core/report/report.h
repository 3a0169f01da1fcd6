// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/figure.h"

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace orrery::report {

/// Words in Markdown.
struct Paragraph {
    std::string markdown;
};

/// A remark set apart from the text: a person's note on a figure, a caveat of a method.
struct Note {
    std::string title; ///< "Note" when empty
    std::string markdown;
};

/// A figure with its caption and provenance. A table that deserves a number is a figure too.
struct FigureBlock {
    std::shared_ptr<const figure::Figure> figure; ///< never null
};

/// A table within the text, without number and provenance.
struct TableBlock {
    figure::Table table;
    std::string caption;
};

using Block = std::variant<Paragraph, Note, FigureBlock, TableBlock>;

struct Section {
    std::string title;
    int level = 1; ///< 1 for chapters, 2 and 3 below them
    std::vector<Block> blocks;
};

/// What is written for others to read: plain data, written out by markdown.h, html.h and the window's PDF.
struct Report {
    std::string title;
    std::string summary; ///< one paragraph with the result, Markdown
    std::vector<Section> sections;
    /// What it was made on: (name, value), "Processor", "Version", ... Written as the last section.
    std::vector<std::pair<std::string, std::string>> environment;
    std::string created; ///< ISO 8601 with zone
};

/// Numbers for headings, one a section: "1", "1.1", "2".
std::vector<std::string> sectionNumbers(const Report& report);

/// Figures in order of appearance; figure numbers count them from 1.
std::vector<std::shared_ptr<const figure::Figure>> figures(const Report& report);

/// Text of a table's cell as reports show it: doubles to the column's digits, empty for no value.
std::string cellText(const figure::Table::Cell& cell, int digits);

/// The figure's numbers as a table, for writers that cannot draw: small matrices cell by cell (large ones
/// pooled to at most 16 x 16 means), curves and bars by point, tokens with their scores.
figure::Table asTable(const figure::Figure& figure);

/// (name, value) lines of a provenance that are not empty, in the order that reports show them.
std::vector<std::pair<std::string, std::string>> provenanceLines(const figure::Provenance& provenance);

} // namespace orrery::report
