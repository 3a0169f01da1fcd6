// SPDX-License-Identifier: GPL-3.0-or-later
#include "panels/input/token_flow.h"

#include "figures/figure_text.h"
#include "shell/selection.h"
#include "shell/theme.h"

#include <QAccessible>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>

#include <cmath>

namespace orrery::ui {

namespace {

constexpr double chipPadding = 5;
constexpr double chipGap = 4;
constexpr double edge = 6;

using Kind = TokenChange::Kind;

/// Line breaks and tabs as signs; the space markers of tokenizers are left as they are.
QString visible(QString token) {
    token.replace(QLatin1Char('\n'), QChar(0x21b5));
    token.replace(QLatin1Char('\t'), QChar(0x21e5));
    return token.isEmpty() ? QString(QChar(0x2205)) : token;
}

} // namespace

TokenFlow::TokenFlow(Selection& selection, QWidget* parent) : QWidget(parent), m_selection(selection) {
    setMouseTracking(true);
    setFocusPolicy(Qt::StrongFocus);
    setAccessibleName(tr("Tokens of the input"));
    QSizePolicy policy(QSizePolicy::Expanding, QSizePolicy::Minimum);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
    connect(&selection, &Selection::tokensChanged, this, [this] {
        update();
        announce();
    });
    connect(&selection, &Selection::hoverChanged, this, qOverload<>(&QWidget::update));
}

void TokenFlow::setTokens(QList<TokenChange> changes, std::vector<bool> special) {
    m_tokens = std::move(changes);
    m_special = std::move(special);
    updateLayout();
    updateGeometry();
    update();
    announce();
}

QString TokenFlow::shown(const TokenChange& change) const {
    switch (change.kind) {
    case Kind::Added:
        return QStringLiteral("+") + visible(change.token);
    case Kind::Removed:
        return QStringLiteral("−") + visible(change.token);
    case Kind::Changed:
        return visible(change.before) + QStringLiteral("→") + visible(change.token);
    case Kind::Same:
        break;
    }
    return visible(change.token);
}

double TokenFlow::arrange(double width, std::vector<QRectF>* rects) const {
    TextWidths widths(font());
    const double height = QFontMetricsF(font()).height() + 6;
    double x = edge;
    double y = edge;
    for (const TokenChange& change : m_tokens) {
        const double chip = widths(shown(change)) + 2 * chipPadding;
        if (x > edge && x + chip > width - edge) {
            x = edge;
            y += height + chipGap;
        }
        if (rects != nullptr)
            rects->push_back({x, y, chip, height});
        x += chip + chipGap;
    }
    return m_tokens.isEmpty() ? edge : y + height + edge;
}

int TokenFlow::heightForWidth(int width) const {
    return static_cast<int>(std::ceil(arrange(width, nullptr)));
}

void TokenFlow::updateLayout() {
    m_rects.clear();
    const double height = arrange(width(), &m_rects);
    setMinimumHeight(static_cast<int>(std::ceil(height)));
}

void TokenFlow::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    updateLayout();
}

void TokenFlow::changeEvent(QEvent* event) {
    QWidget::changeEvent(event);
    if (event->type() == QEvent::FontChange)
        updateLayout();
}

QRectF TokenFlow::chipOf(int position) const {
    for (qsizetype i = 0; i < m_tokens.size(); ++i)
        if (m_tokens[i].position == position && position >= 0)
            return m_rects[static_cast<std::size_t>(i)];
    return {};
}

int TokenFlow::chipAt(const QPointF& point) const {
    for (std::size_t i = 0; i < m_rects.size(); ++i)
        if (m_rects[i].contains(point))
            return static_cast<int>(i);
    return -1;
}

