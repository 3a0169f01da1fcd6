// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QList>
#include <QString>
#include <QWidget>

class QAction;

namespace orrery::ui {

/// A tab or dock of the window. Its identity is stable (settings, perspectives, the manual, the tour); its
/// title is translated.
class Panel : public QWidget {
    Q_OBJECT
public:
    explicit Panel(QString id, QWidget* parent = nullptr);

    /// "attention", "lenses", "models": also the page resources/manual/ID.md that F1 opens.
    [[nodiscard]] const QString& id() const { return m_id; }
    [[nodiscard]] virtual QString title() const = 0;
    [[nodiscard]] virtual QString iconName() const { return m_id; } ///< resources/icons/NAME.svg
    /// Actions of this panel for the menu and the command palette; owned by the panel.
    [[nodiscard]] virtual QList<QAction*> panelActions() const { return {}; }
    /// Where the keyboard goes when the panel is chosen.
    virtual void takeFocus() { setFocus(Qt::OtherFocusReason); }

protected:
    /// Colours of Theme were written into texts or items: write them again.
    virtual void themeChanged() {}

private:
    QString m_id;
};

} // namespace orrery::ui
