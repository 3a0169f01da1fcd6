// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/heatmap_widget.h"

#include <QActionGroup>
#include <QApplication>
#include <QKeyEvent>
#include <QMenu>
#include <QMouseEvent>
#include <QPainter>
#include <QWheelEvent>

#include <algorithm>
#include <cmath>

namespace orrery::ui {

namespace {

constexpr double mostPixelsPerCell = 120;

} // namespace

HeatmapWidget::HeatmapWidget(Pointer figure, QWidget* parent) : FigureWidget(std::move(figure), parent) {
    setMouseTracking(true);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    HeatmapWidget::figureChanged();
}

void HeatmapWidget::figureChanged() {
    const auto& heatmap = std::get<figure::Heatmap>(m_figure->body);
    m_painter = std::make_unique<HeatmapPainter>(m_figure);
    m_loader = std::make_unique<TileLoader>(heatmap);
    connect(m_loader.get(), &TileLoader::arrived, this, qOverload<>(&QWidget::update));
    setWindow(m_state.window);
    if (m_state.row >= heatmap.values->rows() || m_state.column >= heatmap.values->columns()) {
        m_state.row = -1;
        m_state.column = -1;
    }
    m_state.hoverRow = -1;
    m_state.hoverColumn = -1;
    updateGeometry();
}

QSize HeatmapWidget::sizeHint() const {
    return {560, static_cast<int>(std::min(m_painter->preferredHeight(560, m_style), 620.0))};
}

HeatmapPainter::Layout HeatmapWidget::currentLayout() const {
    return m_painter->layout(QRectF(rect()), m_style, m_state, true);
}

QRectF HeatmapWidget::visibleCells() const {
    return currentLayout().window;
}

bool HeatmapWidget::settled() const {
    return m_loader->idle();
}

void HeatmapWidget::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.fillRect(rect(), m_style.background);
    FigureState state = m_state;
    state.focused = hasFocus();
    if (!m_loader->failure().isEmpty()) {
        painter.setPen(m_style.text);
        painter.drawText(rect().adjusted(12, 12, -12, -12), Qt::AlignCenter | Qt::TextWordWrap,
                         m_loader->failure());
        return;
    }
    m_painter->draw(painter, QRectF(rect()), m_style, state, *m_loader, true);
    if (!m_band.isEmpty()) {
        painter.setPen(QPen(m_style.accent, 1, Qt::DashLine));
        painter.drawRect(m_band);
    }
    if (hasFocus()) {
        painter.setPen(QPen(m_style.accent, 1));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(rect().adjusted(0, 0, -1, -1));
    }
}

void HeatmapWidget::setWindow(std::optional<QRectF> window) {
    const auto& heatmap = m_painter->heatmap();
    const auto rows = static_cast<double>(heatmap.values->rows());
    const auto columns = static_cast<double>(heatmap.values->columns());
    if (window && rows > 0 && columns > 0) {
        QRectF cells = *window;
        if (cells.width() >= columns && (m_painter->square() || cells.height() >= rows)) {
            window.reset();
        } else {
            cells.setSize({std::min(cells.width(), columns), std::min(cells.height(), rows)});
            cells.moveLeft(std::clamp(cells.left(), 0.0, columns - cells.width()));
            cells.moveTop(std::clamp(cells.top(), 0.0, rows - cells.height()));
            window = cells;
        }
    }
    if (window == m_state.window)
        return;
    m_state.window = window;
    update();
    emit stateChanged();
}

void HeatmapWidget::zoom(double factor, QPointF centre) {
    const auto at = currentLayout();
    QPointF cell = at.cellAt(centre);
    cell = {std::clamp(cell.x(), at.window.left(), at.window.right()),
            std::clamp(cell.y(), at.window.top(), at.window.bottom())};
    const double largest = std::max(at.cellWidth(), m_painter->square() ? 0.0 : at.cellHeight());
    factor = std::min(factor, mostPixelsPerCell / largest);
    if (factor <= 0 || (factor < 1.0001 && factor > 0.9999))
        return;
    const auto before = m_state.window;
    QSizeF size = at.window.size() / factor;
    if (m_painter->square()) // the whole height of the widget is used when zoomed in
        size.setHeight(std::max(size.width() * at.window.height() / at.window.width(), 1e-3));
    const double fx = (cell.x() - at.window.left()) / at.window.width();
    const double fy = (cell.y() - at.window.top()) / at.window.height();
    m_state.window =
        QRectF(cell.x() - fx * size.width(), cell.y() - fy * size.height(), size.width(), size.height());
    // The plot itself may have grown into free room: what was under the pointer comes back to it.
    const auto now = currentLayout();
    QRectF window = now.window.translated(cell - now.cellAt(centre));
    if (m_painter->square())
        window.setHeight(size.height());
    m_state.window = before;
    setWindow(window);
}

