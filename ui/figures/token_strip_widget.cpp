// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/token_strip_widget.h"

#include "figures/figure_canvas.h"

#include <QComboBox>
#include <QKeyEvent>
#include <QPaintEvent>
#include <QPainter>
#include <QScrollArea>
#include <QSignalBlocker>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace orrery::ui {

TokenStripWidget::TokenStripWidget(Pointer figure, QWidget* parent)
    : FigureWidget(std::move(figure), parent), m_scores(new QComboBox(this)), m_area(new QScrollArea(this)) {
    m_painter = std::make_unique<TokenStripPainter>(m_figure);
    m_canvas = new FigureCanvas(
        [this](int width) { return static_cast<int>(std::ceil(m_painter->preferredHeight(width, m_style))); },
        [this](QPaintEvent* event) { paintCanvas(event); }, m_area);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(2);
    column->addWidget(m_scores, 0, Qt::AlignLeft);
    column->addWidget(m_area, 1);
    m_scores->setAccessibleName(tr("Scores that colour the tokens"));
    m_scores->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    fillScores();
    connect(m_scores, &QComboBox::currentIndexChanged, this, &TokenStripWidget::setScores);
    connect(m_canvas, &FigureCanvas::moved, this, [this](QPointF point) {
        const int token = TokenStripPainter::tokenAt(boxes(), point);
        if (token == m_state.hoverColumn)
            return;
        setHover(token < 0 ? -1 : m_state.scores, token);
        m_canvas->setToolTip(m_painter->describe(token, m_state.scores));
        emit hovered(m_state.hoverRow, token, m_painter->value(token, m_state.scores));
    });
    connect(m_canvas, &FigureCanvas::left, this, [this] {
        setHover(-1, -1);
        emit hovered(-1, -1, std::nan(""));
    });
    connect(m_canvas, &FigureCanvas::pressed, this, [this](QPointF point, Qt::MouseButton button) {
        setFocus(Qt::MouseFocusReason);
        if (button == Qt::LeftButton)
            choose(TokenStripPainter::tokenAt(boxes(), point));
    });
    connect(m_canvas, &FigureCanvas::doubleClicked, this, [this](QPointF point) {
        const int token = TokenStripPainter::tokenAt(boxes(), point);
        if (token >= 0)
            emit activated(m_state.scores, token);
    });
}

TokenStripWidget::~TokenStripWidget() = default;

void TokenStripWidget::fillScores() {
    const QSignalBlocker blocker(m_scores);
    const auto& scores = m_painter->strip().scores;
    m_scores->clear();
    for (const auto& each : scores)
        m_scores->addItem(QString::fromStdString(each.name));
    m_state.scores = std::clamp(m_state.scores, 0, std::max(static_cast<int>(scores.size()) - 1, 0));
    m_scores->setCurrentIndex(m_state.scores);
    m_scores->setVisible(scores.size() > 1);
}

void TokenStripWidget::figureChanged() {
    m_painter = std::make_unique<TokenStripPainter>(m_figure);
    m_layoutWidth = -1;
    fillScores();
    if (m_state.column >= static_cast<int>(m_painter->strip().tokens.size()))
        m_state.column = -1;
    m_state.hoverColumn = -1;
    m_canvas->contentChanged();
    updateGeometry();
}

void TokenStripWidget::styleChanged() {
    m_layoutWidth = -1;
    m_canvas->contentChanged();
}

QSize TokenStripWidget::sizeHint() const {
    const int width = std::max(QWidget::width(), 480);
    const int height = static_cast<int>(m_painter->preferredHeight(width, m_style));
    return {480, std::min(height, 220) + (m_painter->strip().scores.size() > 1 ? 30 : 0)};
}

const TokenStripPainter::Layout& TokenStripWidget::boxes() const {
    if (m_layoutWidth != m_canvas->width()) {
        m_layout = m_painter->layout(QRectF(0, 0, m_canvas->width(), 0), m_style);
        m_layoutWidth = m_canvas->width();
    }
    return m_layout;
}

QRectF TokenStripWidget::tokenRect(int token) const {
    const auto& at = boxes();
    if (token < 0 || static_cast<std::size_t>(token) >= at.boxes.size())
        return {};
    return at.boxes[static_cast<std::size_t>(token)].translated(m_canvas->mapTo(this, QPoint(0, 0)));
}

