// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/look.h"

#include "base/error.h"
#include "shell/job_queue.h"
#include "shell/model_list.h"
#include "shell/pass.h"
#include "shell/settings.h"

#include <algorithm>
#include <chrono>

namespace orrery::ui {

namespace {

constexpr qint64 editPause = 3000; // ms of rest that begin a new edit
constexpr int typingRest = 40; // ms: long enough to gather a burst of keys, short enough to feel immediate

QString topic() {
    return QStringLiteral("look");
}

double secondsSince(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

} // namespace

PassPointer makePass(int modelId, const std::shared_ptr<const model::Model>& model, const Input& input,
                     const Progress& progress) {
    auto pass = std::make_shared<Pass>();
    pass->modelId = modelId;
    pass->model = model;
    pass->input = input;
    const std::string text = input.text.toStdString();
    progress.report("tokenize", 0, 0);
    auto start = std::chrono::steady_clock::now();
    pass->encoded = input.hasPair ? model->encodePair(text, input.pair.toStdString()) : model->encode(text);
    pass->tokenizeSeconds = secondsSince(start);
    if (pass->encoded.length() == 0)
        throw InputError("The input has no tokens. Type a text.");
    for (const std::string& token : pass->encoded.rows.at(0).tokens)
        pass->tokens.push_back(QString::fromStdString(token));
    pass->cut = pass->encoded.length() >= model->maxPositions();
    pass->encoded.logits = model::LogitRows::None;
    pass->trace = probe::Trace({"blocks.*.attn.hook_pattern"});
    Context context;
    context.trace = &pass->trace;
    context.progress = progress;
    progress.report("run", 0, 0);
    start = std::chrono::steady_clock::now();
    pass->output = model->run(pass->encoded, context);
    pass->runSeconds = secondsSince(start);
    return pass;
}

Look::Look(ModelList& models, InputList& inputs, JobQueue& jobs, Settings& settings, QObject* parent)
    : QObject(parent), m_models(models), m_inputs(inputs), m_jobs(jobs), m_settings(settings) {
    m_rest.setSingleShot(true);
    connect(&m_rest, &QTimer::timeout, this, &Look::begin);
    connect(&models, &ModelList::currentChanged, this, [this] { schedule(0); });
    connect(&models, &ModelList::changed, this, [this](int id) {
        if (id == m_models.currentId())
            schedule(0);
    });
    connect(&inputs, &InputList::currentChanged, this, [this] { schedule(0); });
    connect(&inputs, &InputList::changed, this, [this](int id) {
        if (id == m_inputs.currentId() && m_settings.runWhileTyping())
            schedule(typingRest);
    });
}

void Look::schedule(int milliseconds) {
    // What runs now is of an input that is gone.
    m_jobs.cancelTopic(topic());
    m_rest.start(milliseconds);
}

void Look::run() {
    schedule(0);
}

void Look::stop() {
    m_rest.stop();
    m_jobs.cancelTopic(topic());
}

void Look::begin() {
    const auto* entry = m_models.current();
    const Input* input = m_inputs.current();
    if (entry == nullptr || entry->model == nullptr || input == nullptr || input->text.isEmpty()) {
        if (m_current != nullptr) {
            m_current = nullptr;
            emit done();
        }
        return;
    }
    m_running = true;
    m_failure.clear();
    emit started();
    Job* job = m_jobs.start(
        tr("Attention of %1").arg(entry->name), Lane::Engine, topic(), this,
        [id = entry->id, model = entry->model, input = *input](const Progress& progress) {
            return makePass(id, model, input, progress);
        },
        [this](PassPointer pass) {
            m_running = false;
            // An edit is compared with the pass before its first key, not with that of the key before.
            if (m_current != nullptr && m_current->input.id == pass->input.id &&
                m_current->model == pass->model) {
                if (!(m_current->input == pass->input) &&
                    (m_previous == nullptr || m_sinceEdit.elapsed() > editPause))
                    m_previous = m_current;
                m_sinceEdit.start();
            } else {
                m_previous = nullptr;
            }
            m_current = std::move(pass);
            emit done();
        },
        [this](const QString& sentence) {
            m_running = false;
            m_failure = sentence;
            m_current = nullptr;
            emit failed();
        });
    connect(job, &Job::finished, this, [this, job] {
        if (job->state() != JobState::Cancelled)
            return;
        const auto& jobs = m_jobs.jobs();
        const bool another = std::any_of(jobs.begin(), jobs.end(), [](const Job* other) {
            return other->topic() == topic() && !other->ended();
        });
        if (!another) {
            m_running = false;
            emit stopped();
        }
    });
}

} // namespace orrery::ui
