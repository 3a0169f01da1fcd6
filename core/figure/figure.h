// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/matrix_source.h"
#include "figure/provenance.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace orrery::figure {

/// How numbers become colours. Sequential for magnitudes; Diverging is centred at zero with symmetric limits.
enum class ColourScale { Sequential, Diverging };

struct Axis {
    std::string title;
    std::string unit;                ///< "" for pure numbers
    std::vector<std::string> labels; ///< of positions (tokens, layers); empty for a numeric axis
    bool logarithmic = false;
};

/// A matrix as colours: attention maps, layer x position grids. Values may be lazy (see MatrixSource).
struct Heatmap {
    Axis x; ///< columns
    Axis y; ///< rows, drawn from the top down
    std::shared_ptr<const MatrixSource> values;
    ColourScale scale = ColourScale::Sequential;
    std::optional<double> low; ///< limits of the colour scale; from the values when missing
    std::optional<double> high;
    std::string quantity; ///< what the numbers are, for the colour bar ("attention weight")
    std::string unit;
    /// Text printed in each cell (row-major, rows x columns) or empty: the logit lens prints tokens.
    std::vector<std::string> cellText;
    /// First column of each row that is masked (causal models: row + 1); empty when nothing is.
    std::vector<std::int64_t> maskedFrom;
};

/// All heads of a model in one picture: layers x heads small maps.
struct HeadGrid {
    int layers = 0;
    int heads = 0;
    std::vector<std::shared_ptr<const MatrixSource>> maps; ///< layer * heads + head
    /// A number for each head and what it is (an ablation effect, an entropy), or empty.
    std::vector<double> scores;
    std::string scoreName;
    std::vector<std::string> tokens; ///< of the rows and columns
    /// Heads that share keys and values (grouped-query attention): heads per group; 1 when each has its own.
    int groupSize = 1;
};

/// Tokens in reading order, coloured by one of several rows of scores.
struct TokenStrip {
    struct Scores {
        std::string name;
        std::vector<double> values; ///< one a token; NaN: no value
        ColourScale scale = ColourScale::Sequential;
    };
    std::vector<std::string> tokens;
    std::vector<std::int64_t> wordIds; ///< -1 for special tokens; empty when unknown
    std::vector<Scores> scores;
};

/// Lines from query tokens to key tokens, as BertViz draws them; line strength is the weight.
struct AttentionLines {
    std::vector<std::string> queries;
    std::vector<std::string> keys;
    std::vector<std::shared_ptr<const MatrixSource>> heads;
    std::vector<std::string> headNames;
};

/// Curves with intervals.
struct Series {
    struct Curve {
        std::string name;
        std::vector<double> x;
        std::vector<double> y;
        std::vector<double> low; ///< lower ends of the intervals; empty for none
        std::vector<double> high;
        /// What each point is; empty for none. Shown when it is pointed at, and up to the first " · " beside
        /// it where there is room.
        std::vector<std::string> labels{};
        enum class Marks {
            Automatic, ///< joined, and marked where they are few; as pointsOnly says
            Line,      ///< joined, not marked: a ceiling
            Points,    ///< marked, not joined
        };
        Marks marks = Marks::Automatic;
    };
    Axis x;
    Axis y;
    std::vector<Curve> curves;
    std::string intervalName; ///< "95 % bootstrap interval"
    bool pointsOnly = false;  ///< a scatter (roofline dots)
};

/// Grouped bars with intervals.
struct Bars {
    struct Group {
        std::string name;
        std::vector<double> values; ///< one a category
        std::vector<double> low;
        std::vector<double> high;
    };
    Axis categories; ///< labels name them
    Axis y;
    std::vector<Group> groups;
    std::string intervalName;
};

struct Table {
    using Cell = std::variant<std::monostate, std::string, double, std::int64_t, bool>;
    struct Column {
        std::string title;
        std::string unit;
        int digits = 4; ///< significant digits shown of doubles
    };
    std::vector<Column> columns;
    std::vector<std::vector<Cell>> rows;
};

/// Words, in Markdown.
struct Text {
    std::string markdown;
};

using Body = std::variant<Heatmap, HeadGrid, TokenStrip, AttentionLines, Series, Bars, Table, Text>;

/// What a user looks at: plain data, drawn by one widget a kind, on the screen and in the report alike.
struct Figure {
    std::string id; ///< short and stable within its analysis, fit for a file name: "rollout", "entropy"
    std::string title;
    std::string caption; ///< what it shows and how to read it, one or two sentences
    Body body;
    Provenance provenance;
};

/// "heatmap", "head_grid", "token_strip", "attention_lines", "series", "bars", "table", "text".
std::string_view kindName(const Figure& figure);

} // namespace orrery::figure
