// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/axis_plot.h"

#include "figures/figure_text.h"
#include "figures/value_colours.h"

#include <QCoreApplication>
#include <QPainter>
#include <QPicture>
#include <qcustomplot.h>

#include <algorithm>
#include <cmath>

namespace orrery::ui {

namespace {

constexpr double longestCategory = 110;
constexpr std::size_t fewPoints = 30; // every point is marked below this

QVector<double> toVector(const std::vector<double>& values, std::size_t count) {
    return {values.begin(), values.begin() + static_cast<std::ptrdiff_t>(std::min(values.size(), count))};
}

/// Room around data so that no mark lies on the frame.
void setRange(QCPAxis& axis, const ValueRange& range, bool fromZero) {
    if (range.empty())
        return;
    if (axis.scaleType() == QCPAxis::stLogarithmic) {
        const double low = range.low > 0 ? range.low : range.high / 1000;
        if (low > 0 && range.high > 0)
            axis.setRange(low / 1.3, range.high * 1.3);
        return;
    }
    double low = range.low;
    double high = range.high;
    if (fromZero) {
        low = std::min(low, 0.0);
        high = std::max(high, 0.0);
    }
    const double size = high > low ? high - low : std::max(std::abs(high), 1.0);
    axis.setRange(low == 0 && fromZero ? 0 : low - size * 0.04,
                  high == 0 && fromZero ? 0 : high + size * 0.05);
}

class NumberTicker : public QCPAxisTicker {
protected:
    QString getTickLabel(double tick, const QLocale&, QChar, int) override { return numberText(tick, 5); }
};

class LogNumberTicker : public QCPAxisTickerLog {
protected:
    QString getTickLabel(double tick, const QLocale&, QChar, int) override { return numberText(tick, 6); }
};

/// Labels of positions 0, 1, 2 ..., as many as there is room for.
class LabelTicker : public QCPAxisTicker {
public:
    LabelTicker(QStringList labels, double spacing) : m_labels(std::move(labels)), m_spacing(spacing) {
        setTickCount(64);
    }
    void setLength(double pixels) { m_length = pixels; }

protected:
    double getTickStep(const QCPRange& range) override {
        const double fitting = std::max(1.0, m_length / m_spacing);
        return labelStep(std::max(1.0, range.size() / fitting));
    }
    int getSubTickCount(double) override { return 0; }
    QString getTickLabel(double tick, const QLocale&, QChar, int) override {
        const auto index = static_cast<qsizetype>(std::llround(tick));
        return index >= 0 && index < m_labels.size() && std::abs(tick - static_cast<double>(index)) < 1e-6
                   ? m_labels[index]
                   : QString();
    }

private:
    QStringList m_labels;
    double m_spacing;
    double m_length = 600;
};

void styleAxis(QCPAxis& axis, const figure::Axis& data, const FigureStyle& style) {
    axis.setLabel(titleWithUnit(data.title, data.unit));
    axis.setLabelFont(style.sized(0.95));
    axis.setTickLabelFont(style.sized(0.9));
    axis.setLabelColor(style.muted);
    axis.setTickLabelColor(style.text);
    axis.setBasePen(QPen(style.frame));
    axis.setTickPen(QPen(style.frame));
    axis.setSubTickPen(QPen(style.frame));
    axis.setSubTicks(data.logarithmic);
    axis.grid()->setPen(QPen(style.grid, 1));
    axis.grid()->setSubGridVisible(false);
    axis.grid()->setZeroLinePen(QPen(style.frame, 1));
    axis.setLabelPadding(6);
    if (data.logarithmic) {
        axis.setScaleType(QCPAxis::stLogarithmic);
        axis.setTicker(QSharedPointer<LogNumberTicker>::create());
    } else {
        axis.setTicker(QSharedPointer<NumberTicker>::create());
    }
}

void setLabels(QCPAxis& axis, const std::vector<std::string>& labels, const FigureStyle& style,
               double width) {
    if (labels.empty())
        return;
    const QFont font = style.sized(0.9);
    QStringList shown;
    double widest = 0;
    for (const std::string& label : labels) {
        shown += elided(visibleToken(label).replace(QChar(0x2423), QLatin1Char(' ')), font, longestCategory);
        widest = std::max(widest, textWidth(shown.back(), font));
    }
    const double length = std::max(width - 90, 60.0);
    const bool slanted = (widest + 10) * static_cast<double>(labels.size()) > length;
    auto ticker = QSharedPointer<LabelTicker>::create(shown, slanted ? font.pixelSize() * 1.7 : widest + 10);
    ticker->setLength(length);
    axis.setTicker(ticker);
    axis.setTickLabelRotation(slanted ? -45 : 0);
    axis.setSubTicks(false);
}

void stylePlot(QCustomPlot& plot, const FigureStyle& style) {
    plot.setBackground(QBrush(style.background));
    plot.axisRect()->setBackground(Qt::NoBrush);
    for (QCPAxis* axis : {plot.xAxis2, plot.yAxis2}) {
        axis->setVisible(true);
        axis->setTicks(false);
        axis->setTickLabels(false);
        axis->setBasePen(QPen(style.grid));
    }
}

/// A row of names above the plot, where it hides nothing.
void addLegend(QCustomPlot& plot, const FigureStyle& style, int entries, double widestName, double width) {
    if (entries == 0)
        return;
    plot.plotLayout()->insertRow(0);
    auto* legend = new QCPLegend;
    legend->setObjectName(QStringLiteral("names"));
    plot.plotLayout()->addElement(0, 0, legend);
    legend->setLayer(QStringLiteral("legend"));
    plot.setAutoAddPlottableToLegend(false);
    legend->setFont(style.sized(0.9));
    legend->setTextColor(style.text);
    legend->setBrush(Qt::NoBrush);
    legend->setBorderPen(Qt::NoPen);
    legend->setIconSize(18, 10);
    legend->setFillOrder(QCPLayoutGrid::foColumnsFirst);
    legend->setWrap(std::max(1, static_cast<int>((width - 40) / (widestName + 46))));
    legend->setMargins(QMargins(46, 0, 0, 0));
    legend->setRowSpacing(2);
    plot.plotLayout()->setRowStretchFactor(0, 0.001);
}

void addNote(QCustomPlot& plot, const QString& text, const FigureStyle& style) {
    if (text.isEmpty())
        return;
    const int row = plot.plotLayout()->rowCount();
    auto* element = new QCPTextElement(&plot, text, style.sized(0.85));
    element->setTextColor(style.muted);
    element->setTextFlags(Qt::AlignRight | Qt::AlignVCenter);
    plot.plotLayout()->addElement(row, 0, element);
    plot.plotLayout()->setRowStretchFactor(row, 0.001);
}

QCPScatterStyle mark(int index, const QColor& colour, const FigureStyle& style) {
    constexpr std::array<QCPScatterStyle::ScatterShape, 5> shapes{
        QCPScatterStyle::ssDisc, QCPScatterStyle::ssSquare, QCPScatterStyle::ssTriangle,
        QCPScatterStyle::ssDiamond, QCPScatterStyle::ssTriangleInverted};
    return {shapes[static_cast<std::size_t>(index) % shapes.size()], QPen(colour, 1.2),
            QBrush(style.dark ? colour.darker(115) : colour), 6};
}

void addErrorBars(QCustomPlot& plot, QCPAbstractPlottable* target, const QVector<double>& values,
                  const std::vector<double>& low, const std::vector<double>& high, const QColor& colour) {
    const auto count = static_cast<std::size_t>(values.size());
    if (low.size() < count || high.size() < count || count == 0)
        return;
    auto* bars = new QCPErrorBars(plot.xAxis, plot.yAxis);
    QVector<double> minus;
    QVector<double> plus;
    for (std::size_t i = 0; i < count; ++i) {
        const double value = values[static_cast<qsizetype>(i)];
        minus += std::isfinite(low[i]) ? std::max(value - low[i], 0.0) : qQNaN();
        plus += std::isfinite(high[i]) ? std::max(high[i] - value, 0.0) : qQNaN();
    }
    bars->setDataPlottable(target);
    bars->setData(minus, plus);
    bars->setPen(QPen(colour, 1.3));
    bars->setSymbolGap(0);
    bars->setWhiskerWidth(5);
    bars->removeFromLegend();
}

void addCurve(QCustomPlot& plot, const figure::Series& series, int index, const FigureStyle& style) {
    const auto& curve = series.curves[static_cast<std::size_t>(index)];
    const std::size_t count = std::min(curve.x.size(), curve.y.size());
    const QColor colour = style.category(index);
    const QPen pen(colour, 1.8, style.pattern(index));
    const QVector<double> x = toVector(curve.x, count);
    const QVector<double> y = toVector(curve.y, count);
    const bool few = count < fewPoints;
    const bool intervals = curve.low.size() >= count && curve.high.size() >= count && count > 0;
    const bool sorted = std::is_sorted(x.begin(), x.end());
    if (intervals && !few && !series.pointsOnly && sorted) {
        auto* low = plot.addGraph();
        low->setData(x, toVector(curve.low, count), true);
        low->setPen(Qt::NoPen);
        auto* high = plot.addGraph();
        high->setData(x, toVector(curve.high, count), true);
        high->setPen(Qt::NoPen);
        QColor fill = colour;
        fill.setAlphaF(0.2F);
        high->setBrush(fill);
        high->setChannelFillGraph(low);
    }
    QCPAbstractPlottable* made = nullptr;
    if (sorted) {
        auto* graph = plot.addGraph();
        graph->setData(x, y, true);
        graph->setLineStyle(series.pointsOnly ? QCPGraph::lsNone : QCPGraph::lsLine);
        if (series.pointsOnly || few)
            graph->setScatterStyle(mark(index, colour, style));
        made = graph;
    } else { // keeps the order of its points
        auto* path = new QCPCurve(plot.xAxis, plot.yAxis);
        path->setData(x, y);
        path->setLineStyle(series.pointsOnly ? QCPCurve::lsNone : QCPCurve::lsLine);
        if (series.pointsOnly || few)
            path->setScatterStyle(mark(index, colour, style));
        made = path;
    }
    made->setPen(pen);
    made->setName(QString::fromStdString(curve.name));
    if (intervals && sorted && (few || series.pointsOnly))
        addErrorBars(plot, made, y, curve.low, curve.high, colour);
    if (auto* legend = plot.findChild<QCPLegend*>(QStringLiteral("names"));
        legend != nullptr && !curve.name.empty())
        made->addToLegend(legend);
}

void fillSeries(QCustomPlot& plot, const figure::Series& series, const FigureStyle& style, double width) {
    ValueRange xs;
    ValueRange ys;
    double widest = 0;
    int named = 0;
    for (const auto& curve : series.curves) {
        const std::size_t count = std::min(curve.x.size(), curve.y.size());
        for (std::size_t i = 0; i < count; ++i) {
            if (series.x.logarithmic && curve.x[i] <= 0)
                continue;
            xs.add(curve.x[i]);
            for (const auto* values : {&curve.y, &curve.low, &curve.high})
                if (i < values->size() && !(series.y.logarithmic && (*values)[i] <= 0))
                    ys.add((*values)[i]);
        }
        named += curve.name.empty() ? 0 : 1;
        widest = std::max(widest, textWidth(QString::fromStdString(curve.name), style.sized(0.9)));
    }
    setLabels(*plot.xAxis, series.x.labels, style, width);
    addLegend(plot, style, named, widest, width);
    for (int i = 0; i < static_cast<int>(series.curves.size()); ++i)
        addCurve(plot, series, i, style);
    setRange(*plot.xAxis, xs, false);
    setRange(*plot.yAxis, ys, false);
    if (!series.x.labels.empty() && !xs.empty())
        plot.xAxis->setRange(xs.low - 0.4, xs.high + 0.4);
}

void fillBars(QCustomPlot& plot, const figure::Bars& data, const FigureStyle& style, double width) {
    setLabels(*plot.xAxis, data.categories.labels, style, width);
    double widest = 0;
    int named = 0;
    std::size_t categories = data.categories.labels.size();
    for (const auto& group : data.groups) {
        widest = std::max(widest, textWidth(QString::fromStdString(group.name), style.sized(0.9)));
        named += group.name.empty() ? 0 : 1;
        categories = std::max(categories, group.values.size());
    }
    addLegend(plot, style, named, widest, width);
    auto* legend = plot.findChild<QCPLegend*>(QStringLiteral("names"));
    auto* bundle = new QCPBarsGroup(&plot);
    const double barWidth = 0.8 / static_cast<double>(std::max<std::size_t>(data.groups.size(), 1));
    bundle->setSpacingType(QCPBarsGroup::stPlotCoords);
    bundle->setSpacing(0);
    ValueRange ys;
    for (int i = 0; i < static_cast<int>(data.groups.size()); ++i) {
        const auto& group = data.groups[static_cast<std::size_t>(i)];
        QVector<double> keys;
        for (std::size_t c = 0; c < group.values.size(); ++c)
            keys += static_cast<double>(c);
        const QVector<double> values = toVector(group.values, group.values.size());
        auto* bars = new QCPBars(plot.xAxis, plot.yAxis);
        bars->setBarsGroup(bundle);
        bars->setWidthType(QCPBars::wtPlotCoords);
        bars->setWidth(barWidth);
        bars->setData(keys, values, true);
        bars->setName(QString::fromStdString(group.name));
        QColor fill = style.category(i);
        // A second row of ten hues is told apart by its pattern.
        bars->setBrush(QBrush(fill, i < 10 ? Qt::SolidPattern : Qt::BDiagPattern));
        bars->setPen(QPen(style.background, 0.8));
        addErrorBars(plot, bars, values, group.low, group.high, style.text);
        if (legend != nullptr && !group.name.empty())
            bars->addToLegend(legend);
        for (const auto* list : {&group.values, &group.low, &group.high})
            for (const double value : *list)
                if (!(data.y.logarithmic && value <= 0))
                    ys.add(value);
    }
    plot.xAxis->setRange(-0.6, static_cast<double>(categories) - 0.4);
    plot.xAxis->grid()->setVisible(false);
    setRange(*plot.yAxis, ys, true);
}

} // namespace

void fillAxisPlot(QCustomPlot& plot, const figure::Figure& figure, const FigureStyle& style,
                  const FigureState& state, double width) {
    stylePlot(plot, style);
    plot.setAutoAddPlottableToLegend(false);
    QString interval;
    if (const auto* series = std::get_if<figure::Series>(&figure.body)) {
        styleAxis(*plot.xAxis, series->x, style);
        styleAxis(*plot.yAxis, series->y, style);
        fillSeries(plot, *series, style, width);
        interval = QString::fromStdString(series->intervalName);
    } else if (const auto* bars = std::get_if<figure::Bars>(&figure.body)) {
        styleAxis(*plot.xAxis, bars->categories, style);
        styleAxis(*plot.yAxis, bars->y, style);
        fillBars(plot, *bars, style, width);
        interval = QString::fromStdString(bars->intervalName);
    }
    if (!interval.isEmpty())
        addNote(plot, QCoreApplication::translate("Figure", "Intervals: %1").arg(interval), style);
    if (const auto point = dataPoint(figure, state.row, state.column)) {
        auto* ring = plot.addGraph();
        ring->setData({point->x()}, {point->y()});
        ring->setLineStyle(QCPGraph::lsNone);
        ring->setScatterStyle(
            QCPScatterStyle(QCPScatterStyle::ssCircle, QPen(style.accent, 2), Qt::NoBrush, 12));
    }
}

void drawAxisPlot(QPainter& painter, const QRectF& rect, const figure::Figure& figure,
                  const FigureStyle& style, const FigureState& state) {
    QCustomPlot plot;
    FigureStyle clear = style;
    clear.background = QColor(Qt::transparent); // the figure's own background is below
    fillAxisPlot(plot, figure, clear, state, rect.width());
    QPicture picture;
    {
        QCPPainter recorder(&picture);
        recorder.setMode(QCPPainter::pmVectorized);
        recorder.setMode(QCPPainter::pmNoCaching);
        plot.toPainter(&recorder, static_cast<int>(rect.width()), static_cast<int>(rect.height()));
    }
    painter.save();
    painter.translate(rect.topLeft());
    painter.setRenderHint(QPainter::Antialiasing, true);
    picture.play(&painter);
    painter.restore();
}

int dataRows(const figure::Figure& figure) {
    if (const auto* series = std::get_if<figure::Series>(&figure.body))
        return static_cast<int>(series->curves.size());
    if (const auto* bars = std::get_if<figure::Bars>(&figure.body))
        return static_cast<int>(bars->groups.size());
    return 0;
}

int dataColumns(const figure::Figure& figure, int row) {
    if (row < 0 || row >= dataRows(figure))
        return 0;
    const auto at = static_cast<std::size_t>(row);
    if (const auto* series = std::get_if<figure::Series>(&figure.body))
        return static_cast<int>(std::min(series->curves[at].x.size(), series->curves[at].y.size()));
    return static_cast<int>(std::get<figure::Bars>(figure.body).groups[at].values.size());
}

std::optional<QPointF> dataPoint(const figure::Figure& figure, int row, int column) {
    if (row < 0 || column < 0 || column >= dataColumns(figure, row))
        return std::nullopt;
    const auto r = static_cast<std::size_t>(row);
    const auto c = static_cast<std::size_t>(column);
    if (const auto* series = std::get_if<figure::Series>(&figure.body))
        return QPointF(series->curves[r].x[c], series->curves[r].y[c]);
    const auto& bars = std::get<figure::Bars>(figure.body);
    const double count = static_cast<double>(bars.groups.size());
    return QPointF(column + 0.8 * ((row + 0.5) / count - 0.5), bars.groups[r].values[c]);
}

QString describePoint(const figure::Figure& figure, int row, int column) {
    if (!dataPoint(figure, row, column))
        return {};
    const auto r = static_cast<std::size_t>(row);
    const auto c = static_cast<std::size_t>(column);
    const auto value = [&](const auto& set, double y) {
        QString text = numberText(y, 5);
        if (c < set.low.size() && c < set.high.size())
            text += QStringLiteral(" [%1, %2]").arg(numberText(set.low[c]), numberText(set.high[c]));
        return text;
    };
    const auto position = [&](const figure::Axis& axis, double x) {
        const auto index = static_cast<std::size_t>(std::max(std::llround(x), 0LL));
        return index < axis.labels.size() ? visibleToken(axis.labels[index]) : numberText(x, 5);
    };
    QString text;
    if (const auto* series = std::get_if<figure::Series>(&figure.body)) {
        const auto& curve = series->curves[r];
        text = QString::fromStdString(curve.name);
        text += (text.isEmpty() ? QString() : QStringLiteral(" · ")) +
                QString::fromStdString(series->x.title) + QLatin1Char(' ') + position(series->x, curve.x[c]) +
                QStringLiteral(": ") + value(curve, curve.y[c]);
        return series->y.unit.empty() ? text
                                      : text + QLatin1Char(' ') + QString::fromStdString(series->y.unit);
    }
    const auto& bars = std::get<figure::Bars>(figure.body);
    text = QString::fromStdString(bars.groups[r].name);
    text += (text.isEmpty() ? QString() : QStringLiteral(" · ")) + position(bars.categories, column) +
            QStringLiteral(": ") + value(bars.groups[r], bars.groups[r].values[c]);
    return bars.y.unit.empty() ? text : text + QLatin1Char(' ') + QString::fromStdString(bars.y.unit);
}

} // namespace orrery::ui
