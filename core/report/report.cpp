// SPDX-License-Identifier: GPL-3.0-or-later
#include "report/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace orrery::report {

namespace {

using figure::Table;

constexpr std::int64_t mostRows = 16; // of a matrix written as numbers

std::string label(const figure::Axis& axis, std::int64_t index) {
    if (static_cast<std::size_t>(index) < axis.labels.size())
        return fmt::format("{} {}", index, axis.labels[static_cast<std::size_t>(index)]);
    return std::to_string(index);
}

Table matrixTable(const figure::MatrixSource& source, const figure::Axis& x, const figure::Axis& y) {
    const std::int64_t largest = std::max(source.rows(), source.columns());
    const std::int64_t factor = std::max<std::int64_t>(1, (largest + mostRows - 1) / mostRows);
    const std::vector<float> values = source.pooled(factor);
    const std::int64_t rows = (source.rows() + factor - 1) / factor;
    const std::int64_t columns = (source.columns() + factor - 1) / factor;
    const auto name = [&](const figure::Axis& axis, std::int64_t index, std::int64_t size) {
        if (factor == 1)
            return label(axis, index);
        return fmt::format("{}–{}", index * factor, std::min((index + 1) * factor, size) - 1);
    };
    Table table;
    table.columns.push_back({y.title + (factor > 1 ? " (means)" : ""), "", 4});
    for (std::int64_t c = 0; c < columns; ++c)
        table.columns.push_back({name(x, c, source.columns()), "", 3});
    for (std::int64_t r = 0; r < rows; ++r) {
        std::vector<Table::Cell> row{name(y, r, source.rows())};
        for (std::int64_t c = 0; c < columns; ++c)
            row.emplace_back(static_cast<double>(values[static_cast<std::size_t>(r * columns + c)]));
        table.rows.push_back(std::move(row));
    }
    return table;
}

void addNumber(std::vector<Table::Cell>& row, const std::vector<double>& values, std::size_t index) {
    if (index < values.size())
        row.emplace_back(values[index]);
    else
        row.emplace_back();
}

struct Tabulator {
    Table operator()(const figure::Heatmap& heatmap) const {
        return matrixTable(*heatmap.values, heatmap.x, heatmap.y);
    }

    Table operator()(const figure::HeadGrid& grid) const {
        Table table;
        table.columns.push_back({"layer", "", 4});
        for (int head = 0; head < grid.heads; ++head)
            table.columns.push_back({fmt::format("head {}", head), "", 4});
        for (int layer = 0; layer < grid.layers; ++layer) {
            std::vector<Table::Cell> row{std::int64_t{layer}};
            for (int head = 0; head < grid.heads; ++head) {
                const auto index = static_cast<std::size_t>(layer) * static_cast<std::size_t>(grid.heads) +
                                   static_cast<std::size_t>(head);
                if (index < grid.scores.size())
                    row.emplace_back(grid.scores[index]);
                else if (index < grid.maps.size() && grid.maps[index])
                    row.emplace_back(
                        fmt::format("{} × {}", grid.maps[index]->rows(), grid.maps[index]->columns()));
                else
                    row.emplace_back();
            }
            table.rows.push_back(std::move(row));
        }
        return table;
    }

    Table operator()(const figure::TokenStrip& strip) const {
        Table table;
        table.columns = {{"position", "", 4}, {"token", "", 4}};
        for (const auto& scores : strip.scores)
            table.columns.push_back({scores.name, "", 4});
        for (std::size_t i = 0; i < strip.tokens.size(); ++i) {
            std::vector<Table::Cell> row{static_cast<std::int64_t>(i), strip.tokens[i]};
            for (const auto& scores : strip.scores)
                addNumber(row, scores.values, i);
            table.rows.push_back(std::move(row));
        }
        return table;
    }

    Table operator()(const figure::AttentionLines& lines) const {
        // For each query the key that every head looks at most.
        Table table;
        table.columns.push_back({"query", "", 4});
        for (std::size_t head = 0; head < lines.heads.size(); ++head)
            table.columns.push_back(
                {head < lines.headNames.size() ? lines.headNames[head] : fmt::format("head {}", head), "",
                 4});
        for (std::size_t q = 0; q < lines.queries.size() && q < 64; ++q) {
            std::vector<Table::Cell> row{fmt::format("{} {}", q, lines.queries[q])};
            for (const auto& head : lines.heads) {
                if (!head || static_cast<std::int64_t>(q) >= head->rows() || head->columns() == 0) {
                    row.emplace_back();
                    continue;
                }
                std::vector<float> weights(static_cast<std::size_t>(head->columns()));
                head->tile(static_cast<std::int64_t>(q), 0, 1, head->columns(), weights);
                const auto best = std::max_element(weights.begin(), weights.end());
                const auto key = static_cast<std::size_t>(best - weights.begin());
                row.emplace_back(fmt::format(
                    "{} {} ({:.2f})", key, key < lines.keys.size() ? lines.keys[key] : std::string(), *best));
            }
            table.rows.push_back(std::move(row));
        }
        return table;
    }

