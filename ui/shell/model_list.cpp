// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/model_list.h"

#include "model/model.h"
#include "shell/job_queue.h"
#include "shell/settings.h"

#include <QDir>
#include <QFileInfo>

#include <algorithm>

namespace orrery::ui {

ModelList::ModelList(JobQueue& jobs, Settings& settings, QObject* parent)
    : QObject(parent), m_jobs(jobs), m_settings(settings) {}

const ModelList::Entry* ModelList::find(int id) const {
    const auto found =
        std::find_if(m_entries.begin(), m_entries.end(), [id](const Entry& e) { return e.id == id; });
    return found == m_entries.end() ? nullptr : &*found;
}

ModelList::Entry* ModelList::entry(int id) {
    const auto found =
        std::find_if(m_entries.begin(), m_entries.end(), [id](const Entry& e) { return e.id == id; });
    return found == m_entries.end() ? nullptr : &*found;
}

std::shared_ptr<const model::Model> ModelList::currentModel() const {
    const Entry* entry = current();
    return entry == nullptr ? nullptr : entry->model;
}

int ModelList::open(const QString& path) {
    const QFileInfo info(path);
    const QString folder = QDir::cleanPath(info.isFile() ? info.absolutePath() : info.absoluteFilePath());
    for (const Entry& entry : m_entries) {
        if (entry.path == folder) {
            const int id = entry.id;
            if (entry.state == State::Failed)
                reload(id);
            setCurrent(id);
            return id;
        }
    }
    Entry entry;
    entry.id = m_nextId++;
    entry.path = folder;
    entry.name = QFileInfo(folder).fileName();
    m_entries.push_back(entry);
    emit added(entry.id);
    setCurrent(entry.id);
    load(entry.id);
    return entry.id;
}

void ModelList::reload(int id) {
    Entry* held = entry(id);
    if (held == nullptr)
        return;
    held->state = State::Loading;
    held->failure.clear();
    held->model.reset();
    emit changed(id);
    load(id);
}

void ModelList::load(int id) {
    const Entry* held = find(id);
    const DType dtype = dtypeFromName(m_settings.dtype().toStdString()).value_or(DType::F32);
    m_jobs.start(
        tr("Open %1").arg(held->name), Lane::Errand, QStringLiteral("open/%1").arg(id), this,
        [path = held->path, dtype](const Progress& progress) -> std::shared_ptr<const model::Model> {
            model::OpenOptions options;
            options.dtype = dtype;
            options.progress = progress;
            return model::Model::open(std::filesystem::path(path.toStdString()), options);
        },
        [this, id](std::shared_ptr<const model::Model> model) {
            Entry* target = entry(id);
            if (target == nullptr)
                return; // closed meanwhile
            target->model = std::move(model);
            target->state = State::Open;
            m_settings.addRecentFile(target->path);
            emit changed(id);
        },
        [this, id](const QString& sentence) {
            Entry* target = entry(id);
            if (target == nullptr)
                return;
            target->state = State::Failed;
            target->failure = sentence;
            emit changed(id);
        });
}

void ModelList::close(int id) {
    const Entry* held = find(id);
    if (held == nullptr)
        return;
    emit aboutToClose(id);
    m_jobs.cancelTopic(QStringLiteral("open/%1").arg(id));
    const auto at = static_cast<qsizetype>(held - m_entries.constData());
    m_entries.removeAt(at);
    emit closed(id);
    if (id == m_current) {
        m_current = m_entries.isEmpty() ? 0 : m_entries[std::min(at, m_entries.size() - 1)].id;
        emit currentChanged();
    }
}

void ModelList::setCurrent(int id) {
    if (id == m_current || find(id) == nullptr)
        return;
    m_current = id;
    emit currentChanged();
}

} // namespace orrery::ui
