// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QString>
#include <QStringList>

class QMainWindow;

namespace orrery::ui {

class MainWindow;
class Settings;

/// Named arrangements of docks and the tab in front: three of ours and those the user saves.
class Perspectives : public QObject {
    Q_OBJECT
public:
    struct BuiltIn {
        QString id;
        QString title;
        QStringList docks; ///< visible ones
        QString tab;       ///< in front
    };

    Perspectives(MainWindow& window, Settings& settings, QObject* parent = nullptr);

    [[nodiscard]] static QList<BuiltIn> builtIn();
    [[nodiscard]] QStringList saved() const;
    void applyBuiltIn(const QString& id);
    void applySaved(const QString& name);
    void save(const QString& name);
    void remove(const QString& name);
    void reset(); ///< docks back where they were made, the first built-in perspective

signals:
    void savedChanged();

private:
    MainWindow& m_window;
    Settings& m_settings;
};

} // namespace orrery::ui
