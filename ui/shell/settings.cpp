// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/settings.h"

#include <QDir>
#include <QFileInfo>
#include <QSettings>

namespace orrery::ui {

namespace {

constexpr int keptRecent = 12;

QSettings store() {
    return {QSettings::IniFormat, QSettings::UserScope, QStringLiteral("orrery"), QStringLiteral("orrery")};
}

} // namespace

Settings::Settings(QObject* parent) : QObject(parent) {}

QVariant Settings::value(const QString& key, const QVariant& fallback) const {
    return store().value(key, fallback);
}

void Settings::setValue(const QString& key, const QVariant& value) {
    {
        QSettings settings = store();
        if (settings.contains(key) && settings.value(key) == value)
            return;
        settings.setValue(key, value);
    }
    emit changed(key);
}

void Settings::remove(const QString& key) {
    store().remove(key);
    emit changed(key);
}

QString Settings::theme() const {
    return value(QStringLiteral("look/theme"), QStringLiteral("system")).toString();
}

void Settings::setTheme(const QString& theme) {
    setValue(QStringLiteral("look/theme"), theme);
}

QString Settings::language() const {
    return value(QStringLiteral("look/language"), QStringLiteral("system")).toString();
}

void Settings::setLanguage(const QString& language) {
    setValue(QStringLiteral("look/language"), language);
}

QString Settings::colourMap() const {
    return value(QStringLiteral("look/colourMap"), QStringLiteral("viridis")).toString();
}

void Settings::setColourMap(const QString& name) {
    setValue(QStringLiteral("look/colourMap"), name);
}

int Settings::threads() const {
    return value(QStringLiteral("engine/threads"), 0).toInt();
}

void Settings::setThreads(int threads) {
    setValue(QStringLiteral("engine/threads"), threads);
}

QString Settings::dtype() const {
    return value(QStringLiteral("engine/dtype"), QStringLiteral("f32")).toString();
}

void Settings::setDtype(const QString& dtype) {
    setValue(QStringLiteral("engine/dtype"), dtype);
}

bool Settings::runWhileTyping() const {
    return value(QStringLiteral("engine/runWhileTyping"), true).toBool();
}

void Settings::setRunWhileTyping(bool on) {
    setValue(QStringLiteral("engine/runWhileTyping"), on);
}

bool Settings::restoresSession() const {
    return value(QStringLiteral("session/restore"), true).toBool();
}

void Settings::setRestoresSession(bool on) {
    setValue(QStringLiteral("session/restore"), on);
}

QStringList Settings::recentFiles() const {
    return value(QStringLiteral("recent/files")).toStringList();
}

void Settings::addRecentFile(const QString& path) {
    const QString whole = QDir::cleanPath(QFileInfo(path).absoluteFilePath());
    QStringList files = recentFiles();
    files.removeAll(whole);
    files.prepend(whole);
    setValue(QStringLiteral("recent/files"), QStringList(files.mid(0, keptRecent)));
}

void Settings::clearRecentFiles() {
    setValue(QStringLiteral("recent/files"), QStringList());
}

} // namespace orrery::ui
