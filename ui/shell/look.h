// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "shell/input_list.h"

#include <QElapsedTimer>
#include <QObject>
#include <QString>
#include <QTimer>

#include <memory>

namespace orrery::ui {

class InputList;
class JobQueue;
class ModelList;
class Settings;
struct Pass;
using PassPointer = std::shared_ptr<const Pass>;

/// The current model on the current input, kept up to date: when either changes, the run in flight is
/// cancelled and a new one starts as a job (after a short rest while typing).
class Look : public QObject {
    Q_OBJECT
public:
    Look(ModelList& models, InputList& inputs, JobQueue& jobs, Settings& settings, QObject* parent = nullptr);

    [[nodiscard]] const PassPointer& current() const { return m_current; } ///< null before the first
    [[nodiscard]] const PassPointer& previous() const {
        return m_previous;
    } ///< what the edit is compared with
    [[nodiscard]] bool running() const { return m_running; }
    [[nodiscard]] const QString& failure() const { return m_failure; } ///< sentence, empty when all is well
    void run();                                                        ///< now (F5)
    void stop();

signals:
    void started();
    void done();   ///< current() is new
    void failed(); ///< failure() says why; current() is null
    void stopped();

private:
    void schedule(int milliseconds);
    void begin();

    ModelList& m_models;
    InputList& m_inputs;
    JobQueue& m_jobs;
    Settings& m_settings;
    QTimer m_rest;
    QElapsedTimer m_sinceEdit;
    PassPointer m_current;
    PassPointer m_previous;
    QString m_failure;
    bool m_running = false;
};

} // namespace orrery::ui
