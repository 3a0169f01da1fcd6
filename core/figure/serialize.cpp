// SPDX-License-Identifier: GPL-3.0-or-later
#include "figure/serialize.h"

#include "base/error.h"
#include "figure/matrix_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace orrery::figure {
namespace {

std::vector<const MatrixSource*> matricesOf(const Figure& figure) {
    std::vector<const MatrixSource*> found;
    if (const auto* map = std::get_if<Heatmap>(&figure.body))
        found.push_back(map->values.get());
    else if (const auto* grid = std::get_if<HeadGrid>(&figure.body))
        for (const auto& one : grid->maps)
            found.push_back(one.get());
    else if (const auto* lines = std::get_if<AttentionLines>(&figure.body))
        for (const auto& one : lines->heads)
            found.push_back(one.get());
    return found;
}

OrderedJson numbers(const std::vector<double>& values) {
    OrderedJson list = OrderedJson::array();
    for (const double value : values)
        list.push_back(numberToJson(value));
    return list;
}

OrderedJson axisToJson(const Axis& axis) {
    return {{"title", axis.title},
            {"unit", axis.unit},
            {"labels", axis.labels},
            {"logarithmic", axis.logarithmic}};
}

const char* scaleName(ColourScale scale) {
    return scale == ColourScale::Diverging ? "diverging" : "sequential";
}

const char* marksName(Series::Curve::Marks marks) {
    switch (marks) {
    case Series::Curve::Marks::Line:
        return "line";
    case Series::Curve::Marks::Points:
        return "points";
    case Series::Curve::Marks::Automatic:
        break;
    }
    return "automatic";
}

OrderedJson optionalNumber(const std::optional<double>& value) {
    return value ? numberToJson(*value) : OrderedJson(nullptr);
}

/// Labels of the first position of each pooled block, so that what is written fits together.
std::vector<std::string> pooledLabels(const std::vector<std::string>& labels, std::int64_t factor) {
    std::vector<std::string> kept;
    for (std::size_t i = 0; i < labels.size(); i += static_cast<std::size_t>(factor))
        kept.push_back(labels[i]);
    return kept;
}

struct BodyWriter {
    MatrixEncoding encoding;
    std::int64_t factor;

    [[nodiscard]] OrderedJson pooledAxis(const Axis& axis) const {
        OrderedJson json = axisToJson(axis);
        json["labels"] = pooledLabels(axis.labels, factor);
        return json;
    }
    [[nodiscard]] std::vector<std::int64_t> pooledMask(const std::vector<std::int64_t>& maskedFrom) const {
        std::vector<std::int64_t> kept;
        const auto step = static_cast<std::size_t>(factor);
        for (std::size_t i = 0; i < maskedFrom.size(); i += step)
            kept.push_back((maskedFrom[std::min(i + step, maskedFrom.size()) - 1] + factor - 1) / factor);
        return kept;
    }

    [[nodiscard]] OrderedJson
    matrices(const std::vector<std::shared_ptr<const MatrixSource>>& sources) const {
        OrderedJson list = OrderedJson::array();
        for (const auto& source : sources)
            list.push_back(matrixToJson(source.get(), encoding, factor));
        return list;
    }

