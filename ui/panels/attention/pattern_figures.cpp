// SPDX-License-Identifier: GPL-3.0-or-later
#include "panels/attention/pattern_figures.h"

#include "base/error.h"
#include "base/version.h"
#include "figure/difference_matrix.h"

#include <QCoreApplication>

#include <algorithm>

namespace orrery::ui {

namespace {

/// Whose words these are for translators.
struct Words {
    Q_DECLARE_TR_FUNCTIONS(orrery::ui)
};

std::string headName(int layer, int head) {
    const std::string name = "L" + std::to_string(layer);
    return head < 0 ? name + " " + Words::tr("mean over heads").toStdString()
                    : name + "H" + std::to_string(head);
}

std::string quoted(const QString& text) {
    QString inner = text;
    inner.replace(QLatin1Char('\''), QStringLiteral("'\\''"));
    return "'" + inner.toStdString() + "'";
}

std::string siteName(int layer) {
    return "blocks." + std::to_string(layer) + ".attn.hook_pattern";
}

figure::Provenance provenance(const Pass& pass, const std::string& site) {
    figure::Provenance made;
    made.model = pass.model->name();
    made.modelHash = pass.model->fingerprint();
    made.input = pass.input.text.left(400).toStdString();
    made.inputHash = pass.encoded.hash();
    made.site = site;
    made.dtype = name(pass.model->dtype());
    made.version = version();
    made.commandLine = "orrery trace " + quoted(QString::fromStdString(pass.model->folder().string())) +
                       " --text " + quoted(pass.input.text) +
                       (pass.input.hasPair ? " --pair " + quoted(pass.input.pair) : "") + " --sites '" +
                       site + "' --out pattern.safetensors";
    made.created = timestamp();
    return made;
}

std::vector<std::string> tokens(const Pass& pass) {
    std::vector<std::string> list;
    for (const QString& token : pass.tokens)
        list.push_back(token.toStdString());
    return list;
}

/// Tokens as labels of an axis; none when the axis is of another length (cross-attention, cut inputs).
figure::Axis axis(const Pass& pass, std::string title, std::int64_t size) {
    figure::Axis made;
    made.title = std::move(title);
    if (size == pass.tokens.size())
        made.labels = tokens(pass);
    return made;
}

figure::Heatmap heatmap(const Pass& pass, int layer, std::shared_ptr<const figure::MatrixSource> matrix) {
    figure::Heatmap map;
    map.x = axis(pass, Words::tr("key (source)").toStdString(), matrix->columns());
    map.y = axis(pass, Words::tr("query (destination)").toStdString(), matrix->rows());
    if (pass.trace.pattern(layer).causal()) {
        const std::int64_t offset = matrix->columns() - matrix->rows();
        for (std::int64_t row = 0; row < matrix->rows(); ++row)
            map.maskedFrom.push_back(row + offset + 1);
    }
    map.values = std::move(matrix);
    map.quantity = Words::tr("attention weight").toStdString();
    return map;
}

/// Highest weight of a matrix that is quick to read, else what no weight exceeds.
double highest(const figure::MatrixSource& matrix) {
    constexpr std::int64_t quickCells = 512 * 512;
    if (matrix.rows() * matrix.columns() > quickCells || matrix.rows() * matrix.columns() == 0)
        return 1;
    std::vector<float> values(static_cast<std::size_t>(matrix.rows() * matrix.columns()));
    matrix.tile(0, 0, matrix.rows(), matrix.columns(), values);
    return static_cast<double>(*std::max_element(values.begin(), values.end()));
}

FigurePointer wrap(figure::Figure made) {
    return std::make_shared<const figure::Figure>(std::move(made));
}

} // namespace

std::shared_ptr<const figure::MatrixSource> patternMatrix(const Pass& pass, int layer, int head) {
    if (layer < 0 || !pass.trace.hasPattern(layer))
        return nullptr;
    const auto& pattern = pass.trace.pattern(layer);
    if (head >= pattern.heads())
        return nullptr;
    return head < 0 ? pattern.meanOverHeads(0) : pattern.matrix(0, head);
}

FigurePointer headGridFigure(const Pass& pass) {
    figure::HeadGrid grid;
    grid.layers = static_cast<int>(pass.model->layers());
    for (int layer = 0; layer < grid.layers; ++layer)
        if (pass.trace.hasPattern(layer)) {
            grid.heads = std::max(grid.heads, pass.trace.pattern(layer).heads());
            grid.groupSize = std::max(grid.groupSize, pass.trace.pattern(layer).groupSize());
        }
    if (grid.heads == 0)
        return nullptr;
    for (int layer = 0; layer < grid.layers; ++layer)
        for (int head = 0; head < grid.heads; ++head)
            grid.maps.push_back(patternMatrix(pass, layer, head));
    grid.tokens = tokens(pass);
    return wrap({"heads",
                 Words::tr("All heads").toStdString(),
                 {},
                 std::move(grid),
                 provenance(pass, "blocks.*.attn.hook_pattern")});
}

FigurePointer patternFigure(const Pass& pass, int layer, int head, const Pass* beside) {
    auto matrix = patternMatrix(pass, layer, head);
    if (matrix == nullptr)
        return nullptr;
    if (beside != nullptr) {
        const auto other = patternMatrix(*beside, layer, head);
        const double high = std::max(highest(*matrix), other != nullptr ? highest(*other) : 0.0);
        figure::Heatmap map = heatmap(pass, layer, std::move(matrix));
        map.low = 0;
        map.high = high;
        return wrap({"pattern",
                     headName(layer, head) + " — " + pass.input.title().toStdString(),
                     {},
                     std::move(map),
                     provenance(pass, siteName(layer))});
    }
    return wrap({"pattern",
                 Words::tr("Attention of").toStdString() + " " + headName(layer, head),
                 {},
                 heatmap(pass, layer, std::move(matrix)),
                 provenance(pass, siteName(layer))});
}

FigurePointer differenceFigure(const Pass& pass, const Pass& other, int layer, int head) {
    auto a = patternMatrix(pass, layer, head);
    auto b = patternMatrix(other, layer, head);
    if (a == nullptr || b == nullptr || a->rows() != b->rows() || a->columns() != b->columns())
        return nullptr;
    figure::Heatmap map =
        heatmap(pass, layer, std::make_shared<figure::DifferenceMatrix>(std::move(a), std::move(b)));
    map.scale = figure::ColourScale::Diverging;
    map.quantity = Words::tr("change of attention weight").toStdString();
    figure::Provenance made = provenance(pass, siteName(layer));
    made.options["comparedWith"] = other.input.text.left(400).toStdString();
    return wrap(
        {"pattern_difference", Words::tr("Change in").toStdString() + " " + headName(layer, head),
         Words::tr("This input minus the other: positive where this input attends more.").toStdString(),
         std::move(map), std::move(made)});
}

FigurePointer linesFigure(const Pass& pass, int layer) {
    if (layer < 0 || !pass.trace.hasPattern(layer))
        return nullptr;
    const auto& pattern = pass.trace.pattern(layer);
    if (pattern.queries() != pass.tokens.size() || pattern.keys() != pass.tokens.size())
        return nullptr;
    figure::AttentionLines lines;
    lines.queries = tokens(pass);
    lines.keys = lines.queries;
    for (int head = 0; head < pattern.heads(); ++head) {
        lines.heads.push_back(pattern.matrix(0, head));
        lines.headNames.push_back(headName(layer, head));
    }
    return wrap({"lines",
                 Words::tr("Where tokens look in layer").toStdString() + " " + std::to_string(layer),
                 {},
                 std::move(lines),
                 provenance(pass, siteName(layer))});
}

FigurePointer stripFigure(const Pass& pass, int layer, int head, int query, int key) {
    figure::TokenStrip strip;
    strip.tokens = tokens(pass);
    if (!pass.encoded.rows.empty())
        strip.wordIds = pass.encoded.rows.front().wordIds;
    const auto matrix = patternMatrix(pass, layer, head);
    const auto count = static_cast<std::int64_t>(strip.tokens.size());
    if (matrix != nullptr && matrix->rows() == count && matrix->columns() == count) {
        const auto scores = [&](const std::string& name, std::int64_t row, std::int64_t column,
                                std::int64_t rows, std::int64_t columns) {
            std::vector<float> values(static_cast<std::size_t>(count));
            matrix->tile(row, column, rows, columns, values);
            strip.scores.push_back({name, {values.begin(), values.end()}, figure::ColourScale::Sequential});
        };
        if (query >= 0 && query < count)
            scores(Words::tr("attended from").toStdString() + " " + std::to_string(query) + " “" +
                       strip.tokens[static_cast<std::size_t>(query)] + "”",
                   query, 0, 1, count);
        if (key >= 0 && key < count)
            scores(Words::tr("attends to").toStdString() + " " + std::to_string(key) + " “" +
                       strip.tokens[static_cast<std::size_t>(key)] + "”",
                   0, key, count, 1);
    }
    return wrap({"tokens", {}, {}, std::move(strip), provenance(pass, siteName(std::max(layer, 0)))});
}

} // namespace orrery::ui
