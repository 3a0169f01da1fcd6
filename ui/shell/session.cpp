// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/session.h"

#include "base/log.h"
#include "shell/report_draft.h"
#include "shell/workbench.h"

#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QSaveFile>
#include <QStandardPaths>

namespace orrery::ui {

namespace {

constexpr int saveRest = 800; // ms after the last change
const QString key = QStringLiteral("session/state");

/// The report may hold figures of some megabytes: too much for the settings.
QString reportFile() {
    return QStandardPaths::writableLocation(QStandardPaths::GenericDataLocation) +
           QStringLiteral("/orrery/report-draft.json");
}

} // namespace

Session::Session(Workbench& workbench, QObject* parent) : QObject(parent), m_workbench(workbench) {
    m_rest.setSingleShot(true);
    m_rest.setInterval(saveRest);
    connect(&m_rest, &QTimer::timeout, this, &Session::save);
    const auto changed = [this] {
        if (m_keeping)
            m_rest.start();
    };
    connect(&workbench.models(), &ModelList::added, this, changed);
    connect(&workbench.models(), &ModelList::closed, this, changed);
    connect(&workbench.models(), &ModelList::currentChanged, this, changed);
    connect(&workbench.inputs(), &InputList::added, this, changed);
    connect(&workbench.inputs(), &InputList::removed, this, changed);
    connect(&workbench.inputs(), &InputList::changed, this, changed);
    connect(&workbench.inputs(), &InputList::currentChanged, this, changed);
    connect(&workbench.report(), &ReportDraft::changed, this, changed);
}

void Session::begin() {
    m_keeping = true;
}

void Session::save() {
    QJsonArray models;
    for (const auto& entry : m_workbench.models().entries())
        models.append(entry.path);
    QJsonArray inputs;
    for (const Input& input : m_workbench.inputs().inputs()) {
        QJsonObject one{{"id", input.id}, {"text", input.text}};
        if (input.hasPair)
            one.insert("pair", input.pair);
        if (!input.file.isEmpty())
            one.insert("file", input.file);
        inputs.append(one);
    }
    const auto* current = m_workbench.models().current();
    const QJsonObject state{{"models", models},
                            {"model", current == nullptr ? QString() : current->path},
                            {"inputs", inputs},
                            {"input", m_workbench.inputs().currentId()}};
    m_workbench.settings().setValue(key,
                                    QString::fromUtf8(QJsonDocument(state).toJson(QJsonDocument::Compact)));

    QDir().mkpath(QFileInfo(reportFile()).absolutePath());
    QSaveFile file(reportFile());
    if (file.open(QIODevice::WriteOnly)) {
        file.write(m_workbench.report().toJson());
        file.commit();
    }
}

bool Session::restore() {
    if (QFile file(reportFile()); file.open(QIODevice::ReadOnly)) {
        try {
            m_workbench.report().fromJson(file.readAll());
        } catch (const std::exception& error) {
            log(LogLevel::Warning, error.what());
        }
    }
    const QByteArray text = m_workbench.settings().value(key).toString().toUtf8();
    const QJsonObject state = QJsonDocument::fromJson(text).object();
    if (state.isEmpty())
        return false;
    QList<Input> inputs;
    for (const QJsonValue& value : state["inputs"].toArray()) {
        const QJsonObject one = value.toObject();
        Input input;
        input.id = one["id"].toInt();
        input.text = one["text"].toString();
        input.hasPair = one.contains("pair");
        input.pair = one["pair"].toString();
        input.file = one["file"].toString();
        if (input.id > 0)
            inputs.push_back(input);
    }
    m_workbench.inputs().restore(inputs, inputs.isEmpty() ? 0 : state["input"].toInt(inputs.first().id));
    for (const QJsonValue& path : state["models"].toArray())
        if (QFileInfo::exists(path.toString()))
            m_workbench.models().open(path.toString());
    for (const auto& entry : m_workbench.models().entries())
        if (entry.path == state["model"].toString())
            m_workbench.models().setCurrent(entry.id);
    return !m_workbench.models().entries().isEmpty() || !inputs.isEmpty();
}

} // namespace orrery::ui
