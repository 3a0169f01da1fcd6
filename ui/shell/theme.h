// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QColor>
#include <QObject>
#include <QPalette>
#include <QString>

class QApplication;

namespace orrery::ui {

/// Colours with a meaning, besides the palette's; ask Theme::current() while painting.
struct ThemeColours {
    bool dark = false;
    QColor accent;
    QColor muted; ///< secondary text
    QColor border;
    QColor surface; ///< panels and headers, between window and base
    QColor added;   ///< backgrounds of marked differences
    QColor removed;
    QColor changed;
    QColor good; ///< texts and marks
    QColor warning;
    QColor bad;
    QColor hover;
};

/// The two looks of the window: Fusion style with our palettes and a style sheet made from the colours.
class Theme : public QObject {
    Q_OBJECT
public:
    static Theme& of(QApplication& application); ///< made on first use, owned by the application
    static const ThemeColours& colours();        ///< of the theme in use

    /// "light", "dark", or "system": by the lightness of the palette that the platform gives.
    void apply(const QString& choice);
    [[nodiscard]] const QString& choice() const { return m_choice; }
    [[nodiscard]] bool isDark() const { return m_colours.dark; }

signals:
    void changed();

private:
    explicit Theme(QApplication& application);
    QPalette m_systemPalette;
    ThemeColours m_colours;
    QString m_choice;
    bool m_styled = false;
};

} // namespace orrery::ui
