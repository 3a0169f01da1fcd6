// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QList>
#include <QObject>
#include <QString>

#include <memory>

namespace orrery::model {
class Model;
}

namespace orrery::ui {

class JobQueue;
class Settings;

/// The open models and which of them is looked at.
class ModelList : public QObject {
    Q_OBJECT
public:
    enum class State { Loading, Open, Failed };
    struct Entry {
        int id = 0;
        QString path; ///< of its folder
        QString name; ///< last part of the path
        State state = State::Loading;
        QString failure; ///< sentence when Failed
        std::shared_ptr<const model::Model> model;
    };

    ModelList(JobQueue& jobs, Settings& settings, QObject* parent = nullptr);

    [[nodiscard]] const QList<Entry>& entries() const { return m_entries; }
    [[nodiscard]] const Entry* find(int id) const;
    [[nodiscard]] const Entry* current() const { return find(m_current); }
    [[nodiscard]] int currentId() const { return m_current; }
    [[nodiscard]] std::shared_ptr<const model::Model> currentModel() const; ///< null while there is none

    /// Opens the model of a folder (or of a file in it) as a job and makes it current; opening one that is
    /// open only makes it current. Returns its id.
    int open(const QString& path);
    void close(int id);
    void setCurrent(int id);
    /// Reads the checkpoint again; what a failed entry offers.
    void reload(int id);

signals:
    void added(int id);
    void changed(int id); ///< loaded or failed
    void aboutToClose(int id);
    void closed(int id);
    void currentChanged();

private:
    void load(int id);
    Entry* entry(int id);

    JobQueue& m_jobs;
    Settings& m_settings;
    QList<Entry> m_entries;
    int m_nextId = 1;
    int m_current = 0;
};

} // namespace orrery::ui
