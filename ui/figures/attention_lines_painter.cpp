// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/attention_lines_painter.h"

#include "figures/figure_text.h"

#include <QCoreApplication>
#include <QFontMetricsF>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace orrery::ui {

namespace {

constexpr std::size_t strongest = 24;
constexpr float leastWeight = 0.01F;
constexpr std::size_t mostLines = 6000; // drawn at once: the strongest of what is visible

/// Whose words these are for translators.
struct Words {
    Q_DECLARE_TR_FUNCTIONS(orrery::ui::AttentionLinesPainter)
};

} // namespace

std::shared_ptr<const AttentionLineSet> AttentionLineSet::collect(const figure::AttentionLines& figure,
                                                                  const std::atomic<bool>& stop) {
    auto result = std::make_shared<AttentionLineSet>();
    const auto queries = static_cast<std::int64_t>(figure.queries.size());
    const auto keys = static_cast<std::int64_t>(figure.keys.size());
    std::vector<std::vector<AttentionLine>> byQuery(figure.queries.size());
    const std::int64_t bandRows =
        std::max<std::int64_t>(1, (std::int64_t{1} << 18) / std::max<std::int64_t>(1, keys));
    std::vector<float> band(static_cast<std::size_t>(bandRows * keys));
    std::vector<AttentionLine> row;
    for (std::size_t head = 0; head < figure.heads.size(); ++head) {
        const auto& source = figure.heads[head];
        if (!source)
            continue;
        const std::int64_t rows = std::min(queries, source->rows());
        const std::int64_t columns = std::min(keys, source->columns());
        for (std::int64_t begin = 0; begin < rows; begin += bandRows) {
            if (stop.load(std::memory_order_relaxed))
                return nullptr;
            const std::int64_t count = std::min(bandRows, rows - begin);
            source->tile(begin, 0, count, columns,
                         std::span(band).first(static_cast<std::size_t>(count * columns)));
            for (std::int64_t r = 0; r < count; ++r) {
                row.clear();
                for (std::int64_t c = 0; c < columns; ++c) {
                    const float weight = band[static_cast<std::size_t>(r * columns + c)];
                    if (weight >= leastWeight)
                        row.push_back({static_cast<int>(begin + r), static_cast<int>(c),
                                       static_cast<int>(head), weight});
                }
                if (row.size() > strongest) {
                    std::nth_element(row.begin(), row.begin() + strongest, row.end(),
                                     [](const auto& a, const auto& b) { return a.weight > b.weight; });
                    row.resize(strongest);
                }
                auto& all = byQuery[static_cast<std::size_t>(begin + r)];
                all.insert(all.end(), row.begin(), row.end());
            }
        }
    }
    result->firstOfQuery.push_back(0);
    for (const auto& lines : byQuery) {
        result->lines.insert(result->lines.end(), lines.begin(), lines.end());
        result->firstOfQuery.push_back(result->lines.size());
    }
    result->complete = true;
    return result;
}

AttentionLinesPainter::AttentionLinesPainter(std::shared_ptr<const figure::Figure> figure)
    : m_figure(std::move(figure)), m_data(&std::get<figure::AttentionLines>(m_figure->body)) {
    for (const std::string& token : m_data->queries)
        m_queries.push_back(visibleToken(token));
    for (const std::string& token : m_data->keys)
        m_keys.push_back(visibleToken(token));
}

