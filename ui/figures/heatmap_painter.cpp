// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/figure_text.h"
#include "figures/heatmap_pass.h"

#include <QCoreApplication>
#include <QFontMetricsF>
#include <QPaintEngine>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace orrery::ui {

namespace {

constexpr double longestLabel = 108;

/// Whose words these are for translators.
struct Words {
    Q_DECLARE_TR_FUNCTIONS(orrery::ui::HeatmapPainter)
};

QStringList shownLabels(const figure::Axis& axis) {
    QStringList result;
    result.reserve(static_cast<qsizetype>(axis.labels.size()));
    for (const std::string& label : axis.labels)
        result.push_back(visibleToken(label));
    return result;
}

double widestLabel(const QStringList& labels, std::int64_t count, const QFont& font) {
    TextWidths widths(font);
    if (labels.isEmpty())
        return widths(QString::number(std::max<std::int64_t>(count - 1, 0)));
    double widest = 0;
    for (const QString& label : labels) {
        widest = std::max(widest, widths(label));
        if (widest >= longestLabel)
            return longestLabel;
    }
    return widest;
}

} // namespace

bool isVector(const QPainter& painter) {
    const QPaintEngine* engine = painter.paintEngine();
    return engine != nullptr && engine->type() != QPaintEngine::Raster;
}

HeatmapPainter::HeatmapPainter(std::shared_ptr<const figure::Figure> figure)
    : m_figure(std::move(figure)), m_heatmap(&std::get<figure::Heatmap>(m_figure->body)),
      m_rows(m_heatmap->values->rows()), m_columns(m_heatmap->values->columns()),
      m_rowLabels(shownLabels(m_heatmap->y)), m_columnLabels(shownLabels(m_heatmap->x)),
      m_square(m_rows == m_columns || (!m_heatmap->x.labels.empty() && m_heatmap->cellText.empty() &&
                                       m_heatmap->x.labels == m_heatmap->y.labels)) {}

QString HeatmapPainter::rowLabel(std::int64_t row) const {
    return row < m_rowLabels.size() ? m_rowLabels[row] : QString::number(row);
}

QString HeatmapPainter::columnLabel(std::int64_t column) const {
    return column < m_columnLabels.size() ? m_columnLabels[column] : QString::number(column);
}

HeatmapPainter::Layout HeatmapPainter::layout(const QRectF& rect, const FigureStyle& style,
                                              const FigureState& state, bool readout) const {
    Layout result;
    const QFont labels = style.sized(0.9);
    const QFontMetricsF metrics(labels);
    const double line = metrics.height();
    QRectF inner = rect.adjusted(4, 4, -4, -4);
    if (readout) {
        result.readout = QRectF(inner.left(), inner.top(), inner.width(), line + 4);
        inner.setTop(inner.top() + line + 8);
    }
    // Colour bar: 12 wide, tick labels, its title turned.
    const QFontMetricsF small(style.sized(0.85));
    const double barWidth = 12 + 10 + small.horizontalAdvance(QStringLiteral("−0.0000")) + small.height() + 4;
    result.bar = QRectF(inner.right() - barWidth, inner.top(), barWidth, inner.height());
    inner.setRight(result.bar.left() - 14);

    result.rowLabelWidth = std::min(widestLabel(m_rowLabels, m_rows, labels) + 2, inner.width() * 0.3);
    const double title = line + 4;
    const double left = inner.left() + title + result.rowLabelWidth + 6;
    const bool everything = !state.window || state.window->isEmpty();
    QRectF window = everything ? QRectF(0, 0, static_cast<double>(std::max<std::int64_t>(m_columns, 1)),
                                        static_cast<double>(std::max<std::int64_t>(m_rows, 1)))
                               : *state.window;
    const double available = std::max(inner.right() - left, 16.0);
    const double widest = widestLabel(m_columnLabels, m_columns, labels);
    // Numbers are thinned out instead of slanted.
    result.slanted = !m_columnLabels.isEmpty() && widest + 8 > available / window.width();
    result.columnLabelHeight = result.slanted ? std::min(widest, longestLabel) * 0.7071 + line * 0.75 : line;
    const double bottom = inner.bottom() - title - result.columnLabelHeight - 6;
    result.plot = QRectF(left, inner.top(), available, std::max(bottom - inner.top(), 16.0));
    if (m_square && everything) {
        const double cell =
            std::min(result.plot.width() / window.width(), result.plot.height() / window.height());
        result.plot.setSize({cell * window.width(), cell * window.height()});
    }
    if (m_square && !everything) {
        // The room there is decides how much is seen; zoom is the width's.
        const double cell = result.plot.width() / window.width();
        double height = result.plot.height() / cell;
        if (height > static_cast<double>(m_rows)) {
            height = static_cast<double>(m_rows);
            result.plot.setHeight(height * cell);
        }
        window.setHeight(height);
        window.moveTop(std::clamp(window.top(), 0.0, static_cast<double>(m_rows) - height));
    }
    result.window = window;
    result.bar = QRectF(result.plot.right() + 14, result.plot.top(), barWidth,
                        std::max(result.plot.height(), std::min(120.0, inner.bottom() - result.plot.top())));
    return result;
}