    Table operator()(const figure::Series& series) const {
        Table table;
        table.columns = {
            {"curve", "", 4}, {series.x.title, series.x.unit, 6}, {series.y.title, series.y.unit, 6}};
        const bool intervals = std::any_of(series.curves.begin(), series.curves.end(),
                                           [](const auto& curve) { return !curve.low.empty(); });
        if (intervals) {
            table.columns.push_back({"low", series.y.unit, 6});
            table.columns.push_back({"high", series.y.unit, 6});
        }
        for (const auto& curve : series.curves)
            for (std::size_t i = 0; i < curve.x.size() && i < curve.y.size(); ++i) {
                std::vector<Table::Cell> row{
                    i < curve.labels.size() ? fmt::format("{}: {}", curve.name, curve.labels[i]) : curve.name,
                    curve.x[i], curve.y[i]};
                if (intervals)
                    for (const auto* ends : {&curve.low, &curve.high})
                        addNumber(row, *ends, i);
                table.rows.push_back(std::move(row));
            }
        return table;
    }

    Table operator()(const figure::Bars& bars) const {
        Table table;
        table.columns.push_back({bars.categories.title, "", 4});
        std::size_t categories = bars.categories.labels.size();
        for (const auto& group : bars.groups) {
            table.columns.push_back({group.name.empty() ? bars.y.title : group.name, bars.y.unit, 5});
            categories = std::max(categories, group.values.size());
        }
        for (std::size_t i = 0; i < categories; ++i) {
            std::vector<Table::Cell> row;
            if (i < bars.categories.labels.size())
                row.emplace_back(bars.categories.labels[i]);
            else
                row.emplace_back(static_cast<std::int64_t>(i));
            for (const auto& group : bars.groups) {
                if (i >= group.values.size())
                    row.emplace_back();
                else if (i < group.low.size() && i < group.high.size())
                    row.emplace_back(
                        fmt::format("{:.5g} [{:.5g}, {:.5g}]", group.values[i], group.low[i], group.high[i]));
                else
                    row.emplace_back(group.values[i]);
            }
            table.rows.push_back(std::move(row));
        }
        return table;
    }

    Table operator()(const Table& table) const { return table; }

    Table operator()(const figure::Text& text) const { return {{{"text", "", 4}}, {{text.markdown}}}; }
};

} // namespace

std::vector<std::string> sectionNumbers(const Report& report) {
    std::array<int, 3> counts{};
    std::vector<std::string> numbers;
    for (const Section& section : report.sections) {
        const auto level = static_cast<std::size_t>(std::clamp(section.level, 1, 3));
        ++counts[level - 1];
        std::fill(counts.begin() + static_cast<std::ptrdiff_t>(level), counts.end(), 0);
        std::string number;
        for (std::size_t i = 0; i < level; ++i)
            number += (i > 0 ? "." : "") + std::to_string(std::max(counts[i], 1));
        numbers.push_back(number);
        for (std::size_t i = 0; i < level; ++i) // a subsection before any section opens the first
            counts[i] = std::max(counts[i], 1);
    }
    return numbers;
}

std::vector<std::shared_ptr<const figure::Figure>> figures(const Report& report) {
    std::vector<std::shared_ptr<const figure::Figure>> found;
    for (const Section& section : report.sections)
        for (const Block& block : section.blocks)
            if (const auto* figure = std::get_if<FigureBlock>(&block))
                found.push_back(figure->figure);
    return found;
}

std::string cellText(const Table::Cell& cell, int digits) {
    if (const auto* text = std::get_if<std::string>(&cell))
        return *text;
    if (const auto* number = std::get_if<double>(&cell))
        return std::isnan(*number) ? "NaN" : fmt::format("{:.{}g}", *number, std::clamp(digits, 1, 17));
    if (const auto* integer = std::get_if<std::int64_t>(&cell))
        return std::to_string(*integer);
    if (const auto* flag = std::get_if<bool>(&cell))
        return *flag ? "yes" : "no";
    return {};
}

Table asTable(const figure::Figure& figure) {
    return std::visit(Tabulator{}, figure.body);
}

std::vector<std::pair<std::string, std::string>> provenanceLines(const figure::Provenance& provenance) {
    std::vector<std::pair<std::string, std::string>> lines;
    const auto add = [&](const char* name, const std::string& value) {
        if (!value.empty())
            lines.emplace_back(name, value);
    };
    add("Model", provenance.model);
    add("Model fingerprint", provenance.modelHash);
    add("Input", provenance.input);
    add("Input hash", provenance.inputHash);
    add("Part", provenance.part);
    add("Site", provenance.site);
    if (provenance.options.is_object() && !provenance.options.empty())
        add("Options", provenance.options.dump(-1, ' ', false, OrderedJson::error_handler_t::replace));
    if (!provenance.part.empty() || provenance.seed != 0)
        add("Seed", std::to_string(provenance.seed));
    add("Precision", provenance.dtype);
    if (provenance.threads > 0)
        add("Threads", std::to_string(provenance.threads));
    add("Orrery", provenance.version);
    add("Made", provenance.created);
    return lines;
}

} // namespace orrery::report