    OrderedJson operator()(const Heatmap& map) const {
        return {{"x", pooledAxis(map.x)},
                {"y", pooledAxis(map.y)},
                {"matrix", matrixToJson(map.values.get(), encoding, factor)},
                {"scale", scaleName(map.scale)},
                {"low", optionalNumber(map.low)},
                {"high", optionalNumber(map.high)},
                {"quantity", map.quantity},
                {"unit", map.unit},
                {"cellText", factor > 1 ? std::vector<std::string>{} : map.cellText},
                {"maskedFrom", pooledMask(map.maskedFrom)}};
    }
    OrderedJson operator()(const HeadGrid& grid) const {
        return {{"layers", grid.layers},       {"heads", grid.heads},
                {"maps", matrices(grid.maps)}, {"scores", numbers(grid.scores)},
                {"scoreName", grid.scoreName}, {"tokens", pooledLabels(grid.tokens, factor)},
                {"groupSize", grid.groupSize}};
    }
    OrderedJson operator()(const TokenStrip& strip) const {
        OrderedJson scores = OrderedJson::array();
        for (const auto& row : strip.scores)
            scores.push_back(
                {{"name", row.name}, {"values", numbers(row.values)}, {"scale", scaleName(row.scale)}});
        return {{"tokens", strip.tokens}, {"wordIds", strip.wordIds}, {"scores", scores}};
    }
    OrderedJson operator()(const AttentionLines& lines) const {
        return {{"queries", pooledLabels(lines.queries, factor)},
                {"keys", pooledLabels(lines.keys, factor)},
                {"heads", matrices(lines.heads)},
                {"headNames", lines.headNames}};
    }
    OrderedJson operator()(const Series& series) const {
        OrderedJson curves = OrderedJson::array();
        for (const auto& curve : series.curves)
            curves.push_back({{"name", curve.name},
                              {"x", numbers(curve.x)},
                              {"y", numbers(curve.y)},
                              {"low", numbers(curve.low)},
                              {"high", numbers(curve.high)},
                              {"labels", curve.labels},
                              {"marks", marksName(curve.marks)}});
        return {{"x", axisToJson(series.x)},
                {"y", axisToJson(series.y)},
                {"curves", curves},
                {"intervalName", series.intervalName},
                {"pointsOnly", series.pointsOnly}};
    }
    OrderedJson operator()(const Bars& bars) const {
        OrderedJson groups = OrderedJson::array();
        for (const auto& group : bars.groups)
            groups.push_back({{"name", group.name},
                              {"values", numbers(group.values)},
                              {"low", numbers(group.low)},
                              {"high", numbers(group.high)}});
        return {{"categories", axisToJson(bars.categories)},
                {"y", axisToJson(bars.y)},
                {"groups", groups},
                {"intervalName", bars.intervalName}};
    }
    OrderedJson operator()(const Table& table) const {
        OrderedJson columns = OrderedJson::array();
        for (const auto& column : table.columns)
            columns.push_back({{"title", column.title}, {"unit", column.unit}, {"digits", column.digits}});
        OrderedJson rows = OrderedJson::array();
        for (const auto& row : table.rows) {
            OrderedJson cells = OrderedJson::array();
            for (const auto& cell : row)
                cells.push_back(cellToJson(cell));
            rows.push_back(std::move(cells));
        }
        return {{"columns", columns}, {"rows", rows}};
    }
    OrderedJson operator()(const Text& text) const { return {{"markdown", text.markdown}}; }

    /// Doubles are wrapped: 1.0 and the integer 1, "NaN" and the text "NaN" must come back as what they were.
    static OrderedJson cellToJson(const Table::Cell& cell) {
        return std::visit(
            [](const auto& held) -> OrderedJson {
                using Held = std::decay_t<decltype(held)>;
                if constexpr (std::is_same_v<Held, std::monostate>)
                    return nullptr;
                else if constexpr (std::is_same_v<Held, double>)
                    return {{"real", numberToJson(held)}};
                else
                    return held;
            },
            cell);
    }
};

/// Reads the parts of a body; every fault is an InputError that names the file or record.
class BodyReader {
public:
    explicit BodyReader(std::string where) : m_where(std::move(where)) {}

    [[nodiscard]] Body read(const std::string& kind, const Json& json) const {
        if (kind == "heatmap")
            return heatmap(json);
        if (kind == "head_grid")
            return headGrid(json);
        if (kind == "token_strip")
            return tokenStrip(json);
        if (kind == "attention_lines")
            return lines(json);
        if (kind == "series")
            return series(json);
        if (kind == "bars")
            return bars(json);
        if (kind == "table")
            return table(json);
        if (kind == "text")
            return Text{json.at("markdown").get<std::string>()};
        throw InputError(
            fmt::format("{}: there is no figure kind '{}'; it may come from a newer Orrery.", m_where, kind));
    }

private:
    [[nodiscard]] std::vector<double> numberList(const Json& json) const {
        if (!json.is_array())
            throw InputError(
                fmt::format("{}: a list of numbers is needed where something else stands.", m_where));
        std::vector<double> values;
        values.reserve(json.size());
        for (const Json& value : json)
            values.push_back(numberFromJson(value, m_where));
        return values;
    }
    [[nodiscard]] static Axis axis(const Json& json) {
        return {json.at("title").get<std::string>(), json.at("unit").get<std::string>(),
                json.at("labels").get<std::vector<std::string>>(), json.at("logarithmic").get<bool>()};
    }
    [[nodiscard]] static ColourScale scale(const Json& json) {
        return json == "diverging" ? ColourScale::Diverging : ColourScale::Sequential;
    }
    [[nodiscard]] std::optional<double> optional(const Json& json) const {
        if (json.is_null())
            return std::nullopt;
        return numberFromJson(json, m_where);
    }
    [[nodiscard]] std::vector<std::shared_ptr<const MatrixSource>> matrices(const Json& json) const {
        std::vector<std::shared_ptr<const MatrixSource>> result;
        for (const Json& one : json)
            result.push_back(matrixFromJson(one, m_where));
        return result;
    }