double HeatmapPainter::preferredHeight(double width, const FigureStyle& style) const {
    const Layout probe = layout(QRectF(0, 0, width, 4096), style, {}, false);
    const double margins = 8 + probe.columnLabelHeight + 6 + QFontMetricsF(style.sized(0.9)).height() + 4;
    if (m_square)
        return std::min(probe.plot.height(), std::max(static_cast<double>(m_rows) * 26, 180.0)) + margins;
    const double line = m_heatmap->cellText.empty() ? 20 : 24;
    return std::clamp(static_cast<double>(m_rows) * line, 150.0, std::max(width, 150.0)) + margins;
}

ValueColours HeatmapPainter::colours(const FigureStyle& style, const FigureState& state,
                                     const Overview* overview) const {
    return {m_heatmap->scale, m_heatmap->low,
            m_heatmap->high,  overview != nullptr ? overview->range : ValueRange{},
            state.transfer,   style};
}

QString HeatmapPainter::describe(std::int64_t row, std::int64_t column, std::optional<float> value) const {
    if (row < 0 || column < 0 || row >= m_rows || column >= m_columns)
        return {};
    const auto part = [](const figure::Axis& axis, const char* fallback, std::int64_t index,
                         const QString& label) {
        const QString name = axis.title.empty() ? Words::tr(fallback) : QString::fromStdString(axis.title);
        return axis.labels.empty() ? QStringLiteral("%1 %2").arg(name).arg(index)
                                   : QStringLiteral("%1 %2 “%3”").arg(name).arg(index).arg(label);
    };
    QString text =
        part(m_heatmap->y, QT_TRANSLATE_NOOP("orrery::ui::HeatmapPainter", "row"), row, rowLabel(row)) +
        QStringLiteral(" · ") +
        part(m_heatmap->x, QT_TRANSLATE_NOOP("orrery::ui::HeatmapPainter", "column"), column,
             columnLabel(column));
    const auto cell = static_cast<std::size_t>(row * m_columns + column);
    if (cell < m_heatmap->cellText.size())
        text += QStringLiteral(" · “%1”").arg(visibleToken(m_heatmap->cellText[cell]));
    if (static_cast<std::size_t>(row) < m_heatmap->maskedFrom.size() &&
        column >= m_heatmap->maskedFrom[static_cast<std::size_t>(row)])
        return text + QStringLiteral(": ") + Words::tr("masked");
    if (!value)
        return text + QStringLiteral(": …");
    if (std::isnan(*value))
        return text + QStringLiteral(": ") + Words::tr("no value");
    text += QStringLiteral(": ") + numberText(static_cast<double>(*value), 5);
    if (!m_heatmap->unit.empty())
        text += QLatin1Char(' ') + QString::fromStdString(m_heatmap->unit);
    return text;
}

bool HeatmapPainter::draw(QPainter& painter, const QRectF& rect, const FigureStyle& style,
                          const FigureState& state, HeatmapValues& values, bool readout) const {
    painter.save();
    painter.setFont(style.font);
    if (m_rows == 0 || m_columns == 0) {
        painter.setPen(style.muted);
        painter.drawText(rect, Qt::AlignCenter, Words::tr("No cells"));
        painter.restore();
        return true;
    }
    const bool cursor = state.row >= 0 && state.column >= 0;
    Pass pass{painter,          style, state, values, layout(rect, style, state, readout || cursor), {},
              values.overview()};
    pass.colours = colours(style, state, pass.overview.get());
    bool complete = pass.overview != nullptr || (m_heatmap->low && m_heatmap->high);
    drawHatch(pass);
    complete = drawCells(pass) && complete;
    complete = drawCellTexts(pass) && complete;
    drawAxes(pass);
    drawCursor(pass);
    drawLegend(pass);
    painter.restore();
    return complete;
}

