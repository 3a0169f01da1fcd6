// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QRgb>
#include <QString>

#include <array>

namespace orrery::ui {

enum class ColourMapId {
    Viridis, ///< sequential
    Cividis, ///< sequential, the same to most colour-blind eyes
    Magma,   ///< sequential
    BlueRed, ///< diverging: blue below zero, red above; white at zero on light, near black on dark
};

/// 256 colours for numbers in [0, 1]; lightness changes evenly along each map.
class ColourMap {
public:
    /// A table made once per map and theme; dark changes the diverging map only.
    static const ColourMap& get(ColourMapId id, bool dark = false);

    /// Colour for t, clamped to [0, 1]; NaN is the caller's business.
    [[nodiscard]] QRgb at(double t) const {
        const double clamped = t < 0 ? 0 : (t > 1 ? 1 : t);
        const double above = clamped * 255.0 + 0.5; // never negative: cutting it off rounds
        return m_table[static_cast<std::size_t>(above)];
    }
    [[nodiscard]] const std::array<QRgb, 256>& table() const { return m_table; }

private:
    ColourMap(ColourMapId id, bool dark);
    std::array<QRgb, 256> m_table{};
};

/// Name for menus and legends: "Viridis", ...
QString colourMapName(ColourMapId id);

/// Black or white (slightly softened), whichever reads better on the colour (WCAG relative luminance).
QRgb readableOn(QRgb background);

} // namespace orrery::ui
