// SPDX-License-Identifier: GPL-3.0-or-later
#include "figure/csv.h"

#include "figure/figure.h"
#include "figure/matrix_json.h"
#include "figure/serialize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace orrery::figure {

void CsvWriter::separate() {
    if (!m_atStart)
        m_text += ',';
    m_atStart = false;
}

CsvWriter& CsvWriter::text(std::string_view value) {
    separate();
    if (value.find_first_of(",\"\r\n") == std::string_view::npos) {
        m_text += value;
        return *this;
    }
    m_text += '"';
    for (const char c : value) {
        if (c == '"')
            m_text += '"';
        m_text += c;
    }
    m_text += '"';
    return *this;
}

CsvWriter& CsvWriter::number(double value) {
    separate();
    if (!std::isnan(value))
        m_text += fmt::format("{}", value);
    return *this;
}

CsvWriter& CsvWriter::number(float value) {
    separate();
    if (!std::isnan(value))
        m_text += fmt::format("{}", value);
    return *this;
}

CsvWriter& CsvWriter::integer(std::int64_t value) {
    separate();
    m_text += fmt::format("{}", value);
    return *this;
}

CsvWriter& CsvWriter::empty() {
    separate();
    return *this;
}

void CsvWriter::endRow() {
    m_text += '\n';
    m_atStart = true;
}

namespace {

std::string titled(const std::string& title, const std::string& unit, const char* otherwise) {
    const std::string name = title.empty() ? otherwise : title;
    return unit.empty() ? name : fmt::format("{} ({})", name, unit);
}

/// Labels fit only when nothing was pooled; else the first true position of the block stands for it.
void position(CsvWriter& csv, const std::vector<std::string>& labels, std::int64_t index,
              std::int64_t factor) {
    if (factor == 1 && index < static_cast<std::int64_t>(labels.size()))
        csv.text(labels[static_cast<std::size_t>(index)]);
    else
        csv.integer(index * factor);
}

double valueAt(const std::vector<double>& values, std::size_t index) {
    return index < values.size() ? values[index] : std::nan("");
}

struct CsvBody {
    CsvWriter& csv;
    std::int64_t factor;

    void operator()(const Heatmap& map) const {
        if (!map.values)
            return;
        const Materialised matrix = materialise(*map.values, factor);
        csv.text(fmt::format("{} \\ {}", titled(map.y.title, map.y.unit, "row"),
                             titled(map.x.title, map.x.unit, "column")));
        for (std::int64_t c = 0; c < matrix.columns; ++c)
            position(csv, map.x.labels, c, factor);
        csv.endRow();
        for (std::int64_t r = 0; r < matrix.rows; ++r) {
            position(csv, map.y.labels, r, factor);
            for (std::int64_t c = 0; c < matrix.columns; ++c)
                csv.number(matrix.values[static_cast<std::size_t>(r * matrix.columns + c)]);
            csv.endRow();
        }
    }

    void longForm(const MatrixSource& source, const std::vector<std::string>& rows,
                  const std::vector<std::string>& columns, const auto& prefix) const {
        const Materialised matrix = materialise(source, factor);
        for (std::int64_t r = 0; r < matrix.rows; ++r)
            for (std::int64_t c = 0; c < matrix.columns; ++c) {
                prefix();
                csv.integer(r * factor).integer(c * factor);
                position(csv, rows, r, factor);
                position(csv, columns, c, factor);
                csv.number(matrix.values[static_cast<std::size_t>(r * matrix.columns + c)]);
                csv.endRow();
            }
    }