void HeatmapPainter::drawAxes(Pass& pass) const {
    QPainter& painter = pass.painter;
    const Layout& at = pass.layout;
    const QFont font = pass.style.sized(0.9);
    const QFontMetricsF metrics(font);
    painter.setPen(pass.style.frame);
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(at.plot);
    painter.setFont(font);
    drawRowLabels(pass, at.plot.left() - 6);
    drawColumnLabels(pass);

    painter.setPen(pass.style.muted);
    const QString columnTitle = titleWithUnit(m_heatmap->x.title, m_heatmap->x.unit);
    const QString rowTitle = titleWithUnit(m_heatmap->y.title, m_heatmap->y.unit);
    const double baseline = at.plot.bottom() + 6 + at.columnLabelHeight + metrics.ascent() + 2;
    const QString below = elided(columnTitle, font, at.plot.width());
    painter.drawText(QPointF(at.plot.center().x() - metrics.horizontalAdvance(below) / 2, baseline), below);
    painter.save();
    painter.translate(at.plot.left() - 6 - at.rowLabelWidth - 6, at.plot.center().y());
    painter.rotate(-90);
    const QString beside = elided(rowTitle, font, std::max(at.plot.height(), 60.0));
    painter.drawText(QPointF(-metrics.horizontalAdvance(beside) / 2, 0), beside);
    painter.restore();
}

void HeatmapPainter::drawRowLabels(Pass& pass, double labelRight) const {
    const Layout& at = pass.layout;
    const QFont font = pass.style.sized(0.9);
    const QFontMetricsF metrics(font);
    const double cell = at.cellHeight();
    const int step = labelStep(metrics.height() * 0.98 / cell);
    const auto first = static_cast<std::int64_t>(std::floor(at.window.top()));
    const auto last = std::min(m_rows, static_cast<std::int64_t>(std::ceil(at.window.bottom())));
    for (std::int64_t row = (first + step - 1) / step * step; row < last; row += step) {
        const double y = at.y(static_cast<double>(row) + 0.5);
        if (y < at.plot.top() || y > at.plot.bottom())
            continue;
        const QString text = elided(rowLabel(row), font, at.rowLabelWidth);
        pass.painter.setPen(pass.style.text);
        pass.painter.drawText(
            QPointF(labelRight - metrics.horizontalAdvance(text), y + metrics.ascent() / 2 - 1), text);
        if (step > 1) {
            pass.painter.setPen(pass.style.frame);
            pass.painter.drawLine(QPointF(at.plot.left() - 3, y), QPointF(at.plot.left(), y));
        }
    }
}

void HeatmapPainter::drawColumnLabels(Pass& pass) const {
    const Layout& at = pass.layout;
    const QFont font = pass.style.sized(0.9);
    const QFontMetricsF metrics(font);
    const double cell = at.cellWidth();
    const double room = at.slanted ? metrics.height() * 1.25
                                   : std::min(widestLabel(m_columnLabels, m_columns, font), longestLabel) + 8;
    const int step = labelStep(room * 0.98 / cell);
    const auto first = static_cast<std::int64_t>(std::floor(at.window.left()));
    const auto last = std::min(m_columns, static_cast<std::int64_t>(std::ceil(at.window.right())));
    const double top = at.plot.bottom() + 5;
    for (std::int64_t column = (first + step - 1) / step * step; column < last; column += step) {
        const double x = at.x(static_cast<double>(column) + 0.5);
        if (x < at.plot.left() || x > at.plot.right())
            continue;
        pass.painter.setPen(pass.style.frame);
        if (step > 1 || at.slanted)
            pass.painter.drawLine(QPointF(x, at.plot.bottom()), QPointF(x, at.plot.bottom() + 3));
        pass.painter.setPen(pass.style.text);
        if (!at.slanted) {
            const QString text = elided(columnLabel(column), font, std::max(cell * step - 4, room - 8));
            pass.painter.drawText(QPointF(x - metrics.horizontalAdvance(text) / 2, top + metrics.ascent()),
                                  text);
            continue;
        }
        // The end of the text points at its column, so that first columns may reach under the row labels.
        const double reach = std::min((at.columnLabelHeight - metrics.height() * 0.7) / 0.7071,
                                      (x - (at.plot.left() - 6 - at.rowLabelWidth)) / 0.7071);
        const QString text = elided(columnLabel(column), font, std::max(reach, 14.0));
        pass.painter.save();
        pass.painter.translate(x + metrics.ascent() * 0.35, top + metrics.ascent() * 0.6);
        pass.painter.rotate(-45);
        pass.painter.drawText(QPointF(-metrics.horizontalAdvance(text), 0), text);
        pass.painter.restore();
    }
}

