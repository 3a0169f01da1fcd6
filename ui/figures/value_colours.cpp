// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/value_colours.h"

#include "figures/figure_text.h"

#include <QCoreApplication>
#include <QFontMetricsF>
#include <QHashFunctions>
#include <QImage>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace orrery::ui {

namespace {

constexpr double logStrength = 1000; // three decades below the highest value are told apart

double spread(double t, Transfer transfer) {
    switch (transfer) {
    case Transfer::Linear:
        break;
    case Transfer::SquareRoot:
        return std::sqrt(t);
    case Transfer::Logarithmic:
        return std::log1p(logStrength * t) / std::log1p(logStrength);
    }
    return t;
}

double unspread(double t, Transfer transfer) {
    switch (transfer) {
    case Transfer::Linear:
        break;
    case Transfer::SquareRoot:
        return t * t;
    case Transfer::Logarithmic:
        return std::expm1(t * std::log1p(logStrength)) / logStrength;
    }
    return t;
}

} // namespace

void ValueRange::add(double value) {
    if (std::isnan(value)) {
        missing = true;
    } else if (std::isfinite(value)) {
        low = std::min(low, value);
        high = std::max(high, value);
    }
}

void ValueRange::add(const ValueRange& other) {
    low = std::min(low, other.low);
    high = std::max(high, other.high);
    missing = missing || other.missing;
}

ValueColours::ValueColours(figure::ColourScale scale, std::optional<double> low, std::optional<double> high,
                           const ValueRange& range, Transfer transfer, const FigureStyle& style)
    : m_diverging(scale == figure::ColourScale::Diverging), m_transfer(transfer),
      m_map(&ColourMap::get(m_diverging ? ColourMapId::BlueRed : style.sequential, style.dark)),
      m_missing(style.missing.rgb()) {
    if (m_diverging) {
        double limit = 0;
        if (low || high)
            limit = std::max(std::abs(low.value_or(0)), std::abs(high.value_or(0)));
        else if (!range.empty())
            limit = std::max(std::abs(range.low), std::abs(range.high));
        m_high = limit > 0 ? limit : 1;
        m_low = -m_high;
        return;
    }
    m_low = low.value_or(range.empty() ? 0 : range.low);
    m_high = high.value_or(range.empty() ? 1 : range.high);
    if (!low && m_low > 0 && m_low < 0.4 * m_high)
        m_low = 0;
    if (!(m_high > m_low)) // a constant matrix still has a place on the scale
        m_high = m_low + (m_low != 0 ? std::abs(m_low) : 1.0);
}

double ValueColours::position(double value) const {
    if (m_diverging) {
        const double t = std::clamp(value / m_high, -1.0, 1.0);
        const double s = spread(std::abs(t), m_transfer);
        return 0.5 + 0.5 * (t < 0 ? -s : s);
    }
    return spread(std::clamp((value - m_low) / (m_high - m_low), 0.0, 1.0), m_transfer);
}

double ValueColours::valueAt(double position) const {
    if (m_diverging) {
        const double t = 2 * position - 1;
        const double s = unspread(std::abs(t), m_transfer);
        return (t < 0 ? -s : s) * m_high;
    }
    return m_low + unspread(position, m_transfer) * (m_high - m_low);
}

QRgb ValueColours::colour(double value) const {
    return std::isnan(value) ? m_missing : m_map->at(position(value));
}

quint64 ValueColours::key() const {
    return qHashMulti(1, m_low, m_high, m_diverging, static_cast<int>(m_transfer), m_map, m_missing);
}

QString ValueColours::transferName() const {
    switch (m_transfer) {
    case Transfer::Linear:
        break;
    case Transfer::SquareRoot:
        return QCoreApplication::translate("Figure", "square-root scale");
    case Transfer::Logarithmic:
        return QCoreApplication::translate("Figure", "logarithmic scale");
    }
    return {};
}

std::vector<double> ValueColours::ticks(double length, double spacing) const {
    const int count = std::max(1, static_cast<int>(length / spacing));
    std::vector<double> wanted;
    if (m_transfer == Transfer::Logarithmic) {
        for (int decade = 3; decade >= 0; --decade)
            wanted.push_back((m_diverging ? 0 : m_low) +
                             std::pow(10.0, -decade) * (m_diverging ? m_high : m_high - m_low));
        wanted.insert(wanted.begin(), m_diverging ? 0 : m_low);
        if (m_diverging)
            for (std::size_t i = wanted.size(); i-- > 1;)
                wanted.insert(wanted.begin(), -wanted[i]);
        std::sort(wanted.begin(), wanted.end());
    } else {
        wanted = roundTicks(m_low, m_high, count);
    }
    // Spread scales crowd at one end: a tick that would touch the one before it is left out.
    std::vector<double> result;
    double last = -1e9;
    for (const double value : wanted) {
        const double place = position(value) * length;
        if (place - last >= spacing * 0.6) {
            result.push_back(value);
            last = place;
        }
    }
    return result;
}

