// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/attention_lines_widget.h"

#include "figures/figure_canvas.h"

#include <QKeyEvent>
#include <QMenu>
#include <QPaintEvent>
#include <QPainter>
#include <QScrollArea>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace orrery::ui {

AttentionLinesWidget::AttentionLinesWidget(Pointer figure, QWidget* parent)
    : FigureWidget(std::move(figure), parent), m_lines(std::make_shared<AttentionLineSet>()),
      m_area(new QScrollArea(this)) {
    m_painter = std::make_unique<AttentionLinesPainter>(m_figure);
    m_pool.setMaxThreadCount(1);
    m_canvas = new FigureCanvas(
        [this](int width) { return static_cast<int>(std::ceil(m_painter->preferredHeight(width, m_style))); },
        [this](QPaintEvent* event) { paintCanvas(event); }, m_area);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(m_area);
    connect(m_canvas, &FigureCanvas::moved, this, [this](QPointF point) {
        const auto hit = m_painter->hit(places(), point);
        if (hit.query == m_state.hoverRow && hit.key == m_state.hoverColumn)
            return;
        setHover(hit.query, hit.key);
        emit hovered(hit.query, hit.key, std::nan(""));
    });
    connect(m_canvas, &FigureCanvas::left, this, [this] {
        setHover(-1, -1);
        emit hovered(-1, -1, std::nan(""));
    });
    connect(m_canvas, &FigureCanvas::pressed, this,
            [this](QPointF point, Qt::MouseButton button, Qt::KeyboardModifiers modifiers) {
                setFocus(Qt::MouseFocusReason);
                if (button != Qt::LeftButton)
                    return;
                const auto hit = m_painter->hit(places(), point);
                if (hit.head >= 0) {
                    if ((modifiers & Qt::ShiftModifier) != 0)
                        showOnlyHead(hit.head);
                    else
                        toggleHead(hit.head);
                    return;
                }
                // A second click on the same token lets it go.
                const bool again = hit.query == m_state.row && hit.key == m_state.column;
                choose(again ? -1 : hit.query, again ? -1 : hit.key);
            });
    collect();
}

AttentionLinesWidget::~AttentionLinesWidget() {
    m_stop->store(true);
    m_pool.waitForDone();
}

void AttentionLinesWidget::collect() {
    if (m_stop)
        m_stop->store(true);
    m_stop = std::make_shared<std::atomic<bool>>(false);
    const auto& lines = m_painter->data();
    // Sentences are quick: no flicker through an empty picture.
    constexpr std::size_t quickCells = std::size_t{1} << 20;
    if (lines.queries.size() * lines.keys.size() * std::max<std::size_t>(lines.heads.size(), 1) <=
        quickCells) {
        m_lines = AttentionLineSet::collect(lines, *m_stop);
        return;
    }
    m_lines = std::make_shared<AttentionLineSet>();
    m_pool.start([this, stop = m_stop, held = m_figure] {
        std::shared_ptr<const AttentionLineSet> found;
        try {
            found = AttentionLineSet::collect(std::get<figure::AttentionLines>(held->body), *stop);
        } catch (const std::exception&) { // the tokens stay; the map of the head tells what is wrong
            auto none = std::make_shared<AttentionLineSet>();
            none->complete = true;
            found = none;
        }
        QMetaObject::invokeMethod(
            this,
            [this, stop, found] {
                if (found && !stop->load()) {
                    m_lines = found;
                    m_canvas->update();
                }
            },
            Qt::QueuedConnection);
    });
}

void AttentionLinesWidget::figureChanged() {
    m_painter = std::make_unique<AttentionLinesPainter>(m_figure);
    const auto& lines = m_painter->data();
    if (m_state.row >= static_cast<int>(lines.queries.size()) ||
        m_state.column >= static_cast<int>(lines.keys.size()))
        m_state.row = m_state.column = -1;
    m_state.hoverRow = m_state.hoverColumn = -1;
    collect();
    m_canvas->contentChanged();
}

void AttentionLinesWidget::styleChanged() {
    m_canvas->contentChanged();
}

AttentionLinesPainter::Layout AttentionLinesWidget::places() const {
    return m_painter->layout(QRectF(0, 0, m_canvas->width(), 0), m_style);
}

QRectF AttentionLinesWidget::headSwitch(int head) const {
    return places().heads.at(static_cast<std::size_t>(head)).translated(m_canvas->mapTo(this, QPoint(0, 0)));
}

