// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/action_book.h"

#include "shell/settings.h"

#include <algorithm>

namespace orrery::ui {

namespace {

QString keyOf(const QString& id) {
    return QStringLiteral("shortcuts/") + id;
}

} // namespace

ActionBook::ActionBook(Settings& settings, QObject* parent) : QObject(parent), m_settings(settings) {}

void ActionBook::add(const QString& id, const QString& category, QAction* action) {
    m_entries.push_back({id, category, action, action->shortcuts()});
    action->setObjectName(id);
    const QVariant stored = m_settings.value(keyOf(id));
    if (stored.isValid())
        action->setShortcut(QKeySequence(stored.toString(), QKeySequence::PortableText));
    connect(action, &QObject::destroyed, this, [this, action] {
        m_entries.removeIf([action](const Entry& held) { return held.action == action; });
    });
}

ActionBook::Entry* ActionBook::entry(const QString& id) {
    const auto found =
        std::find_if(m_entries.begin(), m_entries.end(), [&id](const Entry& e) { return e.id == id; });
    return found == m_entries.end() ? nullptr : &*found;
}

QAction* ActionBook::find(const QString& id) const {
    const auto found =
        std::find_if(m_entries.begin(), m_entries.end(), [&id](const Entry& e) { return e.id == id; });
    return found == m_entries.end() ? nullptr : found->action;
}

QStringList ActionBook::conflicts(const QKeySequence& shortcut, const QString& exceptId) const {
    QStringList ids;
    if (shortcut.isEmpty())
        return ids;
    for (const Entry& held : m_entries)
        if (held.id != exceptId && held.action->shortcuts().contains(shortcut))
            ids.push_back(held.id);
    return ids;
}

void ActionBook::setShortcut(const QString& id, const QKeySequence& shortcut) {
    Entry* held = entry(id);
    if (held == nullptr)
        return;
    if (held->defaults.mid(0, 1) == (shortcut.isEmpty() ? QList<QKeySequence>() : QList{shortcut})) {
        resetShortcut(id);
        return;
    }
    held->action->setShortcut(shortcut);
    m_settings.setValue(keyOf(id), shortcut.toString(QKeySequence::PortableText));
}

void ActionBook::resetShortcut(const QString& id) {
    Entry* held = entry(id);
    if (held == nullptr)
        return;
    held->action->setShortcuts(held->defaults);
    m_settings.remove(keyOf(id));
}

bool ActionBook::isDefault(const QString& id) const {
    const auto found =
        std::find_if(m_entries.begin(), m_entries.end(), [&id](const Entry& e) { return e.id == id; });
    return found == m_entries.end() || found->action->shortcuts() == found->defaults;
}

QString ActionBook::plainText(const QAction* action) {
    QString text = action->text();
    text.replace(QStringLiteral("&&"), QStringLiteral("\x1"));
    text.remove(QLatin1Char('&'));
    text.replace(QLatin1Char('\x1'), QLatin1Char('&'));
    text.remove(QChar(0x2026));
    return text;
}

} // namespace orrery::ui