void ValueColours::drawVerticalBar(QPainter& painter, const QRectF& rect, const QString& title,
                                   const FigureStyle& style, double below) const {
    const QFont font = style.sized(0.85);
    const QFontMetricsF metrics(font);
    const QRectF bar(rect.left(), rect.top(), 12, rect.height());
    QImage image(1, 256, QImage::Format_RGB32);
    for (int i = 0; i < 256; ++i)
        image.setPixel(0, 255 - i, m_map->table()[static_cast<std::size_t>(i)]);
    painter.drawImage(bar, image);
    painter.setPen(style.frame);
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(bar);
    painter.setFont(font);
    double widest = 0;
    for (const double value : ticks(bar.height(), metrics.height() * 2.6)) {
        const double y = bar.bottom() - position(value) * bar.height();
        painter.setPen(style.frame);
        painter.drawLine(QPointF(bar.right(), y), QPointF(bar.right() + 3, y));
        painter.setPen(style.text);
        QString text = numberText(value, 3);
        if (m_diverging && value > 0)
            text.prepend(QLatin1Char('+'));
        const double baseline =
            std::clamp(y + metrics.ascent() / 2 - 1, bar.top() + metrics.ascent() - 3, bar.bottom() + 2);
        painter.drawText(QPointF(bar.right() + 6, baseline), text);
        widest = std::max(widest, metrics.horizontalAdvance(text));
    }
    QString words = title;
    if (const QString name = transferName(); !name.isEmpty())
        words += QStringLiteral(", ") + name;
    if (words.isEmpty())
        return;
    painter.save();
    painter.setPen(style.muted);
    const QString shown = elided(words, font, bar.height() + below);
    const double length = metrics.horizontalAdvance(shown);
    const double middle = length > bar.height() ? bar.top() + length / 2 : bar.center().y();
    painter.translate(std::min(bar.right() + 10 + widest + metrics.ascent(), rect.right() - 2), middle);
    painter.rotate(-90);
    painter.drawText(QPointF(-length / 2, 0), shown);
    painter.restore();
}

void ValueColours::drawHorizontalBar(QPainter& painter, const QRectF& rect, const QString& title,
                                     const FigureStyle& style) const {
    const QFont font = style.sized(0.85);
    const QFontMetricsF metrics(font);
    const double baseline = rect.center().y() + metrics.ascent() / 2 - 1;
    const QString lowText = numberText(m_low, 3);
    const QString highText = (m_diverging ? QStringLiteral("+") : QString()) + numberText(m_high, 3);
    constexpr double barWidth = 120;
    const double needed =
        barWidth + 12 + metrics.horizontalAdvance(lowText) + metrics.horizontalAdvance(highText);
    QString words = title;
    if (const QString name = transferName(); !name.isEmpty())
        words += QStringLiteral(", ") + name;
    words = elided(words, font, std::max(rect.width() - needed - 10, 20.0));
    painter.setFont(font);
    painter.setPen(style.muted);
    painter.drawText(QPointF(rect.left(), baseline), words);
    double x = rect.left() + metrics.horizontalAdvance(words) + 10;
    painter.setPen(style.text);
    painter.drawText(QPointF(x, baseline), lowText);
    x += metrics.horizontalAdvance(lowText) + 6;
    QImage image(256, 1, QImage::Format_RGB32);
    for (int i = 0; i < 256; ++i)
        image.setPixel(i, 0, m_map->table()[static_cast<std::size_t>(i)]);
    const QRectF bar(x, rect.center().y() - 5, barWidth, 10);
    painter.drawImage(bar, image);
    painter.setPen(style.frame);
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(bar);
    painter.setPen(style.text);
    painter.drawText(QPointF(bar.right() + 6, baseline), highText);
}

QString titleWithUnit(const std::string& title, const std::string& unit) {
    const QString name = QString::fromStdString(title);
    if (unit.empty())
        return name;
    return QStringLiteral("%1 (%2)").arg(name, QString::fromStdString(unit));
}

} // namespace orrery::ui
