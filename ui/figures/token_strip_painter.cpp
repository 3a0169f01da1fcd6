// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/token_strip_painter.h"

#include "figures/figure_text.h"

#include <QCoreApplication>
#include <QFontMetricsF>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace orrery::ui {

TokenStripPainter::TokenStripPainter(std::shared_ptr<const figure::Figure> figure)
    : m_figure(std::move(figure)), m_strip(&std::get<figure::TokenStrip>(m_figure->body)) {
    m_tokens.reserve(static_cast<qsizetype>(m_strip->tokens.size()));
    for (const std::string& token : m_strip->tokens)
        m_tokens.push_back(visibleToken(token));
}

TokenStripPainter::Layout TokenStripPainter::layout(const QRectF& rect, const FigureStyle& style) const {
    Layout result;
    const QFontMetricsF metrics(style.font);
    TextWidths widths(style.font);
    const double line = metrics.height() + 8;
    QRectF inner = rect.adjusted(4, 4, -4, -4);
    if (!m_strip->scores.empty()) {
        result.legend = QRectF(inner.left(), inner.top(), inner.width(), metrics.height() + 2);
        inner.setTop(result.legend.bottom() + 8);
    }
    double x = inner.left();
    double y = inner.top();
    result.boxes.reserve(static_cast<std::size_t>(m_tokens.size()));
    for (qsizetype i = 0; i < m_tokens.size(); ++i) {
        const auto at = static_cast<std::size_t>(i);
        // Pieces of one word touch; words stand apart.
        const bool joined = i > 0 && at < m_strip->wordIds.size() && m_strip->wordIds[at] >= 0 &&
                            m_strip->wordIds[at] == m_strip->wordIds[at - 1];
        const double width = std::min(widths(m_tokens[i]) + 10, inner.width());
        if (i > 0)
            x += joined ? 0 : 4;
        if (x + width > inner.right() + 0.5 && x > inner.left()) {
            x = inner.left();
            y += line + 5;
        }
        result.boxes.emplace_back(x, y, width, line);
        x += width;
    }
    result.height = y + line + 6 - rect.top();
    return result;
}

double TokenStripPainter::preferredHeight(double width, const FigureStyle& style) const {
    return layout(QRectF(0, 0, width, 0), style).height;
}

int TokenStripPainter::tokenAt(const Layout& at, QPointF point) {
    // Boxes run in reading order: skip to the line by its bottom edge.
    const auto first = std::lower_bound(at.boxes.begin(), at.boxes.end(), point.y(),
                                        [](const QRectF& box, double y) { return box.bottom() < y; });
    for (auto it = first; it != at.boxes.end() && it->top() <= point.y(); ++it)
        if (it->contains(point))
            return static_cast<int>(it - at.boxes.begin());
    return -1;
}

double TokenStripPainter::value(int token, int scores) const {
    if (token < 0 || scores < 0 || static_cast<std::size_t>(scores) >= m_strip->scores.size())
        return std::nan("");
    const auto& values = m_strip->scores[static_cast<std::size_t>(scores)].values;
    return static_cast<std::size_t>(token) < values.size() ? values[static_cast<std::size_t>(token)]
                                                           : std::nan("");
}

QString TokenStripPainter::describe(int token, int scores) const {
    if (token < 0 || token >= m_tokens.size())
        return {};
    QString text = QStringLiteral("%1 “%2”").arg(token).arg(m_tokens[token]);
    if (scores >= 0 && static_cast<std::size_t>(scores) < m_strip->scores.size())
        text +=
            QStringLiteral(" · %1: %2")
                .arg(QString::fromStdString(m_strip->scores[static_cast<std::size_t>(scores)].name),
                     std::isnan(value(token, scores)) ? QCoreApplication::translate("TokenStrip", "no value")
                                                      : numberText(value(token, scores), 5));
    return text;
}

void TokenStripPainter::draw(QPainter& painter, const Layout& at, const FigureStyle& style,
                             const FigureState& state, const QRectF& visible) const {
    painter.save();
    const QFontMetricsF metrics(style.font);
    const figure::TokenStrip::Scores* scores = nullptr;
    if (state.scores >= 0 && static_cast<std::size_t>(state.scores) < m_strip->scores.size())
        scores = &m_strip->scores[static_cast<std::size_t>(state.scores)];
    ValueColours colours;
    if (scores != nullptr) {
        ValueRange range;
        for (const double value : scores->values)
            range.add(value);
        colours = ValueColours(scores->scale, std::nullopt, std::nullopt, range, state.transfer, style);
        if (at.legend.intersects(visible))
            colours.drawHorizontalBar(painter, at.legend, QString::fromStdString(scores->name), style);
    }
    painter.setFont(style.font);
    const auto first = std::lower_bound(at.boxes.begin(), at.boxes.end(), visible.top(),
                                        [](const QRectF& box, double y) { return box.bottom() < y; });
    for (auto it = first; it != at.boxes.end() && it->top() <= visible.bottom(); ++it) {
        const auto index = static_cast<std::size_t>(it - at.boxes.begin());
        const bool special = index < m_strip->wordIds.size() && m_strip->wordIds[index] < 0;
        const double score = scores != nullptr ? value(static_cast<int>(index), state.scores) : std::nan("");
        const bool coloured = scores != nullptr && !std::isnan(score);
        const QColor fill = coloured ? QColor::fromRgb(colours.colour(score)) : style.surface;
        painter.setBrush(fill);
        if (special) // outlined and dashed: not part of the text
            painter.setPen(QPen(style.muted, 1, Qt::DashLine));
        else
            painter.setPen(coloured ? QPen(Qt::NoPen) : QPen(style.grid, 1));
        painter.drawRect(it->adjusted(0.5, 0.5, -0.5, -0.5));
        painter.setPen(coloured ? QColor::fromRgb(readableOn(fill.rgb())) : style.text);
        painter.drawText(QPointF(it->left() + 5, it->top() + 4 + metrics.ascent()),
                         elided(m_tokens[static_cast<qsizetype>(index)], style.font, it->width() - 8));
    }
    const auto frame = [&](int token, const QPen& pen) {
        if (token < 0 || static_cast<std::size_t>(token) >= at.boxes.size())
            return;
        painter.setPen(pen);
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(at.boxes[static_cast<std::size_t>(token)].adjusted(0, 0, 0, 0));
    };
    frame(state.hoverColumn, QPen(style.text, 1.5));
    frame(state.column, QPen(style.background, 4));
    frame(state.column, QPen(style.accent, 2.2));
    painter.restore();
}

} // namespace orrery::ui