AttentionLinesPainter::Layout AttentionLinesPainter::layout(const QRectF& rect,
                                                            const FigureStyle& style) const {
    Layout result;
    const QFontMetricsF metrics(style.font);
    const QFont small = style.sized(0.85);
    const QFontMetricsF smallMetrics(small);
    const QRectF inner = rect.adjusted(6, 4, -6, -4);
    double x = inner.left();
    double y = inner.top();
    const double line = smallMetrics.height() + 4;
    for (std::size_t i = 0; i < m_data->heads.size(); ++i) {
        const QString name =
            i < m_data->headNames.size() ? QString::fromStdString(m_data->headNames[i]) : QString::number(i);
        const double width = smallMetrics.horizontalAdvance(name) + 26;
        if (x + width > inner.right() && x > inner.left()) {
            x = inner.left();
            y += line;
        }
        result.heads.emplace_back(x, y, width, line);
        x += width;
    }
    result.legend = QRectF(inner.left(), inner.top(), inner.width(), y + line - inner.top());
    result.top = result.legend.bottom() + 6 + smallMetrics.height() + 4;
    result.row = metrics.height() + 4;
    double widest = 40;
    TextWidths widths(style.font);
    for (const QStringList* list : {&m_queries, &m_keys})
        for (const QString& token : *list) {
            widest = std::max(widest, widths(token));
            if (widest > 160)
                break;
        }
    widest = std::min({widest + 8, 168.0, inner.width() * 0.32});
    // Beyond some width the lines only get flatter.
    const double width = std::min(inner.width(), 2 * widest + 520);
    result.left = inner.left();
    result.right = inner.left() + width;
    result.queryRight = result.left + widest;
    result.keyLeft = result.right - widest;
    const auto rows = std::max(m_queries.size(), m_keys.size());
    result.height = result.top + static_cast<double>(rows) * result.row + 6 - rect.top();
    return result;
}

double AttentionLinesPainter::preferredHeight(double width, const FigureStyle& style) const {
    return layout(QRectF(0, 0, width, 0), style).height;
}

AttentionLinesPainter::Hit AttentionLinesPainter::hit(const Layout& at, QPointF point) const {
    Hit result;
    for (std::size_t i = 0; i < at.heads.size(); ++i)
        if (at.heads[i].contains(point))
            result.head = static_cast<int>(i);
    const int row = static_cast<int>(std::floor((point.y() - at.top) / at.row));
    if (row >= 0 && point.x() >= at.left && point.x() <= at.queryRight + 4 && row < m_queries.size())
        result.query = row;
    if (row >= 0 && point.x() >= at.keyLeft - 4 && point.x() <= at.right && row < m_keys.size())
        result.key = row;
    return result;
}

bool AttentionLinesPainter::shows(const FigureState& state, int head) const {
    const auto index = static_cast<std::size_t>(head);
    return index >= state.hiddenHeads.size() || !state.hiddenHeads[index];
}

QString AttentionLinesPainter::describe(int query, int key, const AttentionLineSet& lines,
                                        const FigureState& state) const {
    QString text;
    if (query >= 0 && query < m_queries.size())
        text = Words::tr("query %1 “%2”").arg(query).arg(m_queries[query]);
    if (key >= 0 && key < m_keys.size())
        text += (text.isEmpty() ? QString() : QStringLiteral(" → ")) +
                Words::tr("key %1 “%2”").arg(key).arg(m_keys[key]);
    if (query < 0 || key < 0 || static_cast<std::size_t>(query) + 1 >= lines.firstOfQuery.size())
        return text;
    QStringList parts;
    for (std::size_t i = lines.firstOfQuery[static_cast<std::size_t>(query)];
         i < lines.firstOfQuery[static_cast<std::size_t>(query) + 1]; ++i)
        if (lines.lines[i].key == key && shows(state, lines.lines[i].head)) {
            const auto head = static_cast<std::size_t>(lines.lines[i].head);
            parts += QStringLiteral("%1 %2").arg(head < m_data->headNames.size()
                                                     ? QString::fromStdString(m_data->headNames[head])
                                                     : QString::number(head),
                                                 numberText(static_cast<double>(lines.lines[i].weight), 3));
        }
    if (!parts.isEmpty())
        text += QStringLiteral(": ") + parts.join(QStringLiteral(", "));
    return text;
}

