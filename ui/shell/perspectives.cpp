// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/perspectives.h"

#include "shell/main_window.h"
#include "shell/panel.h"
#include "shell/settings.h"

#include <QDockWidget>
#include <QTabWidget>

namespace orrery::ui {

namespace {

const QString namesKey = QStringLiteral("perspectives/names");

QString key(const QString& name, const char* what) {
    return QStringLiteral("perspectives/%1/%2")
        .arg(QString::fromUtf8(name.toUtf8().toHex()), QLatin1String(what));
}

} // namespace

Perspectives::Perspectives(MainWindow& window, Settings& settings, QObject* parent)
    : QObject(parent), m_window(window), m_settings(settings) {}

QList<Perspectives::BuiltIn> Perspectives::builtIn() {
    const auto s = [](const char* text) { return QString::fromLatin1(text); };
    return {
        {s("look"),
         tr("Look inside"),
         {s("models"), s("input"), s("inspector"), s("jobs"), s("log"), s("workspace")},
         s("attention")},
        {s("measure"), tr("Measure"), {s("models"), s("workspace"), s("jobs")}, s("bench")},
        {s("write"), tr("Write"), {s("workspace")}, s("report")},
        {s("read"), tr("Picture only"), {}, s("attention")},
    };
}

QStringList Perspectives::saved() const {
    return m_settings.value(namesKey).toStringList();
}

void Perspectives::applyBuiltIn(const QString& id) {
    for (const BuiltIn& built : builtIn()) {
        if (built.id != id)
            continue;
        m_window.resetDocks();
        for (const Panel* panel : m_window.panels())
            if (QDockWidget* dock = m_window.dock(panel->id()))
                dock->setVisible(built.docks.contains(panel->id()));
        m_window.showPanel(built.tab);
    }
}

void Perspectives::applySaved(const QString& name) {
    m_window.restoreState(m_settings.value(key(name, "docks")).toByteArray());
    m_window.showPanel(m_settings.value(key(name, "tab")).toString());
}

void Perspectives::save(const QString& name) {
    m_settings.setValue(key(name, "docks"), m_window.saveState());
    if (const auto* front = qobject_cast<const Panel*>(m_window.tabs()->currentWidget()))
        m_settings.setValue(key(name, "tab"), front->id());
    QStringList names = saved();
    if (!names.contains(name))
        m_settings.setValue(namesKey, names + QStringList{name});
    emit savedChanged();
}

void Perspectives::remove(const QString& name) {
    QStringList names = saved();
    names.removeAll(name);
    m_settings.setValue(namesKey, names);
    m_settings.remove(key(name, "docks"));
    m_settings.remove(key(name, "tab"));
    emit savedChanged();
}

void Perspectives::reset() {
    applyBuiltIn(QStringLiteral("look"));
}

} // namespace orrery::ui