void HeatmapWidget::zoomToPixels() {
    const auto at = currentLayout();
    const QPointF centre = m_state.row >= 0 && m_state.column >= 0
                               ? QPointF(at.x(m_state.column + 0.5), at.y(m_state.row + 0.5))
                               : at.plot.center();
    zoom(1.0 / (at.cellWidth() * devicePixelRatioF()), centre);
}

QPoint HeatmapWidget::cellAt(QPointF point) const {
    const auto at = currentLayout();
    if (!at.plot.contains(point))
        return {-1, -1};
    const QPointF cell = at.cellAt(point);
    const auto column = static_cast<int>(std::floor(cell.x()));
    const auto row = static_cast<int>(std::floor(cell.y()));
    const auto& values = *m_painter->heatmap().values;
    if (row < 0 || column < 0 || row >= values.rows() || column >= values.columns())
        return {-1, -1};
    return {column, row};
}

void HeatmapWidget::hoverCell(QPoint cell) {
    if (cell.y() == m_state.hoverRow && cell.x() == m_state.hoverColumn)
        return;
    setHover(cell.y(), cell.x());
    const auto value = cell.x() >= 0 ? m_loader->value(cell.y(), cell.x()) : std::nullopt;
    emit hovered(cell.y(), cell.x(), value ? static_cast<double>(*value) : std::nan(""));
}

void HeatmapWidget::wheelEvent(QWheelEvent* event) {
    const double steps = event->angleDelta().y() / 120.0;
    if (steps == 0) {
        event->ignore();
        return;
    }
    zoom(std::pow(1.25, steps), event->position());
    event->accept();
}

void HeatmapWidget::mousePressEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton && event->button() != Qt::MiddleButton) {
        event->ignore();
        return;
    }
    m_press = event->position();
    m_pressWindow = currentLayout().window;
    m_dragging = false;
    m_band = {};
}

void HeatmapWidget::mouseMoveEvent(QMouseEvent* event) {
    if (!m_press) {
        hoverCell(cellAt(event->position()));
        return;
    }
    const QPointF moved = event->position() - *m_press;
    if (!m_dragging && moved.manhattanLength() < QApplication::startDragDistance())
        return;
    m_dragging = true;
    if ((event->modifiers() & Qt::ShiftModifier) != 0) {
        m_band = QRectF(*m_press, event->position()).normalized().intersected(currentLayout().plot);
        update();
        return;
    }
    const auto at = currentLayout();
    setWindow(m_pressWindow.translated(-moved.x() / at.cellWidth(), -moved.y() / at.cellHeight()));
    setCursor(Qt::ClosedHandCursor);
}

void HeatmapWidget::mouseReleaseEvent(QMouseEvent* event) {
    if (!m_press)
        return;
    unsetCursor();
    if (!m_band.isEmpty()) {
        const auto at = currentLayout();
        const QRectF cells(at.cellAt(m_band.topLeft()), at.cellAt(m_band.bottomRight()));
        m_band = {};
        if (cells.width() >= 1 && cells.height() >= 1)
            setWindow(cells);
        update();
    } else if (!m_dragging && event->button() == Qt::LeftButton) {
        const QPoint cell = cellAt(event->position());
        choose(cell.y(), cell.x());
    }
    m_press.reset();
    m_dragging = false;
}

void HeatmapWidget::mouseDoubleClickEvent(QMouseEvent* event) {
    if (event->button() == Qt::LeftButton)
        setWindow(std::nullopt);
}

void HeatmapWidget::leaveEvent(QEvent*) {
    hoverCell({-1, -1});
}

void HeatmapWidget::choose(int row, int column) {
    setSelection(row, column);
    emit selected(row, column);
}

void HeatmapWidget::setSelection(int row, int column) {
    FigureWidget::setSelection(row, column);
    if (row >= 0 || column >= 0)
        reveal(row, column);
}

void HeatmapWidget::reveal(int row, int column) {
    if (!m_state.window)
        return;
    QRectF cells = currentLayout().window;
    const auto pull = [](double low, double size, double wanted) {
        if (wanted < low)
            return wanted;
        return wanted + 1 > low + size ? wanted + 1 - size : low;
    };
    if (column >= 0)
        cells.moveLeft(pull(cells.left(), cells.width(), column));
    if (row >= 0)
        cells.moveTop(pull(cells.top(), cells.height(), row));
    setWindow(cells);
}

void HeatmapWidget::moveCursor(int rows, int columns) {
    const auto& values = *m_painter->heatmap().values;
    if (values.rows() == 0 || values.columns() == 0)
        return;
    const bool none = m_state.row < 0 || m_state.column < 0;
    const QRectF seen = visibleCells();
    const int row = none ? static_cast<int>(seen.top()) : m_state.row + rows;
    const int column = none ? static_cast<int>(seen.left()) : m_state.column + columns;
    choose(static_cast<int>(std::clamp<std::int64_t>(row, 0, values.rows() - 1)),
           static_cast<int>(std::clamp<std::int64_t>(column, 0, values.columns() - 1)));
}

