// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/axis_plot_widget.h"

#include "figures/axis_plot.h"
#include "figures/figure_text.h"

#include <QApplication>
#include <QKeyEvent>
#include <QLabel>
#include <QMenu>
#include <QVBoxLayout>
#include <qcustomplot.h>

#include <algorithm>
#include <cmath>

namespace orrery::ui {

AxisPlotWidget::AxisPlotWidget(Pointer figure, QWidget* parent)
    : FigureWidget(std::move(figure), parent), m_readout(new QLabel(this)) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    m_readout->setContentsMargins(8, 2, 8, 0);
    m_readout->setTextFormat(Qt::PlainText);
    m_readout->setAutoFillBackground(true);
    m_readout->setBackgroundRole(QPalette::Base);
    m_readout->setText(QStringLiteral(" "));
    m_readout->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
    column->addWidget(m_readout);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    rebuild(false);
}

void AxisPlotWidget::rebuild(bool keepRange) {
    std::optional<QRectF> range;
    if (m_plot != nullptr && keepRange)
        range = visibleRange();
    // A fresh plot is simpler and no slower than taking all plottables and axes back to their beginnings.
    if (m_plot != nullptr) {
        m_plot->removeEventFilter(this);
        layout()->removeWidget(m_plot);
        m_plot->hide();
        m_plot->deleteLater(); // it may be in the middle of an event
    }
    m_plot = new QCustomPlot(this);
    m_plot->setFocusPolicy(Qt::NoFocus);
    m_plot->setMouseTracking(true);
    m_plot->setInteractions(QCP::iRangeDrag | QCP::iRangeZoom);
    m_plot->installEventFilter(this);
    static_cast<QVBoxLayout*>(layout())->addWidget(m_plot, 1);
    m_builtWidth = width();
    fillAxisPlot(*m_plot, *m_figure, m_style, m_state, std::max(width(), 220));
    if (range) {
        m_plot->xAxis->setRange(range->left(), range->right());
        m_plot->yAxis->setRange(range->top(), range->bottom());
    }
    m_plot->replot(QCustomPlot::rpQueuedReplot);
    updateReadout();
}

void AxisPlotWidget::figureChanged() {
    if (dataColumns(*m_figure, m_state.row) <= m_state.column)
        m_state.row = m_state.column = -1;
    m_state.hoverRow = m_state.hoverColumn = -1;
    rebuild(m_rangeChanged);
}

void AxisPlotWidget::styleChanged() {
    // Later: the application is just walking over all its widgets, and one of them would be replaced.
    if (m_rebuildWaits)
        return;
    m_rebuildWaits = true;
    QMetaObject::invokeMethod(
        this,
        [this] {
            m_rebuildWaits = false;
            rebuild(m_rangeChanged);
        },
        Qt::QueuedConnection);
}

void AxisPlotWidget::resizeEvent(QResizeEvent* event) {
    FigureWidget::resizeEvent(event);
    // The legend and slanted labels depend on the width.
    if (std::abs(width() - m_builtWidth) > 60)
        rebuild(m_rangeChanged);
}

QRectF AxisPlotWidget::visibleRange() const {
    const QCPRange x = m_plot->xAxis->range();
    const QCPRange y = m_plot->yAxis->range();
    return {x.lower, y.lower, x.size(), y.size()};
}

void AxisPlotWidget::showEverything() {
    m_rangeChanged = false;
    rebuild(false);
    emit stateChanged();
}

QPointF AxisPlotWidget::pointPosition(int row, int column) const {
    const auto point = dataPoint(*m_figure, row, column);
    if (!point)
        return {};
    return QPointF(m_plot->xAxis->coordToPixel(point->x()), m_plot->yAxis->coordToPixel(point->y())) +
           m_plot->pos();
}

QPoint AxisPlotWidget::nearest(QPointF position, double reach) const {
    QPoint best(-1, -1);
    double least = reach * reach;
    const bool bars = std::holds_alternative<figure::Bars>(m_figure->body);
    for (int row = 0; row < dataRows(*m_figure); ++row)
        for (int column = 0; column < dataColumns(*m_figure, row); ++column) {
            const QPointF at = pointPosition(row, column) - QPointF(m_plot->pos());
            QPointF away = at - position;
            if (bars && position.y() > at.y()) // anywhere on the bar counts
                away.setY(0);
            const double distance = QPointF::dotProduct(away, away);
            if (distance < least) {
                least = distance;
                best = {column, row};
            }
        }
    return best;
}