void TokenFlow::paintEvent(QPaintEvent* event) {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const ThemeColours& colours = Theme::colours();
    for (qsizetype i = 0; i < m_tokens.size(); ++i) {
        const QRectF rect = m_rects[static_cast<std::size_t>(i)];
        if (!rect.intersects(event->rect()))
            continue;
        const TokenChange& change = m_tokens[i];
        QColor fill = colours.surface;
        if (change.kind == Kind::Added)
            fill = colours.added;
        else if (change.kind == Kind::Removed)
            fill = colours.removed;
        else if (change.kind == Kind::Changed)
            fill = colours.changed;
        const bool known = change.position >= 0;
        const bool query = known && change.position == m_selection.query();
        const bool key = known && change.position == m_selection.key();
        const bool hovered = known && (change.position == m_selection.hoveredQuery() ||
                                       change.position == m_selection.hoveredKey());
        const auto place = static_cast<std::size_t>(std::max(change.position, 0));
        const bool special = known && place < m_special.size() && m_special[place];
        QPen pen(query || key ? colours.accent : (hovered ? colours.muted : colours.border),
                 query || key ? 2 : 1);
        if (special || key)
            pen.setStyle(Qt::DashLine);
        painter.setPen(pen);
        painter.setBrush(special && change.kind == Kind::Same ? palette().color(QPalette::Base) : fill);
        painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4);
        QFont textFont = font();
        textFont.setStrikeOut(change.kind == Kind::Removed);
        painter.setFont(textFont);
        painter.setPen(special || change.kind == Kind::Removed ? colours.muted
                                                               : palette().color(QPalette::Text));
        painter.drawText(rect, Qt::AlignCenter, shown(change));
    }
    if (m_tokens.isEmpty()) {
        painter.setPen(colours.muted);
        painter.drawText(rect().adjusted(6, 0, 0, 0), Qt::AlignLeft | Qt::AlignVCenter, tr("No tokens yet"));
    }
    if (hasFocus()) {
        painter.setPen(QPen(colours.accent, 1));
        painter.setBrush(Qt::NoBrush);
        painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4);
    }
}

void TokenFlow::mousePressEvent(QMouseEvent* event) {
    const int chip = chipAt(event->position());
    if (chip < 0 || m_tokens[chip].position < 0) {
        m_selection.clearTokens();
        return;
    }
    if ((event->modifiers() & Qt::ControlModifier) != 0)
        m_selection.setKey(m_tokens[chip].position);
    else
        m_selection.setQuery(m_tokens[chip].position);
}

void TokenFlow::mouseMoveEvent(QMouseEvent* event) {
    const int chip = chipAt(event->position());
    m_selection.hover(chip < 0 ? -1 : m_tokens[chip].position, -1);
}

void TokenFlow::leaveEvent(QEvent*) {
    m_selection.hover(-1, -1);
}

void TokenFlow::keyPressEvent(QKeyEvent* event) {
    int last = -1;
    for (const TokenChange& change : m_tokens)
        last = std::max(last, change.position);
    const int query = m_selection.query();
    switch (event->key()) {
    case Qt::Key_Left:
        m_selection.setQuery(std::max(0, query - 1));
        break;
    case Qt::Key_Right:
        m_selection.setQuery(std::min(last, query + 1));
        break;
    case Qt::Key_Home:
        m_selection.setQuery(std::min(0, last));
        break;
    case Qt::Key_End:
        m_selection.setQuery(last);
        break;
    case Qt::Key_Escape:
        m_selection.clearTokens();
        break;
    default:
        QWidget::keyPressEvent(event);
    }
}

bool TokenFlow::event(QEvent* event) {
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const int chip = chipAt(help->pos());
        if (chip < 0) {
            QToolTip::hideText();
            return true;
        }
        const TokenChange& change = m_tokens[chip];
        QString text = change.position < 0 ? tr("\"%1\" was removed").arg(change.token)
                                           : tr("Token %1: \"%2\"").arg(change.position).arg(change.token);
        if (change.kind == Kind::Added)
            text += QLatin1Char('\n') + tr("added by the last edit");
        else if (change.kind == Kind::Changed)
            text += QLatin1Char('\n') + tr("was \"%1\" before the last edit").arg(change.before);
        QToolTip::showText(help->globalPos(), text, this);
        return true;
    }
    return QWidget::event(event);
}

void TokenFlow::announce() {
    QString words;
    for (const TokenChange& change : m_tokens)
        if (change.position >= 0 && change.position == m_selection.query())
            words = tr("Token %1: \"%2\"").arg(change.position).arg(change.token);
    setAccessibleDescription(words);
    QAccessibleEvent changed(this, QAccessible::DescriptionChanged);
    QAccessible::updateAccessibility(&changed);
}

} // namespace orrery::ui