    void operator()(const HeadGrid& grid) const {
        const bool scores = !grid.scores.empty();
        const std::string scoreName = grid.scoreName.empty() ? "score" : grid.scoreName;
        csv.text("layer").text("head");
        if (scores)
            csv.text(scoreName);
        if (!grid.maps.empty())
            csv.text("query").text("key").text("query token").text("key token").text("value");
        csv.endRow();
        for (int layer = 0; layer < grid.layers; ++layer)
            for (int head = 0; head < grid.heads; ++head) {
                const auto index = static_cast<std::size_t>(layer) * static_cast<std::size_t>(grid.heads) +
                                   static_cast<std::size_t>(head);
                const auto prefix = [&] {
                    csv.integer(layer).integer(head);
                    if (scores)
                        csv.number(valueAt(grid.scores, index));
                };
                if (grid.maps.empty()) {
                    prefix();
                    csv.endRow();
                } else if (index < grid.maps.size() && grid.maps[index]) {
                    longForm(*grid.maps[index], grid.tokens, grid.tokens, prefix);
                }
            }
    }
    void operator()(const AttentionLines& lines) const {
        csv.text("head")
            .text("query")
            .text("key")
            .text("query token")
            .text("key token")
            .text("value")
            .endRow();
        for (std::size_t head = 0; head < lines.heads.size(); ++head)
            if (lines.heads[head])
                longForm(*lines.heads[head], lines.queries, lines.keys, [&] {
                    csv.text(head < lines.headNames.size() ? lines.headNames[head] : std::to_string(head));
                });
    }
    void operator()(const TokenStrip& strip) const {
        csv.text("position").text("token");
        if (!strip.wordIds.empty())
            csv.text("word");
        for (const auto& row : strip.scores)
            csv.text(row.name);
        csv.endRow();
        for (std::size_t i = 0; i < strip.tokens.size(); ++i) {
            csv.integer(static_cast<std::int64_t>(i)).text(strip.tokens[i]);
            if (!strip.wordIds.empty())
                csv.integer(i < strip.wordIds.size() ? strip.wordIds[i] : -1);
            for (const auto& row : strip.scores)
                csv.number(valueAt(row.values, i));
            csv.endRow();
        }
    }
    void operator()(const Series& series) const {
        csv.text("curve")
            .text(titled(series.x.title, series.x.unit, "x"))
            .text(titled(series.y.title, series.y.unit, "y"))
            .text("low")
            .text("high");
        const bool labelled = std::any_of(series.curves.begin(), series.curves.end(),
                                          [](const auto& curve) { return !curve.labels.empty(); });
        if (labelled)
            csv.text("point");
        csv.endRow();
        for (const auto& curve : series.curves)
            for (std::size_t i = 0; i < curve.x.size(); ++i) {
                csv.text(curve.name).number(curve.x[i]).number(valueAt(curve.y, i));
                csv.number(valueAt(curve.low, i)).number(valueAt(curve.high, i));
                if (labelled)
                    csv.text(i < curve.labels.size() ? curve.labels[i] : std::string());
                csv.endRow();
            }
    }
    void operator()(const Bars& bars) const {
        csv.text(titled(bars.categories.title, bars.categories.unit, "category"));
        std::size_t most = bars.categories.labels.size();
        for (const auto& group : bars.groups) {
            csv.text(group.name);
            if (!group.low.empty())
                csv.text(group.name + " low").text(group.name + " high");
            most = std::max(most, group.values.size());
        }
        csv.endRow();
        for (std::size_t i = 0; i < most; ++i) {
            position(csv, bars.categories.labels, static_cast<std::int64_t>(i), 1);
            for (const auto& group : bars.groups) {
                csv.number(valueAt(group.values, i));
                if (!group.low.empty())
                    csv.number(valueAt(group.low, i)).number(valueAt(group.high, i));
            }
            csv.endRow();
        }
    }
    void operator()(const Table& table) const {
        for (const auto& column : table.columns)
            csv.text(titled(column.title, column.unit, ""));
        csv.endRow();
        for (const auto& row : table.rows) {
            for (const auto& cell : row)
                std::visit(
                    [&](const auto& held) {
                        using Held = std::decay_t<decltype(held)>;
                        if constexpr (std::is_same_v<Held, std::monostate>)
                            csv.empty();
                        else if constexpr (std::is_same_v<Held, std::string>)
                            csv.text(held);
                        else if constexpr (std::is_same_v<Held, bool>)
                            csv.text(held ? "true" : "false");
                        else if constexpr (std::is_same_v<Held, double>)
                            csv.number(held);
                        else
                            csv.integer(held);
                    },
                    cell);
            csv.endRow();
        }
    }
    void operator()(const Text& text) const {
        csv.text("text").endRow();
        csv.text(text.markdown).endRow();
    }
};

} // namespace

std::string toCsv(const Figure& figure, std::int64_t maxCells) {
    CsvWriter csv;
    std::visit(CsvBody{csv, poolingFactor(figure, maxCells)}, figure.body);
    return csv.result();
}

} // namespace orrery::figure