bool AxisPlotWidget::eventFilter(QObject* watched, QEvent* event) {
    if (watched != m_plot)
        return FigureWidget::eventFilter(watched, event);
    constexpr double reach = 14;
    switch (event->type()) {
    case QEvent::MouseMove: {
        auto* mouse = static_cast<QMouseEvent*>(event);
        if (mouse->buttons() != Qt::NoButton) {
            m_rangeChanged = true;
            break;
        }
        const QPoint at = nearest(mouse->position(), reach);
        if (at.y() != m_state.hoverRow || at.x() != m_state.hoverColumn) {
            setHover(at.y(), at.x());
            const auto point = dataPoint(*m_figure, at.y(), at.x());
            emit hovered(at.y(), at.x(), point ? point->y() : std::nan(""));
        }
        break;
    }
    case QEvent::MouseButtonPress: {
        auto* mouse = static_cast<QMouseEvent*>(event);
        setFocus(Qt::MouseFocusReason);
        const QPoint at = nearest(mouse->position(), reach);
        if (mouse->button() == Qt::LeftButton && at.x() >= 0)
            choose(at.y(), at.x());
        break;
    }
    case QEvent::MouseButtonDblClick:
        showEverything();
        return true;
    case QEvent::Wheel:
        m_rangeChanged = true;
        break;
    case QEvent::Leave:
        setHover(-1, -1);
        emit hovered(-1, -1, std::nan(""));
        break;
    default:
        break;
    }
    return FigureWidget::eventFilter(watched, event);
}

void AxisPlotWidget::updateReadout() {
    const QString hover = describePoint(*m_figure, m_state.hoverRow, m_state.hoverColumn);
    QString text = hover.isEmpty() ? describePoint(*m_figure, m_state.row, m_state.column) : hover;
    if (text.isEmpty())
        text = QStringLiteral(" ");
    m_readout->setText(elided(text, m_readout->font(), std::max(m_readout->width() - 16, 100)));
}

void AxisPlotWidget::setSelection(int row, int column) {
    if (row == m_state.row && column == m_state.column)
        return;
    FigureWidget::setSelection(row, column);
    // Only the ring moves: it is the last graph when there is one.
    rebuild(true);
}

void AxisPlotWidget::setHover(int row, int column) {
    FigureWidget::setHover(row, column);
    updateReadout();
}

void AxisPlotWidget::choose(int row, int column) {
    // Not from within the plot's own event: it is rebuilt by this.
    QMetaObject::invokeMethod(
        this,
        [this, row, column] {
            setSelection(row, column);
            emit selected(row, column);
        },
        Qt::QueuedConnection);
}

void AxisPlotWidget::zoom(double factor) {
    m_rangeChanged = true;
    for (QCPAxis* axis : {m_plot->xAxis, m_plot->yAxis})
        axis->scaleRange(1 / factor);
    m_plot->replot();
    emit stateChanged();
}

void AxisPlotWidget::keyPressEvent(QKeyEvent* event) {
    const int rows = dataRows(*m_figure);
    const auto go = [&](int row, int column) {
        if (rows == 0)
            return;
        if (m_state.row < 0) {
            row = 0;
            column = 0;
        }
        row = std::clamp(row, 0, rows - 1);
        const int columns = dataColumns(*m_figure, row);
        if (columns > 0)
            choose(row, std::clamp(column, 0, columns - 1));
    };
    switch (event->key()) {
    case Qt::Key_Left:
        go(m_state.row, m_state.column - 1);
        return;
    case Qt::Key_Right:
        go(m_state.row, m_state.column + 1);
        return;
    case Qt::Key_Up:
        go(m_state.row - 1, m_state.column);
        return;
    case Qt::Key_Down:
        go(m_state.row + 1, m_state.column);
        return;
    case Qt::Key_Plus:
    case Qt::Key_Equal:
        zoom(1.25);
        return;
    case Qt::Key_Minus:
        zoom(0.8);
        return;
    case Qt::Key_Home:
    case Qt::Key_0:
        showEverything();
        return;
    case Qt::Key_Return:
    case Qt::Key_Enter:
        emit activated(m_state.row, m_state.column);
        return;
    case Qt::Key_Escape:
        if (m_state.row >= 0) {
            choose(-1, -1);
            return;
        }
        break;
    default:
        break;
    }
    QWidget::keyPressEvent(event);
}

void AxisPlotWidget::fillMenu(QMenu& menu) {
    menu.addAction(tr("Show &everything"), this, &AxisPlotWidget::showEverything);
}

QString AxisPlotWidget::selectionText() const {
    return describePoint(*m_figure, m_state.row, m_state.column);
}

QString AxisPlotWidget::dataText() const {
    QString text;
    for (int row = 0; row < dataRows(*m_figure); ++row)
        for (int column = 0; column < dataColumns(*m_figure, row); ++column)
            text += describePoint(*m_figure, row, column) + QLatin1Char('\n');
    return text;
}

} // namespace orrery::ui
