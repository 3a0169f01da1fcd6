// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/head_grid_widget.h"

#include "figures/figure_text.h"

#include <QActionGroup>
#include <QKeyEvent>
#include <QMenu>
#include <QMouseEvent>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace orrery::ui {

struct HeadGridWidget::Task {
    std::atomic<bool> stop{false};
};

HeadGridWidget::HeadGridWidget(Pointer figure, QWidget* parent) : FigureWidget(std::move(figure), parent) {
    setMouseTracking(true);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    m_pool.setMaxThreadCount(1);
    HeadGridWidget::figureChanged();
}

HeadGridWidget::~HeadGridWidget() {
    stopPooling();
    m_pool.waitForDone();
}

void HeadGridWidget::stopPooling() {
    if (m_task)
        m_task->stop.store(true);
    m_task.reset();
}

void HeadGridWidget::figureChanged() {
    const auto* before = m_painter ? &m_painter->grid() : nullptr;
    auto painter = std::make_unique<HeadGridPainter>(m_figure);
    const auto& grid = painter->grid();
    const bool sameHeads = before != nullptr && before->layers == grid.layers && before->heads == grid.heads;
    m_painter = std::move(painter);
    if (!sameHeads) {
        m_maps = {}; // otherwise the old maps stay until each new one is there: no flicker
        m_state.row = -1;
        m_state.column = -1;
    }
    m_maps.maps.resize(grid.maps.size());
    m_maps.range = {};
    m_pictureFresh = false;
    startPooling();
    updateGeometry();
}

void HeadGridWidget::styleChanged() {
    m_pictureFresh = false;
    update();
}

void HeadGridWidget::startPooling() {
    stopPooling();
    m_task = std::make_shared<Task>();
    m_pending = 0;
    for (const auto& map : m_painter->grid().maps)
        m_pending += map ? 1 : 0;
    if (m_pending == 0)
        return;
    m_pool.start([this, task = m_task, held = m_figure] {
        const auto& grid = std::get<figure::HeadGrid>(held->body);
        for (std::size_t i = 0; i < grid.maps.size() && !task->stop.load(); ++i) {
            if (!grid.maps[i])
                continue;
            std::shared_ptr<const PooledMap> map;
            try {
                map = HeadGridMaps::pool(*grid.maps[i]);
            } catch (
                const std::exception&) { // shown as an empty cell; the map itself tells when it is opened
            }
            QMetaObject::invokeMethod(
                this,
                [this, task, i, map] {
                    if (task->stop.load())
                        return; // of a figure that was replaced
                    --m_pending;
                    if (map)
                        m_maps.put(i, map);
                    // Not a picture for each of 144 maps: every 40 ms, and at the end.
                    if (m_pending == 0 || !m_lastPicture.isValid() || m_lastPicture.elapsed() > 40) {
                        m_pictureFresh = false;
                        m_lastPicture.start();
                        update();
                    }
                },
                Qt::QueuedConnection);
        }
    });
}

QSize HeadGridWidget::sizeHint() const {
    return {480, static_cast<int>(std::min(m_painter->preferredHeight(480, m_style), 520.0))};
}

QRectF HeadGridWidget::headRect(int layer, int head) const {
    return m_painter->cell(m_painter->layout(QRectF(rect()), m_style, m_state), layer, head);
}

void HeadGridWidget::refreshPicture() {
    const qreal ratio = devicePixelRatioF();
    const QSize pixels = (QSizeF(size()) * ratio).toSize();
    if (m_pictureFresh && m_picture.size() == pixels)
        return;
    m_picture = QPixmap(pixels);
    m_picture.setDevicePixelRatio(ratio);
    m_picture.fill(m_style.background);
    QPainter painter(&m_picture);
    FigureState plain = m_state;
    plain.row = plain.column = plain.hoverRow = plain.hoverColumn = -1;
    m_painter->draw(painter, QRectF(rect()), m_style, plain, m_maps);
    m_pictureFresh = true;
}

void HeadGridWidget::paintEvent(QPaintEvent*) {
    refreshPicture();
    QPainter painter(this);
    painter.drawPixmap(0, 0, m_picture);
    m_painter->drawSelection(painter, QRectF(rect()), m_style, m_state);
    if (hasFocus()) {
        painter.setPen(QPen(m_style.accent, 1));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(rect().adjusted(0, 0, -1, -1));
    }
}

