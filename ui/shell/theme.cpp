// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/theme.h"

#include <QApplication>
#include <QFile>
#include <QStyle>
#include <QStyleFactory>
#include <QToolTip>

namespace orrery::ui {

namespace {

ThemeColours currentColours; // of the one application; painting code has no other way to reach them

ThemeColours lightColours() {
    ThemeColours c;
    c.dark = false;
    c.accent = QColor(0x2f, 0x62, 0xd1);
    c.muted = QColor(0x5f, 0x69, 0x7b);
    c.border = QColor(0xd3, 0xd8, 0xe0);
    c.surface = QColor(0xee, 0xf0, 0xf4);
    c.added = QColor(0xd3, 0xf0, 0xdb);
    c.removed = QColor(0xfb, 0xd9, 0xd7);
    c.changed = QColor(0xff, 0xec, 0xb8);
    c.good = QColor(0x1a, 0x7f, 0x4b);
    c.warning = QColor(0x9a, 0x62, 0x00);
    c.bad = QColor(0xc0, 0x2b, 0x2b);
    c.hover = QColor(0xe2, 0xe8, 0xf4);
    return c;
}

ThemeColours darkColours() {
    ThemeColours c;
    c.dark = true;
    c.accent = QColor(0x7a, 0xa5, 0xff);
    c.muted = QColor(0x98, 0xa2, 0xb3);
    c.border = QColor(0x36, 0x3c, 0x48);
    c.surface = QColor(0x25, 0x29, 0x32);
    c.added = QColor(0x1d, 0x4a, 0x30);
    c.removed = QColor(0x5c, 0x27, 0x2a);
    c.changed = QColor(0x58, 0x45, 0x12);
    c.good = QColor(0x58, 0xc9, 0x8b);
    c.warning = QColor(0xe6, 0xb0, 0x4c);
    c.bad = QColor(0xff, 0x7b, 0x74);
    c.hover = QColor(0x2f, 0x36, 0x44);
    return c;
}

QPalette paletteOf(const ThemeColours& c) {
    const QColor window = c.dark ? QColor(0x1d, 0x20, 0x27) : QColor(0xf6, 0xf7, 0xf9);
    const QColor base = c.dark ? QColor(0x15, 0x18, 0x1d) : QColor(0xff, 0xff, 0xff);
    const QColor text = c.dark ? QColor(0xe1, 0xe5, 0xec) : QColor(0x1c, 0x21, 0x2b);
    const QColor button = c.dark ? QColor(0x2b, 0x30, 0x3a) : QColor(0xf1, 0xf3, 0xf6);
    const QColor disabled = c.dark ? QColor(0x68, 0x70, 0x7f) : QColor(0x9d, 0xa5, 0xb3);
    QPalette palette(button, window);
    palette.setColor(QPalette::Window, window);
    palette.setColor(QPalette::WindowText, text);
    palette.setColor(QPalette::Base, base);
    palette.setColor(QPalette::AlternateBase, c.dark ? QColor(0x1a, 0x1d, 0x24) : QColor(0xf7, 0xf8, 0xfb));
    palette.setColor(QPalette::Text, text);
    palette.setColor(QPalette::Button, button);
    palette.setColor(QPalette::ButtonText, text);
    palette.setColor(QPalette::BrightText, Qt::white);
    // A tint, so that text and icons keep their colour on it.
    palette.setColor(QPalette::Highlight, c.dark ? QColor(0x2b, 0x47, 0x80) : QColor(0xc4, 0xd6, 0xf8));
    palette.setColor(QPalette::HighlightedText, text);
    palette.setColor(QPalette::Link, c.accent);
    palette.setColor(QPalette::LinkVisited, c.accent);
    palette.setColor(QPalette::ToolTipBase, c.dark ? QColor(0x2f, 0x35, 0x41) : QColor(0xff, 0xff, 0xff));
    palette.setColor(QPalette::ToolTipText, text);
    palette.setColor(QPalette::PlaceholderText, disabled);
    palette.setColor(QPalette::Mid, c.border);
    palette.setColor(QPalette::Midlight, c.surface);
    palette.setColor(QPalette::Light, c.dark ? QColor(0x3a, 0x41, 0x4e) : QColor(0xff, 0xff, 0xff));
    palette.setColor(QPalette::Dark, c.dark ? QColor(0x10, 0x12, 0x16) : QColor(0xb8, 0xbf, 0xcb));
    palette.setColor(QPalette::Shadow, c.dark ? QColor(0x08, 0x09, 0x0b) : QColor(0x8f, 0x98, 0xa8));
    for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
        palette.setColor(QPalette::Disabled, role, disabled);
    palette.setColor(QPalette::Disabled, QPalette::Highlight, c.border);
    palette.setColor(QPalette::Inactive, QPalette::Highlight,
                     c.dark ? QColor(0x2a, 0x37, 0x55) : QColor(0xdd, 0xe6, 0xf7));
    palette.setColor(QPalette::Inactive, QPalette::HighlightedText, text);
    return palette;
}

QString styleSheetOf(const ThemeColours& c, const QPalette& palette) {
    QFile file(QStringLiteral(":/themes/window.qss"));
    if (!file.open(QIODevice::ReadOnly))
        return {};
    QString sheet = QString::fromUtf8(file.readAll());
    const std::pair<const char*, QColor> names[] = {
        {"@window", palette.color(QPalette::Window)},
        {"@base", palette.color(QPalette::Base)},
        {"@text", palette.color(QPalette::Text)},
        {"@button", palette.color(QPalette::Button)},
        {"@accent", c.accent},
        {"@muted", c.muted},
        {"@border", c.border},
        {"@surface", c.surface},
        {"@hover", c.hover},
        {"@highlight", palette.color(QPalette::Highlight)},
        {"@tooltip", palette.color(QPalette::ToolTipBase)},
    };
    for (const auto& [name, colour] : names)
        sheet.replace(QLatin1String(name), colour.name());
    return sheet;
}

} // namespace

Theme& Theme::of(QApplication& application) {
    if (auto* theme = application.findChild<Theme*>())
        return *theme;
    auto* theme = new Theme(application);
    theme->setParent(&application);
    return *theme;
}

Theme::Theme(QApplication& application) : m_systemPalette(application.palette()) {}

const ThemeColours& Theme::colours() {
    return currentColours;
}

void Theme::apply(const QString& choice) {
    m_choice = choice;
    const bool dark =
        choice == QLatin1String("dark") ||
        (choice != QLatin1String("light") && m_systemPalette.color(QPalette::Window).lightness() < 128);
    m_colours = dark ? darkColours() : lightColours();
    currentColours = m_colours;
    if (!m_styled)
        QApplication::setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
    m_styled = true;
    const QPalette palette = paletteOf(m_colours);
    QApplication::setPalette(palette);
    QToolTip::setPalette(palette);
    qApp->setStyleSheet(styleSheetOf(m_colours, palette));
    emit changed();
}

} // namespace orrery::ui
