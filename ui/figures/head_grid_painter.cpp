// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/head_grid_painter.h"

#include "figures/figure_text.h"
#include "figures/heatmap_painter.h"

#include <QCoreApplication>
#include <QFontMetricsF>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace orrery::ui {

namespace {

constexpr double gap = 3;
constexpr double scoreHeight = 5;

/// Whose words these are for translators.
struct Words {
    Q_DECLARE_TR_FUNCTIONS(orrery::ui::HeadGridPainter)
};

} // namespace

HeadGridPainter::HeadGridPainter(std::shared_ptr<const figure::Figure> figure)
    : m_figure(std::move(figure)), m_grid(&std::get<figure::HeadGrid>(m_figure->body)) {
    for (const double value : m_grid->scores)
        m_scores.add(value);
}

HeadGridPainter::Layout HeadGridPainter::layout(const QRectF& rect, const FigureStyle& style,
                                                const FigureState& state) const {
    Layout result;
    const QFontMetricsF metrics(style.sized(0.9));
    QRectF inner = rect.adjusted(4, 4, -4, -4);
    result.note = QRectF(inner.left(), inner.bottom() - metrics.height(), inner.width(), metrics.height());
    inner.setBottom(result.note.top() - 4);
    inner.setLeft(inner.left() + metrics.horizontalAdvance(QStringLiteral("L00")) + 8);
    inner.setTop(inner.top() + metrics.height() + 4);
    if (state.shareScale) {
        const double width =
            12 + 10 + metrics.horizontalAdvance(QStringLiteral("0.0000")) + metrics.height() + 4;
        result.bar = QRectF(inner.right() - width, inner.top(), width, std::min(inner.height(), 220.0));
        inner.setRight(result.bar.left() - 12);
    }
    result.score = m_grid->scores.empty() ? 0 : scoreHeight;
    const double columns = std::max(m_grid->heads, 1);
    const double rows = std::max(m_grid->layers, 1);
    result.cellWidth = inner.width() / columns;
    result.cellHeight = inner.height() / rows;
    result.map = std::max(std::min(result.cellWidth - gap, result.cellHeight - gap - result.score), 2.0);
    // Square maps packed together: free room goes to the right and below, not between them.
    result.cellWidth = std::min(result.cellWidth, result.map + gap);
    result.cellHeight = std::min(result.cellHeight, result.map + gap + result.score);
    result.grid = QRectF(inner.left(), inner.top(), result.cellWidth * columns, result.cellHeight * rows);
    result.note.moveTop(std::min(result.note.top(), result.grid.bottom() + 4));
    if (state.shareScale)
        result.bar.moveLeft(result.grid.right() + 12);
    return result;
}

double HeadGridPainter::preferredHeight(double width, const FigureStyle& style) const {
    const Layout probe = layout(QRectF(0, 0, width, 1e5), style, {});
    const double cell = std::min(probe.cellHeight, 120.0);
    return probe.grid.top() + cell * m_grid->layers + QFontMetricsF(style.sized(0.9)).height() + 12;
}

QRectF HeadGridPainter::cell(const Layout& at, int layer, int head) const {
    return {at.grid.left() + head * at.cellWidth, at.grid.top() + layer * at.cellHeight, at.map, at.map};
}

QPoint HeadGridPainter::headAt(const Layout& at, QPointF point) const {
    if (!at.grid.contains(point))
        return {-1, -1};
    const int head = static_cast<int>((point.x() - at.grid.left()) / at.cellWidth);
    const int layer = static_cast<int>((point.y() - at.grid.top()) / at.cellHeight);
    if (head < 0 || layer < 0 || head >= m_grid->heads || layer >= m_grid->layers)
        return {-1, -1};
    return {head, layer};
}

std::optional<double> HeadGridPainter::score(int layer, int head) const {
    const auto index = static_cast<std::size_t>(layer) * static_cast<std::size_t>(m_grid->heads) +
                       static_cast<std::size_t>(head);
    if (layer < 0 || head < 0 || index >= m_grid->scores.size() || std::isnan(m_grid->scores[index]))
        return std::nullopt;
    return m_grid->scores[index];
}

