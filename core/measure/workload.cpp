// SPDX-License-Identifier: GPL-3.0-or-later
#include "measure/workload.h"

#include "base/error.h"
#include "base/random.h"
#include "nn/key_value_cache.h"
#include "onednn/engine.h"

#include <fmt/format.h>

#include <thread>

namespace orrery::measure {
namespace {

/// The batch of ids that a workload runs: given ones repeated, or random ones.
std::vector<std::vector<std::int64_t>> rows(const model::Model& model, const ModelWorkloadSettings& settings,
                                            std::int64_t length) {
    Generator generator(settings.seed);
    std::vector<std::vector<std::int64_t>> result;
    for (std::int64_t b = 0; b < settings.batch; ++b) {
        std::vector<std::int64_t> ids;
        for (std::int64_t i = 0; i < length; ++i)
            ids.push_back(settings.ids.empty()
                              ? static_cast<std::int64_t>(
                                    generator.below(static_cast<std::uint64_t>(model.vocabulary())))
                              : settings.ids[static_cast<std::size_t>(i) % settings.ids.size()]);
        result.push_back(std::move(ids));
    }
    return result;
}

/// What the three kinds share: model, threads, context.
class ModelWorkload : public Workload {
public:
    ModelWorkload(std::shared_ptr<const model::Model> model, const ModelWorkloadSettings& settings)
        : m_model(std::move(model)), m_settings(settings) {}
    void reset() override {
        const int threads = m_settings.threads > 0 ? m_settings.threads
                                                   : static_cast<int>(std::thread::hardware_concurrency());
        if (onednn::threads() != threads)
            onednn::setThreads(threads);
    }

protected:
    [[nodiscard]] const model::Model& model() const { return *m_model; }
    [[nodiscard]] const ModelWorkloadSettings& settings() const { return m_settings; }
    [[nodiscard]] Context context(const Progress& progress) const {
        Context context;
        context.progress = progress;
        if (m_settings.adapt)
            m_settings.adapt(context);
        return context;
    }
    [[nodiscard]] WorkloadCost runCost(double tokens, std::int64_t length) const {
        const auto cost = m_model->cost(m_settings.batch, length);
        return {static_cast<double>(m_settings.batch), tokens, cost.operations,
                cost.weightBytes + static_cast<double>(cost.peakBytes)};
    }

private:
    std::shared_ptr<const model::Model> m_model;
    ModelWorkloadSettings m_settings;
};

class Encode final : public ModelWorkload {
public:
    using ModelWorkload::ModelWorkload;
    [[nodiscard]] std::string name() const override { return "encode"; }
    void prepare(const Progress&) override {
        m_input = model::ModelInput::ofIds(rows(model(), settings(), settings().length), 0);
        m_input.logits = model::LogitRows::None;
    }
    void runOnce(const Progress& progress) override { (void)model().run(m_input, context(progress)); }
    void release() override { m_input = {}; }
    [[nodiscard]] WorkloadCost cost() const override {
        return runCost(static_cast<double>(settings().batch * settings().length), settings().length);
    }

private:
    model::ModelInput m_input;
};

class Prefill final : public ModelWorkload {
public:
    using ModelWorkload::ModelWorkload;
    [[nodiscard]] std::string name() const override { return fmt::format("pp{}", settings().length); }
    void prepare(const Progress&) override {
        m_input = model::ModelInput::ofIds(rows(model(), settings(), settings().length), 0);
        m_input.logits = model::LogitRows::Last;
    }
    void reset() override {
        ModelWorkload::reset();
        m_cache.clear();
    }
    void runOnce(const Progress& progress) override {
        m_cache.clear();
        Context with = context(progress);
        with.cache = &m_cache;
        (void)model().run(m_input, with);
    }
    void release() override { m_cache = {}; }
    [[nodiscard]] WorkloadCost cost() const override {
        return runCost(static_cast<double>(settings().batch * settings().length), settings().length);
    }

private:
    model::ModelInput m_input;
    nn::KeyValueCache m_cache;
};

class Decode final : public ModelWorkload {
public:
    using ModelWorkload::ModelWorkload;
    [[nodiscard]] std::string name() const override {
        return fmt::format("tg{} @ d{}", settings().generated, settings().length);
    }
    void prepare(const Progress& progress) override {
        const auto all = rows(model(), settings(), settings().length + settings().generated);
        std::vector<std::vector<std::int64_t>> prompt;
        for (const auto& row : all)
            prompt.emplace_back(row.begin(), row.begin() + settings().length);
        model::ModelInput input = model::ModelInput::ofIds(prompt, 0);
        input.logits = model::LogitRows::Last;
        m_cache.clear();
        Context with = context(progress);
        with.cache = &m_cache;
        (void)model().run(input, with);
        m_steps.clear();
        for (std::int64_t step = 0; step < settings().generated; ++step) {
            std::vector<std::vector<std::int64_t>> ids;
            for (const auto& row : all)
                ids.push_back({row[static_cast<std::size_t>(settings().length + step)]});
            m_steps.push_back(model::ModelInput::ofIds(ids, 0));
            m_steps.back().logits = model::LogitRows::Last;
        }
    }
    void runOnce(const Progress& progress) override {
        m_cache.truncate(settings().length);
        Context with = context(progress);
        with.cache = &m_cache;
        for (const auto& step : m_steps)
            (void)model().run(step, with);
    }
    void release() override {
        m_cache = {};
        m_steps.clear();
    }
    [[nodiscard]] WorkloadCost cost() const override {
        const auto one = model().cost(settings().batch, 1);
        const auto steps = static_cast<double>(settings().generated);
        return {static_cast<double>(settings().batch), static_cast<double>(settings().batch) * steps,
                one.operations * steps, (one.weightBytes + static_cast<double>(m_cache.bytes())) * steps};
    }

private:
    nn::KeyValueCache m_cache;
    std::vector<model::ModelInput> m_steps;
};

} // namespace

std::unique_ptr<Workload> makeWorkload(std::shared_ptr<const model::Model> model,
                                       const ModelWorkloadSettings& settings) {
    const bool causal = settings.kind != WorkloadKind::Encode;
    if (causal && !model->causal())
        throw UsageError(
            fmt::format("{} is not causal: it can encode, but there is nothing to prefill or decode. Measure "
                        "workload=encode.",
                        model->name()));
    const std::int64_t positions =
        settings.length + (settings.kind == WorkloadKind::Decode ? settings.generated : 0);
    if (positions > model->maxPositions())
        throw UsageError(fmt::format("{} takes at most {} positions; {} are asked for.", model->name(),
                                     model->maxPositions(), positions));
    switch (settings.kind) {
    case WorkloadKind::Prefill:
        return std::make_unique<Prefill>(std::move(model), settings);
    case WorkloadKind::Decode:
        return std::make_unique<Decode>(std::move(model), settings);
    case WorkloadKind::Encode:
        break;
    }
    return std::make_unique<Encode>(std::move(model), settings);
}

} // namespace orrery::measure