void HeatmapWidget::keyPressEvent(QKeyEvent* event) {
    const int stride = (event->modifiers() & Qt::ControlModifier) != 0 ? 10 : 1;
    const auto at = currentLayout();
    const QPointF centre = m_state.row >= 0 && m_state.column >= 0
                               ? QPointF(at.x(m_state.column + 0.5), at.y(m_state.row + 0.5))
                               : at.plot.center();
    switch (event->key()) {
    case Qt::Key_Left:
        moveCursor(0, -stride);
        return;
    case Qt::Key_Right:
        moveCursor(0, stride);
        return;
    case Qt::Key_Up:
        moveCursor(-stride, 0);
        return;
    case Qt::Key_Down:
        moveCursor(stride, 0);
        return;
    case Qt::Key_Plus:
    case Qt::Key_Equal:
        zoom(1.25, centre);
        return;
    case Qt::Key_Minus:
        zoom(0.8, centre);
        return;
    case Qt::Key_Home:
    case Qt::Key_0:
        setWindow(std::nullopt);
        return;
    case Qt::Key_1:
        zoomToPixels();
        return;
    case Qt::Key_Return:
    case Qt::Key_Enter:
        emit activated(m_state.row, m_state.column);
        return;
    case Qt::Key_Escape:
        if (m_state.row >= 0 || m_state.column >= 0) {
            choose(-1, -1);
            return;
        }
        break;
    default:
        break;
    }
    QWidget::keyPressEvent(event);
}

void HeatmapWidget::fillMenu(QMenu& menu) {
    menu.addAction(tr("Show &everything"), this, [this] { setWindow(std::nullopt); });
    menu.addAction(tr("One cell a &pixel"), this, [this] { zoomToPixels(); });
    auto* scales = menu.addMenu(tr("Colour &scale"));
    auto* group = new QActionGroup(scales);
    const std::pair<Transfer, QString> choices[] = {{Transfer::Linear, tr("&Linear")},
                                                    {Transfer::SquareRoot, tr("&Square root")},
                                                    {Transfer::Logarithmic, tr("Lo&garithmic")}};
    for (const auto& [transfer, name] : choices) {
        QAction* action = scales->addAction(name, this, [this, choice = transfer] {
            m_state.transfer = choice;
            update();
            emit stateChanged();
        });
        action->setCheckable(true);
        action->setChecked(m_state.transfer == transfer);
        group->addAction(action);
    }
}

QString HeatmapWidget::cellText(int row, int column) const {
    if (row < 0 || column < 0 || row >= matrix().rows() || column >= matrix().columns())
        return {};
    return m_painter->describe(row, column, matrix().at(row, column));
}

QRectF HeatmapWidget::cellRect(int row, int column) const {
    const auto at = currentLayout();
    return {at.x(column), at.y(row), at.cellWidth(), at.cellHeight()};
}

QString HeatmapWidget::selectionText() const {
    return m_painter->describe(m_state.row, m_state.column, m_loader->value(m_state.row, m_state.column));
}

QString HeatmapWidget::dataText() const {
    // What is visible, as a spreadsheet takes it.
    const auto& heatmap = m_painter->heatmap();
    const QRectF seen = visibleCells();
    const auto top = static_cast<std::int64_t>(seen.top());
    const auto left = static_cast<std::int64_t>(seen.left());
    const auto bottom = std::min(heatmap.values->rows(), static_cast<std::int64_t>(std::ceil(seen.bottom())));
    const auto right =
        std::min(heatmap.values->columns(), static_cast<std::int64_t>(std::ceil(seen.right())));
    constexpr std::int64_t mostRows = 1024;
    const std::int64_t rows = std::min(bottom - top, mostRows);
    const std::int64_t columns = std::min(right - left, mostRows);
    std::vector<float> cells(static_cast<std::size_t>(rows * columns));
    heatmap.values->tile(top, left, rows, columns, cells);
    QString text;
    for (std::int64_t c = 0; c < columns; ++c)
        text += QLatin1Char('\t') + m_painter->columnLabel(left + c);
    for (std::int64_t r = 0; r < rows; ++r) {
        text += QLatin1Char('\n') + m_painter->rowLabel(top + r);
        for (std::int64_t c = 0; c < columns; ++c)
            text += QLatin1Char('\t') +
                    QString::number(static_cast<double>(cells[static_cast<std::size_t>(r * columns + c)]),
                                    'g', 9);
    }
    return text;
}

} // namespace orrery::ui