    [[nodiscard]] Heatmap heatmap(const Json& json) const {
        Heatmap map;
        map.x = axis(json.at("x"));
        map.y = axis(json.at("y"));
        map.values = matrixFromJson(json.at("matrix"), m_where);
        map.scale = scale(json.at("scale"));
        map.low = optional(json.at("low"));
        map.high = optional(json.at("high"));
        map.quantity = json.at("quantity").get<std::string>();
        map.unit = json.at("unit").get<std::string>();
        map.cellText = json.at("cellText").get<std::vector<std::string>>();
        map.maskedFrom = json.at("maskedFrom").get<std::vector<std::int64_t>>();
        return map;
    }
    [[nodiscard]] HeadGrid headGrid(const Json& json) const {
        HeadGrid grid;
        grid.layers = json.at("layers").get<int>();
        grid.heads = json.at("heads").get<int>();
        grid.maps = matrices(json.at("maps"));
        grid.scores = numberList(json.at("scores"));
        grid.scoreName = json.at("scoreName").get<std::string>();
        grid.tokens = json.at("tokens").get<std::vector<std::string>>();
        grid.groupSize = json.at("groupSize").get<int>();
        const auto expected = static_cast<std::int64_t>(grid.layers) * grid.heads;
        if (grid.layers < 0 || grid.heads < 0 || grid.groupSize < 1 ||
            (!grid.maps.empty() && static_cast<std::int64_t>(grid.maps.size()) != expected) ||
            (!grid.scores.empty() && static_cast<std::int64_t>(grid.scores.size()) != expected))
            throw InputError(fmt::format("{}: a head grid of {} x {} needs as many maps and scores.", m_where,
                                         grid.layers, grid.heads));
        return grid;
    }
    [[nodiscard]] TokenStrip tokenStrip(const Json& json) const {
        TokenStrip strip;
        strip.tokens = json.at("tokens").get<std::vector<std::string>>();
        strip.wordIds = json.at("wordIds").get<std::vector<std::int64_t>>();
        for (const Json& row : json.at("scores"))
            strip.scores.push_back(
                {row.at("name").get<std::string>(), numberList(row.at("values")), scale(row.at("scale"))});
        return strip;
    }
    [[nodiscard]] AttentionLines lines(const Json& json) const {
        return {json.at("queries").get<std::vector<std::string>>(),
                json.at("keys").get<std::vector<std::string>>(), matrices(json.at("heads")),
                json.at("headNames").get<std::vector<std::string>>()};
    }
    // Figures that were stored before there were labels and marks have neither.
    [[nodiscard]] static std::vector<std::string> labels(const Json& curve) {
        return curve.contains("labels") ? curve.at("labels").get<std::vector<std::string>>()
                                        : std::vector<std::string>{};
    }
    [[nodiscard]] Series::Curve::Marks marks(const Json& curve) const {
        if (!curve.contains("marks"))
            return Series::Curve::Marks::Automatic;
        const auto name = curve.at("marks").get<std::string>();
        for (const auto marks :
             {Series::Curve::Marks::Automatic, Series::Curve::Marks::Line, Series::Curve::Marks::Points})
            if (name == marksName(marks))
                return marks;
        throw InputError(fmt::format("{}: curves are not marked as \"{}\".", m_where, name));
    }
    [[nodiscard]] Series series(const Json& json) const {
        Series result;
        result.x = axis(json.at("x"));
        result.y = axis(json.at("y"));
        for (const Json& curve : json.at("curves"))
            result.curves.push_back({curve.at("name").get<std::string>(), numberList(curve.at("x")),
                                     numberList(curve.at("y")), numberList(curve.at("low")),
                                     numberList(curve.at("high")), labels(curve), marks(curve)});
        for (const auto& curve : result.curves)
            if (curve.x.size() != curve.y.size() ||
                (!curve.labels.empty() && curve.labels.size() != curve.x.size()) ||
                (!curve.low.empty() && curve.low.size() != curve.x.size()) ||
                curve.low.size() != curve.high.size())
                throw InputError(
                    fmt::format("{}: the curve '{}' has lists of different lengths.", m_where, curve.name));
        result.intervalName = json.at("intervalName").get<std::string>();
        result.pointsOnly = json.at("pointsOnly").get<bool>();
        return result;
    }
    [[nodiscard]] Bars bars(const Json& json) const {
        Bars result;
        result.categories = axis(json.at("categories"));
        result.y = axis(json.at("y"));
        for (const Json& group : json.at("groups"))
            result.groups.push_back({group.at("name").get<std::string>(), numberList(group.at("values")),
                                     numberList(group.at("low")), numberList(group.at("high"))});
        result.intervalName = json.at("intervalName").get<std::string>();
        return result;
    }
    [[nodiscard]] Table table(const Json& json) const {
        Table result;
        for (const Json& column : json.at("columns"))
            result.columns.push_back({column.at("title").get<std::string>(),
                                      column.at("unit").get<std::string>(), column.at("digits").get<int>()});
        for (const Json& row : json.at("rows")) {
            std::vector<Table::Cell> cells;
            for (const Json& cell : row)
                cells.push_back(tableCell(cell));
            if (cells.size() != result.columns.size())
                throw InputError(fmt::format("{}: a row of a table has {} cells for {} columns.", m_where,
                                             cells.size(), result.columns.size()));
            result.rows.push_back(std::move(cells));
        }
        return result;
    }
    [[nodiscard]] Table::Cell tableCell(const Json& json) const {
        if (json.is_null())
            return std::monostate{};
        if (json.is_string())
            return json.get<std::string>();
        if (json.is_boolean())
            return json.get<bool>();
        if (json.is_number_integer())
            return json.get<std::int64_t>();
        if (json.is_number())
            return json.get<double>();
        return numberFromJson(json.at("real"), m_where);
    }

