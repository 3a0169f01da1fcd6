// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/checkpoint.h"
#include "checkpoint/scan.h"
#include "commands.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace orrery::app {
namespace {

struct Settings {
    std::string model;
    bool sites = false;
    bool parameters = false;
    bool scan = false;
    std::int64_t batch = 1;
    std::int64_t length = 128;
};

OrderedJson toJson(const model::ModuleInfo& module) {
    OrderedJson json{{"name", module.name},
                     {"kind", module.kind},
                     {"parameters", module.parameterCount},
                     {"bytes", module.bytes}};
    for (const auto& parameter : module.parameters)
        json["tensors"].push_back({{"name", parameter.name},
                                   {"dtype", name(parameter.dtype)},
                                   {"shape", std::vector<std::int64_t>(parameter.shape.sizes().begin(),
                                                                       parameter.shape.sizes().end())},
                                   {"bytes", parameter.bytes}});
    for (const auto& child : module.children)
        json["modules"].push_back(toJson(child));
    return json;
}

void addRows(const model::ModuleInfo& module, int depth, bool parameters,
             std::vector<std::vector<std::string>>& rows) {
    rows.push_back({std::string(static_cast<std::size_t>(depth) * 2, ' ') +
                        (module.name.empty() ? "model" : module.name),
                    module.kind, "", countText(static_cast<double>(module.parameterCount)),
                    bytesText(static_cast<double>(module.bytes))});
    if (parameters)
        for (const auto& parameter : module.parameters)
            rows.push_back({std::string(static_cast<std::size_t>(depth + 1) * 2, ' ') + parameter.name,
                            std::string(name(parameter.dtype)), parameter.shape.toText(),
                            countText(static_cast<double>(parameter.shape.elements())),
                            bytesText(static_cast<double>(parameter.bytes))});
    for (const auto& child : module.children)
        addRows(child, depth + 1, parameters, rows);
}

int inspect(Session& session, const Settings& settings) {
    const auto model = session.openModel(settings.model);
    const auto length = std::min(settings.length, model->maxPositions());
    const auto cost = model->cost(settings.batch, length);
    const auto modules = model->modules();
    const auto sites = model->sites(settings.batch, length);
    std::vector<std::string> notFinite;
    if (settings.scan)
        for (const auto& scanned :
             checkpoint::scanWeights(*checkpoint::Checkpoint::open(settings.model), session.progress()))
            notFinite.push_back(
                fmt::format("{} ({} NaN, {} infinite)", scanned.tensor, scanned.nans, scanned.infinities));
    session.endProgress();

    if (session.json) {
        OrderedJson json{{"name", model->name()},
                         {"family", model->family()},
                         {"task", model->task()},
                         {"fingerprint", model->fingerprint()},
                         {"parameters", model->parameterCount()},
                         {"layers", model->layers()},
                         {"heads", model->headsPerLayer()},
                         {"hiddenSize", model->hiddenSize()},
                         {"vocabulary", model->vocabulary()},
                         {"maxPositions", model->maxPositions()},
                         {"config", model->fileConfig().json()},
                         {"modules", toJson(modules)},
                         {"unused", model->unusedTensors()},
                         {"predicted",
                          {{"batch", settings.batch},
                           {"length", length},
                           {"bytes", cost.peakBytes},
                           {"operations", cost.operations}}}};
        for (const auto& site : sites)
            json["sites"].push_back({{"name", site.name},
                                     {"aliases", site.aliases},
                                     {"shape", site.shape.toText()},
                                     {"bytes", site.bytes}});
        if (settings.scan)
            json["notFinite"] = notFinite;
        printJson(json);
        return notFinite.empty() ? 0 : 1;
    }
    print(fmt::format("{}  ({}, {})\n", model->name(), model->family(),
                      fmt::join(model->fileConfig().architectures(), ", ")));
    const bool words = model->vocabulary() > 0;
    print(fmt::format(
        "{}: {} layers x {} heads, width {}, {}{} parameters\n", model->task(), model->layers(),
        model->headsPerLayer(), model->hiddenSize(),
        words ? fmt::format("vocabulary {}, up to {} positions, ", model->vocabulary(), model->maxPositions())
              : "",
        countText(static_cast<double>(model->parameterCount()))));
    print(fmt::format("A run of {}: {}FLOP, {} of working memory beside the weights (predicted)\n",
                      words ? fmt::format("{} x {} tokens", settings.batch, length)
                            : fmt::format("a batch of {}", settings.batch),
                      countText(cost.operations), bytesText(static_cast<double>(cost.peakBytes))));
    if (model->isNetwork())
        for (const auto& input : model->inputs())
            print(fmt::format("Takes {}{}: {}, as {}\n", input.name, input.required ? "" : " (optional)",
                              input.meaning, input.sizes.toText()));
    if (words && !model->tokenizer())
        print(fmt::format("No tokenizer: {}\n", model->tokenizerProblem()));
    if (!model->unusedTensors().empty())
        print(fmt::format("Not used: {}\n", fmt::join(model->unusedTensors(), ", ")));
    for (const auto& text : notFinite)
        print(fmt::format("Not finite: {}\n", text));
    print("\n");
    std::vector<std::vector<std::string>> rows;
    addRows(modules, 0, settings.parameters, rows);
    printTable({"module", "kind", "shape", "parameters", "bytes"}, rows);
    if (settings.sites) {
        print("\n");
        rows.clear();
        for (const auto& site : sites)
            rows.push_back({site.name, site.shape.toText(), bytesText(static_cast<double>(site.bytes)),
                            fmt::format("{}", fmt::join(site.aliases, ", ")), site.meaning});
        printTable({"site", "shape", "bytes", "also", "what it is"}, rows);
    }
    return notFinite.empty() ? 0 : 1;
}

} // namespace

void defineInspect(CLI::App& parser, Session& session) {
    auto* command = parser.add_subcommand(
        "inspect", "Configuration, modules, parameters, sites and predicted memory of a model");
    auto settings = std::make_shared<Settings>();
    command->add_option("model", settings->model, "Folder of the model")->required();
    command->add_flag("--sites", settings->sites, "List the sites that can be traced and edited");
    command->add_flag("--parameters", settings->parameters, "List every stored tensor");
    command->add_flag("--scan", settings->scan,
                      "Read all weights and look for NaN and infinite values (exit 1 when there are)");
    command->add_option("--batch", settings->batch, "Sequences of the predicted run")
        ->check(CLI::Range(1, 1 << 20));
    command->add_option("--length", settings->length, "Tokens of the predicted run")
        ->check(CLI::Range(1, 1 << 24));
    session.addCommonOptions(*command);
    command->footer("Example: orrery inspect resources/models/docs-bert --sites");
    command->callback([&session, settings] {
        session.action = [&session, settings] { return inspect(session, *settings); };
    });
}

} // namespace orrery::app