QRectF AttentionLinesWidget::queryRect(int query) const {
    const auto at = places();
    return QRectF(at.left, at.top + query * at.row, at.queryRight - at.left, at.row)
        .translated(m_canvas->mapTo(this, QPoint(0, 0)));
}

QRectF AttentionLinesWidget::keyRect(int key) const {
    const auto at = places();
    return QRectF(at.keyLeft, at.top + key * at.row, at.right - at.keyLeft, at.row)
        .translated(m_canvas->mapTo(this, QPoint(0, 0)));
}

void AttentionLinesWidget::paintCanvas(QPaintEvent* event) {
    QPainter painter(m_canvas);
    painter.fillRect(event->rect(), m_style.background);
    m_painter->draw(painter, places(), m_style, m_state, *m_lines, QRectF(event->rect()));
}

void AttentionLinesWidget::toggleHead(int head) {
    const std::size_t count = m_painter->data().heads.size();
    if (head < 0 || static_cast<std::size_t>(head) >= count)
        return;
    m_state.hiddenHeads.resize(count, false);
    m_state.hiddenHeads[static_cast<std::size_t>(head)] =
        !m_state.hiddenHeads[static_cast<std::size_t>(head)];
    m_canvas->update();
    emit stateChanged();
}

void AttentionLinesWidget::showOnlyHead(int head) {
    const std::size_t count = m_painter->data().heads.size();
    m_state.hiddenHeads.assign(count, head >= 0);
    if (head >= 0 && static_cast<std::size_t>(head) < count)
        m_state.hiddenHeads[static_cast<std::size_t>(head)] = false;
    m_canvas->update();
    emit stateChanged();
}

void AttentionLinesWidget::setSelection(int row, int column) {
    FigureWidget::setSelection(row, column);
    m_canvas->update();
}

void AttentionLinesWidget::setHover(int row, int column) {
    FigureWidget::setHover(row, column);
    m_canvas->update();
}

void AttentionLinesWidget::choose(int query, int key) {
    setSelection(query, key);
    emit selected(query, key);
}

void AttentionLinesWidget::keyPressEvent(QKeyEvent* event) {
    const auto& lines = m_painter->data();
    const bool onKeys = m_state.column >= 0;
    const auto count = static_cast<int>(onKeys ? lines.keys.size() : lines.queries.size());
    const int current = onKeys ? m_state.column : m_state.row;
    const auto go = [&](int row) {
        if (count == 0)
            return;
        row = std::clamp(row, 0, count - 1);
        choose(onKeys ? -1 : row, onKeys ? row : -1);
        const auto at = places();
        m_area->ensureVisible(0, static_cast<int>(at.top + (row + 0.5) * at.row), 0, 40);
    };
    switch (event->key()) {
    case Qt::Key_Up:
        go(current < 0 ? 0 : current - 1);
        return;
    case Qt::Key_Down:
        go(current < 0 ? 0 : current + 1);
        return;
    case Qt::Key_Home:
        go(0);
        return;
    case Qt::Key_End:
        go(count - 1);
        return;
    case Qt::Key_Left:
        if (onKeys)
            choose(std::min(m_state.column, static_cast<int>(lines.queries.size()) - 1), -1);
        return;
    case Qt::Key_Right:
        if (!onKeys && m_state.row >= 0)
            choose(-1, std::min(m_state.row, static_cast<int>(lines.keys.size()) - 1));
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
    if (event->key() >= Qt::Key_1 && event->key() <= Qt::Key_9) { // the keyboard's way to the legend
        toggleHead(event->key() - Qt::Key_1);
        return;
    }
    QWidget::keyPressEvent(event);
}

void AttentionLinesWidget::fillMenu(QMenu& menu) {
    menu.addAction(tr("Show &all heads"), this, [this] { showOnlyHead(-1); });
    auto* heads = menu.addMenu(tr("&Heads"));
    const auto& lines = m_painter->data();
    for (int i = 0; i < static_cast<int>(lines.heads.size()); ++i) {
        const auto index = static_cast<std::size_t>(i);
        QAction* action =
            heads->addAction(index < lines.headNames.size() ? QString::fromStdString(lines.headNames[index])
                                                            : QString::number(i));
        action->setCheckable(true);
        action->setChecked(m_painter->shows(m_state, i));
        connect(action, &QAction::toggled, this, [this, i] { toggleHead(i); });
    }
}

QString AttentionLinesWidget::selectionText() const {
    return m_painter->describe(m_state.row, m_state.column, *m_lines, m_state);
}

} // namespace orrery::ui