QString HeadGridPainter::describe(int layer, int head) const {
    if (layer < 0 || head < 0 || layer >= m_grid->layers || head >= m_grid->heads)
        return {};
    QString text = QStringLiteral("L%1H%2").arg(layer).arg(head);
    if (m_grid->groupSize > 1)
        text += QStringLiteral(", ") + Words::tr("key-value group %1").arg(head / m_grid->groupSize);
    if (const auto value = score(layer, head))
        text += QStringLiteral(", %1 %2").arg(QString::fromStdString(m_grid->scoreName), numberText(*value));
    return text;
}

void HeadGridPainter::drawMap(QPainter& painter, const QRectF& where, const PooledMap& map,
                              const ValueColours& colours) const {
    const quint64 key = colours.key() | 1U;
    if (map.image.isNull() || map.imageKey != key) {
        QImage image(map.columns, map.rows, QImage::Format_RGB32);
        for (int r = 0; r < map.rows; ++r) {
            auto* line = reinterpret_cast<QRgb*>(image.scanLine(r));
            for (int c = 0; c < map.columns; ++c)
                line[c] = colours.colour(static_cast<double>(
                    map.values[static_cast<std::size_t>(r) * static_cast<std::size_t>(map.columns) +
                               static_cast<std::size_t>(c)]));
        }
        map.image = std::move(image);
        map.shown = {};
        map.imageKey = key;
    }
    if (isVector(painter)) {
        painter.drawImage(where, map.columns < 64 ? map.image.scaled(map.image.size() * 4) : map.image);
        return;
    }
    // Scaled once, not with every map that arrives; averaging beats dropping columns.
    const qreal ratio = painter.device()->devicePixelRatioF();
    const QSize pixels(std::max(1, static_cast<int>(where.width() * ratio + 0.5)),
                       std::max(1, static_cast<int>(where.height() * ratio + 0.5)));
    if (map.shown.size() != pixels) {
        const bool smaller = pixels.width() < map.image.width() || pixels.height() < map.image.height();
        map.shown = map.image.scaled(pixels, Qt::IgnoreAspectRatio,
                                     smaller ? Qt::SmoothTransformation : Qt::FastTransformation);
        map.shown.setDevicePixelRatio(ratio);
    }
    painter.drawImage(
        QPointF(std::round(where.left() * ratio) / ratio, std::round(where.top() * ratio) / ratio),
        map.shown);
}

void HeadGridPainter::drawScore(QPainter& painter, const QRectF& where, double value,
                                const FigureStyle& style) const {
    painter.fillRect(where, style.surface);
    if (std::isnan(value) || m_scores.empty())
        return;
    const double low = std::min(m_scores.low, 0.0);
    const double high = std::max(m_scores.high, 0.0);
    if (!(high > low))
        return;
    const auto place = [&](double v) { return where.left() + (v - low) / (high - low) * where.width(); };
    const double zero = place(0);
    const double end = place(value);
    painter.fillRect(QRectF(std::min(zero, end), where.top(), std::abs(end - zero), where.height()),
                     value < 0 ? style.category(0) : style.category(1));
}

void HeadGridPainter::drawLabels(QPainter& painter, const Layout& at, const FigureStyle& style) const {
    const QFont font = style.sized(0.9);
    const QFontMetricsF metrics(font);
    painter.setFont(font);
    painter.setPen(style.text);
    const int rowStep = labelStep(metrics.height() / at.cellHeight);
    for (int layer = 0; layer < m_grid->layers; layer += rowStep) {
        const QString text = QStringLiteral("L%1").arg(layer);
        const double y = at.grid.top() + layer * at.cellHeight + at.map / 2 + metrics.ascent() / 2 - 1;
        painter.drawText(QPointF(at.grid.left() - 6 - metrics.horizontalAdvance(text), y), text);
    }
    const int columnStep =
        labelStep((metrics.horizontalAdvance(QStringLiteral("H%1").arg(m_grid->heads)) + 4) / at.cellWidth);
    for (int head = 0; head < m_grid->heads; head += columnStep) {
        const QString text = QStringLiteral("H%1").arg(head);
        const double x =
            at.grid.left() + head * at.cellWidth + at.map / 2 - metrics.horizontalAdvance(text) / 2;
        painter.drawText(QPointF(x, at.grid.top() - 6), text);
    }
    if (m_grid->groupSize > 1) { // a bracket over heads that share keys and values
        painter.setPen(QPen(style.muted, 1.5));
        for (int head = 0; head < m_grid->heads; head += m_grid->groupSize) {
            const int last = std::min(head + m_grid->groupSize, m_grid->heads) - 1;
            painter.drawLine(QPointF(at.grid.left() + head * at.cellWidth + 1, at.grid.top() - 2.5),
                             QPointF(at.grid.left() + last * at.cellWidth + at.map - 1, at.grid.top() - 2.5));
        }
    }
}

