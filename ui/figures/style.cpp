// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/style.h"

#include <QFontInfo>

#include <algorithm>

namespace orrery::ui {

namespace {

// Okabe and Ito's set, with four of Paul Tol's for the rest, lightened for dark backgrounds.
constexpr std::array<QRgb, 10> onLight{0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7, 0xe69f00,
                                       0x332288, 0x56b4e9, 0x882255, 0x8a8a2e, 0x5b5f66};
constexpr std::array<QRgb, 10> onDark{0x4ea8e0, 0xf0803c, 0x2bc79a, 0xe39cc4, 0xf2b840,
                                      0x9a8cf0, 0x8fd0f5, 0xd66a9c, 0xc5c56a, 0xb4b8bf};

QFont bodyFont(double pixelSize) {
    QFont font(QStringLiteral("DejaVu Sans"));
    font.setStyleHint(QFont::SansSerif);
    // Any spacing switches ligatures off: "find" in a PDF is found as it is typed.
    font.setLetterSpacing(QFont::AbsoluteSpacing, 0.02);
    font.setPixelSize(static_cast<int>(pixelSize));
    return font;
}

QFont monoFont(int pixelSize) {
    QFont font(QStringLiteral("DejaVu Sans Mono"));
    font.setStyleHint(QFont::Monospace);
    font.setPixelSize(pixelSize);
    return font;
}

} // namespace

QColor FigureStyle::category(int index) const {
    const auto& set = dark ? onDark : onLight;
    return QColor::fromRgb(set[static_cast<std::size_t>(std::max(index, 0)) % set.size()]);
}

Qt::PenStyle FigureStyle::pattern(int index) const {
    constexpr std::array<Qt::PenStyle, 4> styles{Qt::SolidLine, Qt::DashLine, Qt::DotLine, Qt::DashDotLine};
    return styles[static_cast<std::size_t>(std::max(index, 0) / 10) % styles.size()];
}

QFont FigureStyle::sized(double factor, bool bold) const {
    QFont result = font;
    result.setPixelSize(std::max(6, static_cast<int>(font.pixelSize() * factor + 0.5)));
    result.setBold(bold);
    return result;
}

FigureStyle FigureStyle::light(double pixelSize) {
    FigureStyle style;
    style.background = QColor(0xff, 0xff, 0xff);
    style.text = QColor(0x1b, 0x1f, 0x24);
    style.muted = QColor(0x5a, 0x63, 0x6e);
    style.grid = QColor(0xe4, 0xe7, 0xeb);
    style.frame = QColor(0xb4, 0xbb, 0xc4);
    style.accent = QColor(0xc2, 0x41, 0x0c);
    style.surface = QColor(0xf2, 0xf4, 0xf7);
    style.missing = QColor(0xc8, 0xcc, 0xd2);
    style.hatch = QColor(0xcf, 0xd4, 0xda);
    style.font = bodyFont(pixelSize);
    style.mono = monoFont(style.font.pixelSize());
    return style;
}

FigureStyle FigureStyle::darkTheme(double pixelSize) {
    FigureStyle style = light(pixelSize);
    style.dark = true;
    style.background = QColor(0x1b, 0x1e, 0x23);
    style.text = QColor(0xe7, 0xea, 0xee);
    style.muted = QColor(0xa3, 0xac, 0xb8);
    style.grid = QColor(0x32, 0x37, 0x3f);
    style.frame = QColor(0x59, 0x62, 0x6d);
    style.accent = QColor(0xff, 0xa9, 0x4d);
    style.surface = QColor(0x27, 0x2b, 0x32);
    style.missing = QColor(0x5e, 0x65, 0x6f);
    style.hatch = QColor(0x40, 0x47, 0x51);
    return style;
}

FigureStyle FigureStyle::of(const QPalette& palette, const QFont& font) {
    const QColor base = palette.color(QPalette::Base);
    FigureStyle style = base.lightnessF() < 0.5 ? darkTheme() : light();
    style.background = base;
    style.text = palette.color(QPalette::Text);
    style.font = font;
    // Pixels, so that the same numbers hold in every device that a figure is drawn on.
    style.font.setPixelSize(font.pixelSize() > 0 ? font.pixelSize() : QFontInfo(font).pixelSize());
    style.mono = monoFont(style.font.pixelSize());
    return style;
}

} // namespace orrery::ui
