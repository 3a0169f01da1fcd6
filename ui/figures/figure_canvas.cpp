// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/figure_canvas.h"

#include <QEvent>
#include <QMouseEvent>
#include <QScrollArea>
#include <QScrollBar>

namespace orrery::ui {

FigureCanvas::FigureCanvas(std::function<int(int)> height, std::function<void(QPaintEvent*)> paint,
                           QScrollArea* area)
    : m_height(std::move(height)), m_paint(std::move(paint)), m_area(area) {
    setMouseTracking(true);
    setFocusPolicy(Qt::NoFocus);
    area->setWidget(this);
    area->setWidgetResizable(false);
    area->setFrameShape(QFrame::NoFrame);
    area->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    area->setFocusPolicy(Qt::NoFocus); // the keyboard belongs to the figure around it
    area->viewport()->installEventFilter(this);
}

void FigureCanvas::contentChanged() {
    const QSize view = m_area->viewport()->size();
    resize(view.width(), std::max(m_height(view.width()), view.height()));
    update();
}

bool FigureCanvas::eventFilter(QObject* watched, QEvent* event) {
    if (watched == m_area->viewport() && event->type() == QEvent::Resize)
        contentChanged();
    return QWidget::eventFilter(watched, event);
}

void FigureCanvas::mousePressEvent(QMouseEvent* event) {
    emit pressed(event->position(), event->button(), event->modifiers());
    event->setAccepted(event->button() == Qt::LeftButton);
}

void FigureCanvas::mouseMoveEvent(QMouseEvent* event) {
    emit moved(event->position());
}

void FigureCanvas::mouseDoubleClickEvent(QMouseEvent* event) {
    if (event->button() == Qt::LeftButton)
        emit doubleClicked(event->position());
}

void FigureCanvas::leaveEvent(QEvent*) {
    emit left();
}

} // namespace orrery::ui