double HeadGridWidget::scoreOf(int layer, int head) const {
    return m_painter->score(layer, head).value_or(std::nan(""));
}

void HeadGridWidget::choose(int layer, int head) {
    setSelection(layer, head);
    emit selected(layer, head);
}

void HeadGridWidget::mousePressEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton) {
        event->ignore();
        return;
    }
    const QPoint at =
        m_painter->headAt(m_painter->layout(QRectF(rect()), m_style, m_state), event->position());
    if (at.x() >= 0)
        choose(at.y(), at.x());
}

void HeadGridWidget::mouseDoubleClickEvent(QMouseEvent* event) {
    const QPoint at =
        m_painter->headAt(m_painter->layout(QRectF(rect()), m_style, m_state), event->position());
    if (at.x() >= 0)
        emit activated(at.y(), at.x());
}

void HeadGridWidget::mouseMoveEvent(QMouseEvent* event) {
    const QPoint at =
        m_painter->headAt(m_painter->layout(QRectF(rect()), m_style, m_state), event->position());
    if (at.y() == m_state.hoverRow && at.x() == m_state.hoverColumn)
        return;
    setHover(at.y(), at.x());
    emit hovered(at.y(), at.x(), scoreOf(at.y(), at.x()));
}

void HeadGridWidget::leaveEvent(QEvent*) {
    setHover(-1, -1);
    emit hovered(-1, -1, std::nan(""));
}

void HeadGridWidget::keyPressEvent(QKeyEvent* event) {
    const auto& grid = m_painter->grid();
    const auto move = [&](int layers, int heads) {
        if (grid.layers == 0 || grid.heads == 0)
            return;
        const bool none = m_state.row < 0 || m_state.column < 0;
        choose(std::clamp(none ? 0 : m_state.row + layers, 0, grid.layers - 1),
               std::clamp(none ? 0 : m_state.column + heads, 0, grid.heads - 1));
    };
    switch (event->key()) {
    case Qt::Key_Left:
    case Qt::Key_BracketLeft:
        move(0, -1);
        return;
    case Qt::Key_Right:
    case Qt::Key_BracketRight:
        move(0, 1);
        return;
    case Qt::Key_Up:
    case Qt::Key_PageUp:
        move(-1, 0);
        return;
    case Qt::Key_Down:
    case Qt::Key_PageDown:
        move(1, 0);
        return;
    case Qt::Key_Home:
        move(0, -grid.heads);
        return;
    case Qt::Key_End:
        move(0, grid.heads);
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

void HeadGridWidget::setShareScale(bool share) {
    m_state.shareScale = share;
    m_pictureFresh = false;
    update();
    emit stateChanged();
}

void HeadGridWidget::setTransfer(Transfer transfer) {
    m_state.transfer = transfer;
    m_pictureFresh = false;
    update();
    emit stateChanged();
}

void HeadGridWidget::fillMenu(QMenu& menu) {
    QAction* share = menu.addAction(tr("&One scale for all heads"));
    share->setCheckable(true);
    share->setChecked(m_state.shareScale);
    connect(share, &QAction::toggled, this, &HeadGridWidget::setShareScale);
    auto* scales = menu.addMenu(tr("Colour &scale"));
    const std::pair<Transfer, QString> choices[] = {{Transfer::Linear, tr("&Linear")},
                                                    {Transfer::SquareRoot, tr("&Square root")},
                                                    {Transfer::Logarithmic, tr("Lo&garithmic")}};
    auto* group = new QActionGroup(scales);
    for (const auto& [transfer, name] : choices) {
        QAction* action = scales->addAction(name, this, [this, choice = transfer] { setTransfer(choice); });
        action->setCheckable(true);
        action->setChecked(m_state.transfer == transfer);
        group->addAction(action);
    }
}

QString HeadGridWidget::selectionText() const {
    return m_painter->describe(m_state.row, m_state.column);
}

QString HeadGridWidget::dataText() const {
    const auto& grid = m_painter->grid();
    if (grid.scores.empty())
        return selectionText();
    QString text;
    for (int head = 0; head < grid.heads; ++head)
        text += QStringLiteral("\tH%1").arg(head);
    for (int layer = 0; layer < grid.layers; ++layer) {
        text += QStringLiteral("\nL%1").arg(layer);
        for (int head = 0; head < grid.heads; ++head)
            text += QLatin1Char('\t') + QString::number(scoreOf(layer, head), 'g', 9);
    }
    return text;
}

} // namespace orrery::ui
