// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QByteArray>
#include <QObject>
#include <QString>
#include <QStringList>
#include <QVariant>

namespace orrery::ui {

/// What the user chose and the window remembers (an INI file in the user's configuration folder). Every
/// setter stores at once and tells who listens.
class Settings : public QObject {
    Q_OBJECT
public:
    explicit Settings(QObject* parent = nullptr);

    [[nodiscard]] QString theme() const; ///< "system", "light", "dark"
    void setTheme(const QString& theme);
    [[nodiscard]] QString language() const; ///< "system" or a language code with a translation
    void setLanguage(const QString& language);
    [[nodiscard]] QString colourMap() const; ///< "viridis", "cividis", "magma"
    void setColourMap(const QString& name);
    [[nodiscard]] int threads() const; ///< 0: as many as there are cores
    void setThreads(int threads);
    [[nodiscard]] QString dtype() const; ///< "f32" or "bf16", of new runs
    void setDtype(const QString& dtype);
    [[nodiscard]] bool runWhileTyping() const;
    void setRunWhileTyping(bool on);
    [[nodiscard]] bool restoresSession() const;
    void setRestoresSession(bool on);

    [[nodiscard]] QStringList recentFiles() const; ///< newest first, at most 12
    void addRecentFile(const QString& path);
    void clearRecentFiles();

    /// Anything else a panel keeps: key "panel/name".
    [[nodiscard]] QVariant value(const QString& key, const QVariant& fallback = {}) const;
    void setValue(const QString& key, const QVariant& value);
    void remove(const QString& key);

signals:
    void changed(const QString& key);
};

} // namespace orrery::ui