void HeatmapPainter::drawCursor(Pass& pass) const {
    QPainter& painter = pass.painter;
    const Layout& at = pass.layout;
    const auto clipped = [&](double row, double column, double rows, double columns) {
        return QRectF(QPointF(at.x(column), at.y(row)), QPointF(at.x(column + columns), at.y(row + rows)))
            .intersected(at.plot);
    };
    const auto cross = [&](int row, int column, const QColor& colour) {
        QColor line = colour;
        line.setAlphaF(0.75F);
        painter.setPen(QPen(line, 1));
        if (row >= 0 && row < m_rows) {
            const QRectF band = clipped(row, 0, 1, static_cast<double>(m_columns));
            if (band.height() > 0) {
                painter.drawLine(band.topLeft(), band.topRight());
                painter.drawLine(band.bottomLeft(), band.bottomRight());
            }
        }
        if (column >= 0 && column < m_columns) {
            const QRectF band = clipped(0, column, static_cast<double>(m_rows), 1);
            if (band.width() > 0) {
                painter.drawLine(band.topLeft(), band.bottomLeft());
                painter.drawLine(band.topRight(), band.bottomRight());
            }
        }
    };
    cross(pass.state.hoverRow, pass.state.hoverColumn,
          pass.style.dark ? QColor(Qt::white) : QColor(Qt::black));
    cross(pass.state.row, pass.state.column, pass.style.accent);
    if (pass.state.row >= 0 && pass.state.column >= 0 && pass.state.row < m_rows &&
        pass.state.column < m_columns) {
        const QRectF cell = clipped(pass.state.row, pass.state.column, 1, 1);
        if (!cell.isEmpty()) {
            const QRectF frame = cell.adjusted(-1, -1, 1, 1);
            painter.setPen(QPen(pass.style.background, 4));
            painter.setBrush(Qt::NoBrush);
            painter.drawRect(frame);
            painter.setPen(QPen(pass.style.accent, 2));
            painter.drawRect(frame);
        }
    }
    if (at.readout.isEmpty())
        return;
    const bool hovering = pass.state.hoverRow >= 0 && pass.state.hoverColumn >= 0;
    const int row = hovering ? pass.state.hoverRow : pass.state.row;
    const int column = hovering ? pass.state.hoverColumn : pass.state.column;
    if (row < 0 || column < 0)
        return;
    const QFont font = pass.style.sized(0.9);
    painter.setFont(font);
    painter.setPen(pass.style.text);
    const QString text = describe(row, column, pass.values.value(row, column));
    painter.drawText(QPointF(at.readout.left(), at.readout.top() + QFontMetricsF(font).ascent() + 1),
                     elided(text, font, at.readout.width(), Qt::ElideMiddle));
}

void HeatmapPainter::drawLegend(Pass& pass) const {
    const Layout& at = pass.layout;
    QRectF bar = at.bar;
    const QFont font = pass.style.sized(0.85);
    const QFontMetricsF metrics(font);
    QPainter& painter = pass.painter;
    const bool masked = std::any_of(m_heatmap->maskedFrom.begin(), m_heatmap->maskedFrom.end(),
                                    [this](std::int64_t from) { return from < m_columns; });
    const bool missing = pass.overview && pass.overview->range.missing;
    double swatch = bar.bottom();
    const auto legend = [&](const QString& text, bool hatched) {
        swatch -= metrics.height();
        const QRectF box(bar.left(), swatch + 1, 12, metrics.height() - 3);
        painter.setPen(pass.style.frame);
        painter.setBrush(hatched ? pass.style.background : pass.style.missing);
        painter.drawRect(box);
        if (hatched) {
            painter.setPen(QPen(pass.style.muted, 1));
            painter.drawLine(box.bottomLeft(), box.topRight());
            painter.drawLine(QPointF(box.left(), box.center().y()), QPointF(box.center().x(), box.top()));
            painter.drawLine(QPointF(box.center().x(), box.bottom()), QPointF(box.right(), box.center().y()));
        }
        painter.setFont(font);
        painter.setPen(pass.style.text);
        painter.drawText(QPointF(box.right() + 6, swatch + metrics.ascent()), text);
        swatch -= 4;
    };
    if (masked)
        legend(Words::tr("masked"), true);
    if (missing)
        legend(Words::tr("no value"), false);
    const bool swatches = swatch < bar.bottom();
    if (swatches)
        bar.setBottom(swatch - 8);
    // Beside the column labels there is room for a long title.
    pass.colours.drawVerticalBar(painter, bar, titleWithUnit(m_heatmap->quantity, m_heatmap->unit),
                                 pass.style, swatches ? 0 : at.columnLabelHeight + metrics.height());
}

} // namespace orrery::ui
