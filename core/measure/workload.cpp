// SPDX-License-Identifier: GPL-3.0-or-later
#include "measure/workload.h"

#include "base/error.h"
#include "base/random.h"
#include "kernels/threads.h"
#include "nn/key_value_cache.h"

#include <fmt/format.h>

#include <utility>

namespace orrery::measure {
namespace {

/// What a run costs when only logitRows positions go through the vocabulary's product: Model::cost() counts
/// all.
WorkloadCost costOf(const model::Model& model, std::int64_t batch, std::int64_t queries,
                    std::int64_t logitRows, double attentionOperations) {
    WorkloadCost cost;
    cost.operations = attentionOperations;
    model.forEachLinear([&](const nn::Linear& linear) {
        const std::string& name = linear.name();
        std::int64_t rows = batch; // poolers and classifiers see one position
        if (name.rfind("blocks.", 0) == 0)
            rows = batch * queries;
        else if (name == "unembed" || name == "head.transform")
            rows = logitRows;
        if (rows == 0)
            return;
        cost.operations += linear.format()->operations(rows);
        cost.bytes += static_cast<double>(linear.format()->bytes()) +
                      static_cast<double>(rows * (linear.inputs() + linear.outputs())) * sizeof(float);
    });
    return cost;
}

/// What all three kinds share: the model, ids, threads.
class ModelWorkload : public Workload {
public:
    ModelWorkload(std::shared_ptr<const model::Model> model, ModelWorkloadSettings settings)
        : m_model(std::move(model)), m_settings(std::move(settings)) {
        if (m_settings.threads <= 0) // another workload may change them before this one runs
            m_settings.threads = kernels::threads();
    }

    void reset() override { kernels::setThreads(m_settings.threads); }

protected:
    /// Random ids, or the given ones again and again; not special in any way that changes the time.
    [[nodiscard]] Tensor ids(std::int64_t first, std::int64_t count) const {
        Tensor tensor = Tensor::empty({m_settings.batch, count}, DType::I64);
        Generator generator(m_settings.seed + static_cast<std::uint64_t>(first));
        std::size_t i = 0;
        for (std::int64_t& id : tensor.mutableData<std::int64_t>()) {
            const auto position = static_cast<std::size_t>(first) + i++ % static_cast<std::size_t>(count);
            id = m_settings.ids.empty() ? static_cast<std::int64_t>(generator.below(
                                              static_cast<std::uint64_t>(m_model->vocabulary())))
                                        : m_settings.ids[position % m_settings.ids.size()];
        }
        return tensor;
    }
    [[nodiscard]] Context context(const Progress& progress) const {
        Context made;
        made.progress = progress;
        if (m_settings.adapt)
            m_settings.adapt(made);
        return made;
    }

