// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAction>
#include <QKeySequence>
#include <QList>
#include <QObject>
#include <QString>

namespace orrery::ui {

class Settings;

/// Every action of the window, for the command palette and the shortcuts dialog. Shortcuts that the user
/// changed are kept in the settings.
class ActionBook : public QObject {
    Q_OBJECT
public:
    struct Entry {
        QString id;       ///< "view.palette": stable, key of the settings
        QString category; ///< shown before the text: "View"
        QAction* action;
        QList<QKeySequence> defaults;
    };

    explicit ActionBook(Settings& settings, QObject* parent = nullptr);

    /// The action's present shortcuts are its defaults; those of the settings take their place.
    void add(const QString& id, const QString& category, QAction* action);
    [[nodiscard]] const QList<Entry>& entries() const { return m_entries; }
    [[nodiscard]] QAction* find(const QString& id) const;

    /// Ids of other enabled-or-not actions that already have the shortcut.
    [[nodiscard]] QStringList conflicts(const QKeySequence& shortcut, const QString& exceptId) const;
    /// Sets and stores; an empty sequence removes the shortcut.
    void setShortcut(const QString& id, const QKeySequence& shortcut);
    void resetShortcut(const QString& id);
    [[nodiscard]] bool isDefault(const QString& id) const;

    /// Text without mnemonic marks and dots: "Open Model".
    [[nodiscard]] static QString plainText(const QAction* action);

private:
    Entry* entry(const QString& id);
    Settings& m_settings;
    QList<Entry> m_entries;
};

} // namespace orrery::ui
