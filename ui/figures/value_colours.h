// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/figure.h"
#include "figures/figure_state.h"
#include "figures/style.h"

#include <QRectF>
#include <QString>

#include <limits>
#include <vector>

class QPainter;

namespace orrery::ui {

/// Smallest and largest finite value seen; low > high: none.
struct ValueRange {
    double low = std::numeric_limits<double>::infinity();
    double high = -std::numeric_limits<double>::infinity();
    bool missing = false; ///< some value was NaN

    void add(double value);
    void add(const ValueRange& other);
    [[nodiscard]] bool empty() const { return low > high; }
};

/// From values to colours: limits, spread, map.
class ValueColours {
public:
    ValueColours() = default;
    /// Limits that are not given come from the range: symmetric for diverging scales; from zero for
    /// magnitudes that come near it.
    ValueColours(figure::ColourScale scale, std::optional<double> low, std::optional<double> high,
                 const ValueRange& range, Transfer transfer, const FigureStyle& style);

    [[nodiscard]] double low() const { return m_low; }
    [[nodiscard]] double high() const { return m_high; }
    [[nodiscard]] bool diverging() const { return m_diverging; }
    /// Where a value lies on the colour bar, in [0, 1].
    [[nodiscard]] double position(double value) const;
    [[nodiscard]] double valueAt(double position) const; ///< the inverse of position
    [[nodiscard]] QRgb colour(double value) const;       ///< grey for NaN
    [[nodiscard]] quint64 key() const;                   ///< equal keys colour alike
    [[nodiscard]] QString transferName() const;          ///< "", "square root", "logarithmic"

    /// Values with ticks on a bar of a length in pixels.
    [[nodiscard]] std::vector<double> ticks(double length, double spacing) const;
    /// A bar with ticks and its title; vertical bars have high values on top. rect holds bar and texts; the
    /// title may reach below it by so many pixels.
    void drawVerticalBar(QPainter& painter, const QRectF& rect, const QString& title,
                         const FigureStyle& style, double below = 0) const;
    void drawHorizontalBar(QPainter& painter, const QRectF& rect, const QString& title,
                           const FigureStyle& style) const;

private:
    double m_low = 0;
    double m_high = 1;
    bool m_diverging = false;
    Transfer m_transfer = Transfer::Linear;
    const ColourMap* m_map = &ColourMap::get(ColourMapId::Viridis);
    QRgb m_missing = 0;
};

/// Title of a bar or axis with its unit: "loss (nats)".
QString titleWithUnit(const std::string& title, const std::string& unit);

} // namespace orrery::ui