    std::string m_where;
};

} // namespace

std::int64_t poolingFactor(const Figure& figure, std::int64_t maxCells) {
    return poolingFactorOf(matricesOf(figure), maxCells);
}

OrderedJson toJson(const Figure& figure, MatrixEncoding encoding, std::int64_t maxCells) {
    const std::int64_t factor = poolingFactor(figure, maxCells);
    std::string caption = figure.caption;
    if (factor > 1)
        caption +=
            fmt::format("{}Means of blocks of {} x {} cells.", caption.empty() ? "" : " ", factor, factor);
    return {{"orreryFigure", 1},
            {"id", figure.id},
            {"kind", std::string(kindName(figure))},
            {"title", figure.title},
            {"caption", caption},
            {"body", std::visit(BodyWriter{encoding, factor}, figure.body)},
            {"provenance", figure.provenance.toJson()}};
}

Figure fromJson(const Json& json, const std::string& name) {
    try {
        if (!json.is_object() || json.value("orreryFigure", 0) != 1)
            throw InputError(
                fmt::format("{} is not a figure of Orrery (\"orreryFigure\": 1 is missing).", name));
        Figure figure;
        figure.id = json.at("id").get<std::string>();
        figure.title = json.at("title").get<std::string>();
        figure.caption = json.at("caption").get<std::string>();
        figure.body = BodyReader(name).read(json.at("kind").get<std::string>(), json.at("body"));
        figure.provenance = Provenance::fromJson(json.at("provenance"));
        return figure;
    } catch (const Json::exception& failure) {
        throw InputError(
            fmt::format("{} is not a complete figure ({}); write it again.", name, failure.what()));
    }
}

std::optional<std::string> toNpy(const Figure& figure, std::int64_t maxCells) {
    const auto matrices = matricesOf(figure);
    if (matrices.empty())
        return std::nullopt;
    for (const MatrixSource* matrix : matrices)
        if (!matrix || matrix->rows() != matrices.front()->rows() ||
            matrix->columns() != matrices.front()->columns())
            return std::nullopt;
    const std::int64_t factor = poolingFactorOf(matrices, maxCells);
    std::string data;
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    for (const MatrixSource* matrix : matrices) {
        const Materialised one = materialise(*matrix, factor);
        rows = one.rows;
        columns = one.columns;
        for (const float value : one.values) {
            const auto word = std::bit_cast<std::uint32_t>(value);
            for (unsigned shift = 0; shift < 32; shift += 8)
                data += static_cast<char>(static_cast<std::uint8_t>(word >> shift));
        }
    }
    std::string shape = fmt::format("{}, {}", rows, columns);
    if (const auto* grid = std::get_if<HeadGrid>(&figure.body))
        shape = fmt::format("{}, {}, {}", grid->layers, grid->heads, shape);
    else if (std::holds_alternative<AttentionLines>(figure.body))
        shape = fmt::format("{}, {}", matrices.size(), shape);
    // NumPy's format 1.0: magic, version, length of the header, a Python literal padded to 64 bytes with a
    // newline.
    std::string header = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", shape);
    while ((10 + header.size() + 1) % 64 != 0)
        header += ' ';
    header += '\n';
    std::string file = "\x93NUMPY";
    file += '\x01';
    file += '\x00';
    file += static_cast<char>(static_cast<std::uint8_t>(header.size() & 255U));
    file += static_cast<char>(static_cast<std::uint8_t>(header.size() >> 8U));
    return file + header + data;
}

} // namespace orrery::figure