void HeadGridPainter::draw(QPainter& painter, const QRectF& rect, const FigureStyle& style,
                           const FigureState& state, const HeadGridMaps& maps) const {
    painter.save();
    painter.setRenderHint(QPainter::LosslessImageRendering, true);
    const Layout at = layout(rect, style, state);
    const ValueColours shared(figure::ColourScale::Sequential, std::nullopt, std::nullopt, maps.range,
                              state.transfer, style);
    for (int layer = 0; layer < m_grid->layers; ++layer)
        for (int head = 0; head < m_grid->heads; ++head) {
            const auto index = static_cast<std::size_t>(layer) * static_cast<std::size_t>(m_grid->heads) +
                               static_cast<std::size_t>(head);
            const QRectF where = cell(at, layer, head);
            const auto& map = index < maps.maps.size() ? maps.maps[index] : nullptr;
            if (!map) {
                painter.fillRect(where, style.surface);
            } else if (state.shareScale) {
                drawMap(painter, where, *map, shared);
            } else {
                drawMap(painter, where, *map,
                        ValueColours(figure::ColourScale::Sequential, 0.0, std::nullopt, map->range,
                                     state.transfer, style));
            }
            if (at.score > 0 && index < m_grid->scores.size())
                drawScore(painter, QRectF(where.left(), where.bottom() + 1, where.width(), at.score - 1),
                          m_grid->scores[index], style);
        }
    drawLabels(painter, at, style);
    QString note = state.shareScale ? Words::tr("One colour scale for all heads.")
                                    : Words::tr("Each head from 0 (dark) to its own highest mean (bright).");
    const ValueColours words(figure::ColourScale::Sequential, 0.0, 1.0, {}, state.transfer, style);
    if (const QString name = words.transferName(); !name.isEmpty())
        note += QLatin1Char(' ') + Words::tr("Drawn on a %1.").arg(name);
    if (!m_grid->scores.empty() && !m_scores.empty())
        note += QLatin1Char(' ') + Words::tr("Bars: %1, from %2 to %3.")
                                       .arg(QString::fromStdString(m_grid->scoreName),
                                            numberText(std::min(m_scores.low, 0.0), 3),
                                            numberText(std::max(m_scores.high, 0.0), 3));
    const QFont small = style.sized(0.85);
    painter.setFont(small);
    painter.setPen(style.muted);
    painter.drawText(QPointF(at.note.left(), at.note.top() + QFontMetricsF(small).ascent()),
                     elided(note, small, at.note.width()));
    if (state.shareScale)
        shared.drawVerticalBar(painter, at.bar, Words::tr("mean weight"), style);
    painter.restore();
    drawSelection(painter, rect, style, state);
}

void HeadGridPainter::drawSelection(QPainter& painter, const QRectF& rect, const FigureStyle& style,
                                    const FigureState& state) const {
    const bool hovering = state.hoverRow >= 0;
    const QString current =
        describe(hovering ? state.hoverRow : state.row, hovering ? state.hoverColumn : state.column);
    if (current.isEmpty() && state.row < 0)
        return;
    painter.save();
    const Layout at = layout(rect, style, state);
    const auto frame = [&](int layer, int head, const QPen& pen, double margin) {
        if (layer < 0 || head < 0 || layer >= m_grid->layers || head >= m_grid->heads)
            return;
        painter.setPen(pen);
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(cell(at, layer, head).adjusted(-margin, -margin, margin, margin));
    };
    frame(state.hoverRow, state.hoverColumn, QPen(style.text, 1), 0.5);
    frame(state.row, state.column, QPen(style.background, 4), 0.5);
    frame(state.row, state.column, QPen(style.accent, 2), 0.5);
    if (!current.isEmpty()) { // in place of the note
        const QFont small = style.sized(0.85);
        painter.fillRect(at.note.adjusted(-1, -2, 1, 2), style.background);
        painter.setFont(small);
        painter.setPen(style.text);
        painter.drawText(QPointF(at.note.left(), at.note.top() + QFontMetricsF(small).ascent()),
                         elided(current, small, at.note.width()));
    }
    painter.restore();
}

} // namespace orrery::ui