void AttentionLinesPainter::draw(QPainter& painter, const Layout& at, const FigureStyle& style,
                                 const FigureState& state, const AttentionLineSet& set,
                                 const QRectF& visible) const {
    painter.save();
    const QFontMetricsF metrics(style.font);
    const QFont small = style.sized(0.85);
    const QFontMetricsF smallMetrics(small);
    painter.setFont(small);
    for (std::size_t i = 0; i < at.heads.size(); ++i) {
        const bool on = shows(state, static_cast<int>(i));
        const QRectF box(at.heads[i].left() + 2, at.heads[i].center().y() - 5, 10, 10);
        painter.setPen(QPen(style.category(static_cast<int>(i)), 1.5));
        painter.setBrush(on ? QBrush(style.category(static_cast<int>(i))) : QBrush(Qt::NoBrush));
        painter.drawRect(box);
        painter.setPen(on ? style.text : style.muted);
        const QString name =
            i < m_data->headNames.size() ? QString::fromStdString(m_data->headNames[i]) : QString::number(i);
        painter.drawText(QPointF(box.right() + 5, at.heads[i].center().y() + smallMetrics.ascent() / 2 - 1),
                         name);
    }
    painter.setPen(style.muted);
    const double headline = at.top - 6;
    const QString queryTitle = Words::tr("query");
    painter.drawText(QPointF(at.queryRight - smallMetrics.horizontalAdvance(queryTitle) - 4, headline),
                     queryTitle);
    painter.drawText(QPointF(at.keyLeft + 4, headline), Words::tr("key"));

    // A hovered or pinned token shows its own lines only.
    const int query = state.hoverRow >= 0 ? state.hoverRow : (state.hoverColumn >= 0 ? -1 : state.row);
    const int key = state.hoverColumn >= 0 ? state.hoverColumn : (state.hoverRow >= 0 ? -1 : state.column);
    const auto firstRow = static_cast<int>(std::floor((visible.top() - at.top) / at.row)) - 1;
    const auto lastRow = static_cast<int>(std::ceil((visible.bottom() - at.top) / at.row)) + 1;
    const auto inView = [&](int row) { return row >= firstRow && row <= lastRow; };
    std::vector<AttentionLine> drawn;
    for (const AttentionLine& line : set.lines) {
        if (!shows(state, line.head) || !(inView(line.query) || inView(line.key)))
            continue;
        if (query >= 0 && key >= 0 ? !(line.query == query && line.key == key)
                                   : ((query >= 0 && line.query != query) || (key >= 0 && line.key != key)))
            continue;
        drawn.push_back(line);
    }
    const auto stronger = [](const AttentionLine& a, const AttentionLine& b) { return a.weight > b.weight; };
    if (drawn.size() > mostLines) {
        std::nth_element(drawn.begin(), drawn.begin() + mostLines, drawn.end(), stronger);
        drawn.resize(mostLines);
    }
    std::sort(drawn.begin(), drawn.end(), [](const auto& a, const auto& b) { return a.weight < b.weight; });
    painter.setRenderHint(QPainter::Antialiasing, true);
    const auto centre = [&](int row) { return at.top + (row + 0.5) * at.row; };
    for (const AttentionLine& line : drawn) {
        QColor colour = style.category(line.head);
        const double weight = std::clamp(static_cast<double>(line.weight), 0.0, 1.0);
        colour.setAlphaF(static_cast<float>(0.06 + 0.94 * weight));
        painter.setPen(QPen(colour, 0.8 + 2.2 * weight, style.pattern(line.head)));
        painter.drawLine(QPointF(at.queryRight + 2, centre(line.query)),
                         QPointF(at.keyLeft - 2, centre(line.key)));
    }

    painter.setFont(style.font);
    const auto token = [&](const QString& text, int row, bool left, bool chosen, bool hovered) {
        if (!inView(row))
            return;
        const double width = left ? at.queryRight - at.left : at.right - at.keyLeft;
        const QRectF box(left ? at.left : at.keyLeft, at.top + row * at.row + 1, width, at.row - 2);
        if (chosen || hovered) {
            painter.setPen(QPen(chosen ? style.accent : style.frame, chosen ? 2 : 1));
            painter.setBrush(style.surface);
            painter.drawRect(box);
        }
        painter.setPen(style.text);
        const QString shown = elided(text, style.font, width - 8);
        const double x = left ? box.right() - 4 - metrics.horizontalAdvance(shown) : box.left() + 4;
        painter.drawText(QPointF(x, box.center().y() + metrics.ascent() / 2 - 1), shown);
    };
    for (int i = std::max(firstRow, 0); i < m_queries.size() && i <= lastRow; ++i)
        token(m_queries[i], i, true, i == state.row, i == state.hoverRow);
    for (int i = std::max(firstRow, 0); i < m_keys.size() && i <= lastRow; ++i)
        token(m_keys[i], i, false, i == state.column, i == state.hoverColumn);
    if (!set.complete) {
        painter.setPen(style.muted);
        painter.drawText(QPointF(at.queryRight + 12, at.top + metrics.ascent()),
                         Words::tr("reading the heads …"));
    }
    painter.restore();
}

} // namespace orrery::ui