    std::shared_ptr<const model::Model> m_model;
    ModelWorkloadSettings m_settings;
};

class Encode final : public ModelWorkload {
public:
    using ModelWorkload::ModelWorkload;
    [[nodiscard]] std::string name() const override { return fmt::format("encode{}", m_settings.length); }
    void prepare(const Progress&) override {
        m_input.inputIds = ids(0, m_settings.length);
        m_input.logits = model::LogitRows::None;
    }
    void runOnce(const Progress& progress) override {
        static_cast<void>(m_model->run(m_input, context(progress)));
    }
    void release() override { m_input = {}; }
    [[nodiscard]] WorkloadCost cost() const override {
        WorkloadCost cost = costOf(*m_model, m_settings.batch, m_settings.length, 0,
                                   m_model->cost(m_settings.batch, m_settings.length).attentionOperations);
        cost.items = static_cast<double>(m_settings.batch);
        cost.tokens = static_cast<double>(m_settings.batch * m_settings.length);
        return cost;
    }

private:
    model::ModelInput m_input;
};

class Prefill final : public ModelWorkload {
public:
    using ModelWorkload::ModelWorkload;
    [[nodiscard]] std::string name() const override { return fmt::format("pp{}", m_settings.length); }
    void prepare(const Progress&) override {
        m_input.inputIds = ids(0, m_settings.length);
        m_input.logits = model::LogitRows::Last;
    }
    void reset() override {
        ModelWorkload::reset();
        m_cache.clear();
    }
    void runOnce(const Progress& progress) override {
        m_cache.clear(); // a sample may hold several runs
        Context made = context(progress);
        made.cache = &m_cache;
        static_cast<void>(m_model->run(m_input, made));
    }
    void release() override {
        m_input = {};
        m_cache = {};
    }
    [[nodiscard]] WorkloadCost cost() const override {
        WorkloadCost cost = costOf(*m_model, m_settings.batch, m_settings.length, m_settings.batch,
                                   m_model->cost(m_settings.batch, m_settings.length).attentionOperations);
        cost.items = static_cast<double>(m_settings.batch);
        cost.tokens = static_cast<double>(m_settings.batch * m_settings.length);
        return cost;
    }

private:
    model::ModelInput m_input;
    nn::KeyValueCache m_cache;
};

class Decode final : public ModelWorkload {
public:
    using ModelWorkload::ModelWorkload;
    [[nodiscard]] std::string name() const override {
        return fmt::format("tg{} @ d{}", m_settings.generated, m_settings.length);
    }
    void prepare(const Progress& progress) override {
        ModelWorkload::reset();
        m_cache.clear();
        model::ModelInput prompt;
        prompt.inputIds = ids(0, m_settings.length);
        prompt.logits = model::LogitRows::Last;
        Context made = context(progress);
        made.cache = &m_cache;
        static_cast<void>(m_model->run(prompt, made));
        m_steps.clear();
        // Ids are given, not chosen: choosing tokens is not what is measured (as llama-bench has it).
        for (std::int64_t i = 0; i < m_settings.generated; ++i) {
            model::ModelInput step;
            step.inputIds = ids(m_settings.length + i, 1);
            step.logits = model::LogitRows::Last;
            m_steps.push_back(std::move(step));
        }
    }
    void reset() override {
        ModelWorkload::reset();
        m_cache.truncate(m_settings.length);
    }
    void runOnce(const Progress& progress) override {
        m_cache.truncate(m_settings.length);
        Context made = context(progress);
        made.cache = &m_cache;
        for (const model::ModelInput& step : m_steps)
            static_cast<void>(m_model->run(step, made));
    }
    void release() override {
        m_steps.clear();
        m_cache = {};
    }
    [[nodiscard]] WorkloadCost cost() const override {
        // One query over the positions held: 4 L d operations a head (scores and weighted values).
        const auto depth =
            static_cast<double>(m_settings.length) + static_cast<double>(m_settings.generated - 1) / 2;
        const double width = static_cast<double>(m_model->config().heads * m_model->config().headSize);
        const double layers = static_cast<double>(m_model->layers());
        const auto batch = static_cast<double>(m_settings.batch);
        WorkloadCost cost =
            costOf(*m_model, m_settings.batch, 1, m_settings.batch, 4 * depth * width * layers * batch);
        cost.bytes += 2 * depth * layers * batch * sizeof(float) *
                      static_cast<double>(m_model->config().keyValueHeads * m_model->config().headSize);
        cost.operations *= static_cast<double>(m_settings.generated);
        cost.bytes *= static_cast<double>(m_settings.generated);
        cost.items = batch;
        cost.tokens = batch * static_cast<double>(m_settings.generated);
        return cost;
    }

private:
    nn::KeyValueCache m_cache;
    std::vector<model::ModelInput> m_steps;
};

} // namespace

std::unique_ptr<Workload> makeWorkload(std::shared_ptr<const model::Model> model,
                                       const ModelWorkloadSettings& settings) {
    ORRERY_CHECK(model != nullptr, "a workload has a model");
    if (settings.length < 1 || settings.batch < 1 || settings.generated < 1)
        throw UsageError("Length, batch and generated tokens of a workload are at least 1.");
    const bool decode = settings.kind == WorkloadKind::Decode;
    if (settings.kind != WorkloadKind::Encode && !model->causal())
        throw UsageError(
            fmt::format("{} is not a causal language model: it has no prefill or decode; measure "
                        "workload=encode.",
                        model->name()));
    const std::int64_t longest = settings.length + (decode ? settings.generated : 0);
    if (longest > model->maxPositions())
        throw UsageError(
            fmt::format("{} takes at most {} positions; {} are asked for. Choose smaller lengths.",
                        model->name(), model->maxPositions(), longest));
    for (const std::int64_t id : settings.ids)
        if (id < 0 || id >= model->vocabulary())
            throw UsageError(
                fmt::format("The token id {} is not in the vocabulary of {}.", id, model->name()));
    switch (settings.kind) {
    case WorkloadKind::Encode:
        return std::make_unique<Encode>(std::move(model), settings);
    case WorkloadKind::Prefill:
        return std::make_unique<Prefill>(std::move(model), settings);
    case WorkloadKind::Decode:
        return std::make_unique<Decode>(std::move(model), settings);
    }
    return nullptr;
}

} // namespace orrery::measure
