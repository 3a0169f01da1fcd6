// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/colour_map.h"

#include <QCoreApplication>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace orrery::ui {

namespace {

struct Lab {
    double l = 0;
    double a = 0;
    double b = 0;
};

double toLinear(int channel) {
    const double c = channel / 255.0;
    return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
}

int fromLinear(double value) {
    const double c = std::clamp(value, 0.0, 1.0);
    const double s = c <= 0.0031308 ? 12.92 * c : 1.055 * std::pow(c, 1 / 2.4) - 0.055;
    return static_cast<int>(std::lround(s * 255));
}

// Oklab (B. Ottosson, 2020): a space in which equal steps look equal, so that few control points suffice.
Lab toLab(QRgb colour) {
    const double r = toLinear(qRed(colour));
    const double g = toLinear(qGreen(colour));
    const double b = toLinear(qBlue(colour));
    const double l = std::cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const double m = std::cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const double s = std::cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return {0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
            1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
            0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s};
}

QRgb fromLab(const Lab& lab) {
    const double l = std::pow(lab.l + 0.3963377774 * lab.a + 0.2158037573 * lab.b, 3);
    const double m = std::pow(lab.l - 0.1055613458 * lab.a - 0.0638541728 * lab.b, 3);
    const double s = std::pow(lab.l - 0.0894841775 * lab.a - 1.2914855480 * lab.b, 3);
    return qRgb(fromLinear(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
                fromLinear(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
                fromLinear(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s));
}

double spline(double p0, double p1, double p2, double p3, double t) {
    return p1 + 0.5 * t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)));
}

std::vector<QRgb> controlPoints(ColourMapId id, bool dark) {
    switch (id) {
    case ColourMapId::Viridis:
        return {0x440154, 0x472d7b, 0x3b528b, 0x2c728e, 0x21918c, 0x28ae80, 0x5ec962, 0xaddc30, 0xfde725};
    case ColourMapId::Cividis:
        return {0x00224e, 0x123570, 0x3b496c, 0x575d6d, 0x707173,
                0x8a8678, 0xa59c74, 0xc3b369, 0xe1cc55, 0xfee838};
    case ColourMapId::Magma:
        return {0x000004, 0x180f3d, 0x440f76, 0x721f81, 0x9e2f7f,
                0xcd4071, 0xf1605d, 0xfd9668, 0xfeca8d, 0xfcfdbf};
    case ColourMapId::BlueRed:
        break;
    }
    if (dark)
        return {0x8ec5ff, 0x3f84cf, 0x20252c, 0xc9543f, 0xffab94};
    return {0x13427f, 0x6ba0d3, 0xf8f8f8, 0xe5856a, 0x9c1322};
}

Lab component(std::span<const Lab> points, double position) {
    const auto last = static_cast<std::ptrdiff_t>(points.size()) - 1;
    const auto index = std::min(static_cast<std::ptrdiff_t>(position), last - 1);
    const double t = position - static_cast<double>(index);
    const auto at = [&](std::ptrdiff_t i) -> const Lab& {
        return points[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(i, 0, last))];
    };
    const Lab& p0 = at(index - 1);
    const Lab& p1 = at(index);
    const Lab& p2 = at(index + 1);
    const Lab& p3 = at(index + 2);
    return {spline(p0.l, p1.l, p2.l, p3.l, t), spline(p0.a, p1.a, p2.a, p3.a, t),
            spline(p0.b, p1.b, p2.b, p3.b, t)};
}

Lab straight(std::span<const Lab> points, double position) {
    const auto index = std::min(static_cast<std::size_t>(position), points.size() - 2);
    const double t = position - static_cast<double>(index);
    const Lab& p = points[index];
    const Lab& q = points[index + 1];
    return {p.l + t * (q.l - p.l), p.a + t * (q.a - p.a), p.b + t * (q.b - p.b)};
}

} // namespace

ColourMap::ColourMap(ColourMapId id, bool dark) {
    std::vector<Lab> points;
    for (const QRgb colour : controlPoints(id, dark))
        points.push_back(toLab(colour));
    for (std::size_t i = 0; i < m_table.size(); ++i) {
        const double position = static_cast<double>(i) / 255.0 * static_cast<double>(points.size() - 1);
        // A smooth curve would overshoot beside the kink that a diverging map has at zero.
        m_table[i] =
            fromLab(id == ColourMapId::BlueRed ? straight(points, position) : component(points, position));
    }
}

const ColourMap& ColourMap::get(ColourMapId id, bool dark) {
    static const ColourMap viridis(ColourMapId::Viridis, false);
    static const ColourMap cividis(ColourMapId::Cividis, false);
    static const ColourMap magma(ColourMapId::Magma, false);
    static const ColourMap divergingLight(ColourMapId::BlueRed, false);
    static const ColourMap divergingDark(ColourMapId::BlueRed, true);
    switch (id) {
    case ColourMapId::Viridis:
        return viridis;
    case ColourMapId::Cividis:
        return cividis;
    case ColourMapId::Magma:
        return magma;
    case ColourMapId::BlueRed:
        break;
    }
    return dark ? divergingDark : divergingLight;
}

QString colourMapName(ColourMapId id) {
    switch (id) {
    case ColourMapId::Viridis:
        return QStringLiteral("Viridis");
    case ColourMapId::Cividis:
        return QStringLiteral("Cividis");
    case ColourMapId::Magma:
        return QStringLiteral("Magma");
    case ColourMapId::BlueRed:
        break;
    }
    return QCoreApplication::translate("ColourMap", "Blue to red");
}

QRgb readableOn(QRgb background) {
    const double luminance = 0.2126 * toLinear(qRed(background)) + 0.7152 * toLinear(qGreen(background)) +
                             0.0722 * toLinear(qBlue(background));
    // Equal contrast to black and white: (L + 0.05)^2 = 1.05 * 0.05.
    return luminance > 0.179 ? qRgb(16, 18, 22) : qRgb(250, 250, 250);
}

} // namespace orrery::ui