void TokenStripWidget::paintCanvas(QPaintEvent* event) {
    QPainter painter(m_canvas);
    painter.fillRect(event->rect(), m_style.background);
    m_painter->draw(painter, boxes(), m_style, m_state, QRectF(event->rect()));
    if (hasFocus()) {
        painter.setPen(QPen(m_style.accent, 1));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(m_canvas->rect().adjusted(0, 0, -1, -1));
    }
}

void TokenStripWidget::setScores(int index) {
    const auto count = static_cast<int>(m_painter->strip().scores.size());
    if (index < 0 || index >= count || index == m_state.scores)
        return;
    m_state.scores = index;
    m_scores->setCurrentIndex(index);
    m_canvas->update();
    emit stateChanged();
}

void TokenStripWidget::setSelection(int row, int column) {
    FigureWidget::setSelection(row, column);
    const QRectF box = column >= 0 && static_cast<std::size_t>(column) < boxes().boxes.size()
                           ? boxes().boxes[static_cast<std::size_t>(column)]
                           : QRectF();
    if (!box.isEmpty())
        m_area->ensureVisible(static_cast<int>(box.center().x()), static_cast<int>(box.center().y()), 10, 30);
    m_canvas->update();
}

void TokenStripWidget::setHover(int row, int column) {
    FigureWidget::setHover(row, column);
    m_canvas->update();
}

void TokenStripWidget::choose(int token) {
    setSelection(token < 0 ? -1 : m_state.scores, token);
    emit selected(m_state.row, token);
}

void TokenStripWidget::keyPressEvent(QKeyEvent* event) {
    const auto count = static_cast<int>(m_painter->strip().tokens.size());
    const auto move = [&](int by) {
        if (count > 0)
            choose(std::clamp(m_state.column < 0 ? 0 : m_state.column + by, 0, count - 1));
    };
    // Up and down go to the token below or above, as in a text.
    const auto moveLine = [&](int direction) {
        const auto& at = boxes();
        if (m_state.column < 0 || static_cast<std::size_t>(m_state.column) >= at.boxes.size()) {
            move(0);
            return;
        }
        const QRectF box = at.boxes[static_cast<std::size_t>(m_state.column)];
        const double y = direction > 0 ? box.bottom() + box.height() / 2 : box.top() - box.height() / 2;
        int nearest = -1;
        for (int i = 0; i < count; ++i) {
            const QRectF& other = at.boxes[static_cast<std::size_t>(i)];
            if (other.top() > y || other.bottom() < y)
                continue;
            if (nearest < 0 ||
                std::abs(other.center().x() - box.center().x()) <
                    std::abs(at.boxes[static_cast<std::size_t>(nearest)].center().x() - box.center().x()))
                nearest = i;
        }
        if (nearest >= 0)
            choose(nearest);
    };
    switch (event->key()) {
    case Qt::Key_Left:
        move(-1);
        return;
    case Qt::Key_Right:
        move(1);
        return;
    case Qt::Key_Up:
        moveLine(-1);
        return;
    case Qt::Key_Down:
        moveLine(1);
        return;
    case Qt::Key_Home:
        move(-count);
        return;
    case Qt::Key_End:
        move(count);
        return;
    case Qt::Key_Return:
    case Qt::Key_Enter:
        emit activated(m_state.scores, m_state.column);
        return;
    case Qt::Key_Escape:
        if (m_state.column >= 0) {
            choose(-1);
            return;
        }
        break;
    default:
        break;
    }
    QWidget::keyPressEvent(event);
}

QString TokenStripWidget::selectionText() const {
    return m_painter->describe(m_state.column, m_state.scores);
}

QString TokenStripWidget::dataText() const {
    const auto& strip = m_painter->strip();
    QString text = tr("token");
    for (const auto& scores : strip.scores)
        text += QLatin1Char('\t') + QString::fromStdString(scores.name);
    for (int i = 0; i < static_cast<int>(strip.tokens.size()); ++i) {
        text += QLatin1Char('\n') +
                QString::fromStdString(strip.tokens[static_cast<std::size_t>(i)]).simplified();
        for (int s = 0; s < static_cast<int>(strip.scores.size()); ++s)
            text += QLatin1Char('\t') + QString::number(m_painter->value(i, s), 'g', 9);
    }
    return text;
}

} // namespace orrery::ui
