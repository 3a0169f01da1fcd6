// SPDX-License-Identifier: GPL-3.0-or-later
#include "measure/profile.h"

#include "base/error.h"
#include "base/operation_observer.h"
#include "base/version.h"
#include "kernels/threads.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>

namespace orrery::measure {
namespace {

/// Site, kind, description, implementation.
using Key = std::array<std::string, 4>;

/// Adds up what the engine executes.
class Collector final : public OperationObserver {
public:
    void executed(const Operation& operation) override {
        const std::lock_guard lock(m_mutex);
        auto& entry = m_entries[{std::string(operation.site), std::string(operation.kind),
                                 operation.description, std::string(operation.implementation)}];
        ++entry.calls;
        entry.seconds += std::chrono::duration<double>(operation.duration).count();
        entry.operations += operation.flops;
        entry.bytes += operation.bytes;
    }
    [[nodiscard]] const std::map<Key, ProfileEntry>& entries() const { return m_entries; }

private:
    std::mutex m_mutex;
    std::map<Key, ProfileEntry> m_entries;
};

/// The observer of this process is put back whatever happens.
class Observing {
public:
    explicit Observing(std::shared_ptr<OperationObserver> observer) : m_before(operationObserver()) {
        setOperationObserver(std::move(observer));
    }
    ~Observing() { setOperationObserver(m_before); }
    Observing(const Observing&) = delete;
    Observing& operator=(const Observing&) = delete;

private:
    std::shared_ptr<OperationObserver> m_before;
};

Profile profiled(const std::function<void(const Context&)>& run, int runs, const Progress& progress) {
    Context context;
    context.progress = progress;
    run(context); // packs weights, fills caches
    auto collector = std::make_shared<Collector>();
    Profile profile;
    profile.runs = runs;
    std::map<std::string, ProfileEntry> modules;
    std::vector<std::string> order;
    context.timed = [&](std::string_view module, double seconds) {
        const std::string name(module);
        auto [place, fresh] = modules.emplace(name, ProfileEntry{});
        if (fresh) {
            place->second.site = name;
            order.push_back(name);
        }
        ++place->second.calls;
        place->second.seconds += seconds;
    };
    const Observing observing(collector);
    for (int i = 0; i < runs; ++i) {
        progress.report("profiling", i, runs);
        const auto start = std::chrono::steady_clock::now();
        run(context);
        profile.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
    const double each = 1.0 / runs;
    profile.seconds *= each;
    for (const auto& [key, collected] : collector->entries()) {
        ProfileEntry entry = collected;
        entry.site = key[0];
        entry.kind = key[1];
        entry.descriptor = key[2];
        entry.implementation = key[3];
        entry.calls /= runs;
        entry.seconds *= each;
        entry.operations *= each;
        entry.bytes *= each;
        entry.share = entry.seconds / profile.seconds;
        if (const auto module = modules.find(entry.site); module != modules.end()) {
            module->second.operations += entry.operations;
            module->second.bytes += entry.bytes;
        }
        profile.primitives.push_back(std::move(entry));
    }
    for (const auto& name : order) {
        ProfileEntry entry = modules.at(name);
        entry.calls /= runs;
        entry.seconds *= each;
        entry.share = entry.seconds / profile.seconds;
        profile.modules.push_back(std::move(entry));
    }
    return profile;
}

} // namespace

Profile profileModel(const model::Model& model, const model::ModelInput& input, int runs,
                     const Progress& progress) {
    return profiled([&](const Context& context) { (void)model.run(input, context); }, runs, progress);
}

Profile profileModel(const model::Model& model, const model::NamedTensors& inputs, int runs,
                     const Progress& progress) {
    return profiled([&](const Context& context) { (void)model.run(inputs, context); }, runs, progress);
}

namespace {

/// The inputs of a point: tokens for models that read them, else what the model gives as its example.
Profile profilePoint(const model::Model& model, const BenchSettings& settings, const BenchRequest& request,
                     const Progress& progress) {
    constexpr int runs = 5;
    if (model.isNetwork()) {
        model::NamedTensors inputs = model.exampleInputs(settings.batch, settings.length);
        return profileModel(model, inputs, runs, progress);
    }
    if (settings.length > model.maxPositions())
        throw UsageError(fmt::format("{} has {} positions; profile a length of at most that, not {}.",
                                     model.name(), model.maxPositions(), settings.length));
    const std::vector<std::int64_t> words =
        request.text.empty() ? std::vector<std::int64_t>{}
                             : model.encode(request.text).inputIds.select(0, 0).toIntegers();
    Generator generator(static_cast<std::uint64_t>(request.options.integer("seed")));
    std::vector<std::int64_t> ids;
    ids.reserve(static_cast<std::size_t>(std::max<std::int64_t>(settings.length, 0)));
    for (std::int64_t i = 0; i < settings.length; ++i)
        ids.push_back(words.empty() ? static_cast<std::int64_t>(
                                          generator.below(static_cast<std::uint64_t>(model.vocabulary())))
                                    : words[static_cast<std::size_t>(i) % words.size()]);
    auto input = model::ModelInput::ofIds(
        std::vector<std::vector<std::int64_t>>(static_cast<std::size_t>(settings.batch), ids), 0);
    input.logits = model::LogitRows::None;
    return profileModel(model, input, runs, progress);
}

} // namespace

ProfileOutcome profileRun(store::Workspace& workspace, const BenchRequest& request, const PartFinder& parts,
                          const Progress& progress) {
    const auto points = makeGrid(request.models, request.options);
    if (points.empty())
        throw UsageError("Name a model to profile.");
    ProfileOutcome outcome;
    outcome.settings = points.front();
    const kernels::ThreadsScope threadsBefore;
    if (outcome.settings.threads > 0)
        kernels::setThreads(outcome.settings.threads);
    const auto model = openForPoint(outcome.settings, parts);
    const Machine machine = describeMachine();
    store::NewRun run;
    run.job = "profile";
    run.title = fmt::format("Profile of {}", outcome.settings.label());
    run.options = outcome.settings.toJson();
    run.commandLine = request.commandLine;
    run.environment = machine.toJson();
    run.machine = machine.key();
    run.models.push_back({model->name(), model->fingerprint(),
                          std::filesystem::absolute(model->folder()).string(), model->family()});
    run.provenance.model = model->name();
    run.provenance.modelHash = model->fingerprint();
    run.provenance.part = "profile";
    run.provenance.options = run.options;
    run.provenance.version = version();
    run.provenance.commandLine = request.commandLine;
    run.provenance.created = timestamp();
    outcome.run = workspace.beginRun(run);
    try {
        const Ceilings roof = ceilings(workspace, machine, kernels::threads(), progress);
        outcome.profile = profilePoint(*model, outcome.settings, request, progress);
        outcome.figures = profileFigures(outcome.profile, &roof);
        for (figure::Figure& figure : outcome.figures) {
            figure.provenance = run.provenance;
            workspace.addFigure(outcome.run, figure);
        }
        workspace.finishRun(outcome.run, store::RunStatus::Done);
    } catch (const Cancelled&) {
        workspace.finishRun(outcome.run, store::RunStatus::Cancelled);
        throw;
    } catch (const std::exception& failure) {
        workspace.finishRun(outcome.run, store::RunStatus::Failed, failure.what());
        throw;
    }
    return outcome;
}

} // namespace orrery::measure
