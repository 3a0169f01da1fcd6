// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "base/options.h"
#include "bench_output.h"
#include "commands.h"
#include "figure_files.h"
#include "measure/machine.h"
#include "measure/profile.h"
#include "measure/recipe.h"

#include <fmt/format.h>

namespace orrery::app {
namespace {

struct Settings {
    std::vector<std::string> models;
    std::vector<std::string> grid;
    std::string text;
    std::string resume;
    bool profile = false;
};

int profile(Session& session, const Settings& settings, const OptionValues& options) {
    if (settings.models.size() != 1)
        throw UsageError("--profile takes one model.");
    const auto model = session.openModel(settings.models[0]);
    const auto points = measure::makeGrid(settings.models, options);
    std::vector<std::int64_t> ids;
    Generator generator(session.seed);
    for (std::int64_t i = 0; i < points.front().length; ++i)
        ids.push_back(
            static_cast<std::int64_t>(generator.below(static_cast<std::uint64_t>(model->vocabulary()))));
    auto input = model::ModelInput::ofIds(
        std::vector<std::vector<std::int64_t>>(static_cast<std::size_t>(points.front().batch), ids), 0);
    input.logits = model::LogitRows::None;
    const auto machine = measure::describeMachine();
    const auto ceilings =
        measure::ceilings(session.workspace(), machine, session.threads, session.progress());
    const auto result = measure::profileModel(*model, input, 5, session.progress());
    session.endProgress();
    const auto figures = measure::profileFigures(result, &ceilings);
    if (session.json) {
        OrderedJson json = OrderedJson::array();
        for (const auto& figure : figures)
            json.push_back(figureJson(figure));
        printJson(json);
    } else {
        for (const auto& figure : figures)
            if (std::holds_alternative<figure::Table>(figure.body))
                printTableFigure(figure);
        print(fmt::format("{}: {:.2f} ms a run (profiled)\n", points.front().label(), result.seconds * 1e3));
    }
    if (!session.out.empty())
        writeFigures(session, figures, session.out, {"svg", "csv", "json"});
    return 0;
}

int bench(Session& session, const Settings& settings) {
    if (!settings.resume.empty())
        return resumeAndPrint(session, session.workspace().resolveRun(settings.resume));
    if (settings.models.empty())
        throw UsageError("Name a model's folder or a recipe to measure.");
    if (settings.models.size() == 1 && settings.models[0].ends_with(".json")) {
        auto request = measure::benchRequest(measure::readRecipe(settings.models[0]));
        for (const auto& assignment : settings.grid)
            request.options.assign(assignment);
        for (const auto& assignment : session.assignments)
            request.options.assign(assignment);
        request.commandLine = session.commandLine();
        return benchAndPrint(session, request);
    }
    measure::BenchRequest request;
    request.models = settings.models;
    request.text = settings.text;
    request.commandLine = session.commandLine();
    if (session.threads > 0)
        request.options.setText("threads", fmt::format("{}", session.threads));
    if (session.dtype != "f32")
        request.options.setText("dtype", session.dtype);
    for (const auto& assignment : settings.grid)
        request.options.assign(assignment);
    for (const auto& assignment : session.assignments)
        request.options.assign(assignment);
    return settings.profile ? profile(session, settings, request.options) : benchAndPrint(session, request);
}

} // namespace

void defineBench(CLI::App& parser, Session& session) {
    auto* command =
        parser.add_subcommand("bench", "Measure models over a grid of settings, into the workspace");
    auto settings = std::make_shared<Settings>();
    command->add_option("models", settings->models, "Folders of models, or one recipe");
    command->add_option("--grid", settings->grid,
                        "Axes: length=128,256-1024+128 batch=1,8 dtype=f32,bf16 threads=1,2 ...");
    command->add_option("--text", settings->text,
                        "Text whose tokens fill the length, instead of random ones");
    command->add_option("--resume", settings->resume,
                        "A run of the workspace that was interrupted: measure what it lacks");
    command->add_flag("--profile", settings->profile,
                      "Time by module and primitive for the first setting of the grid");
    session.addCommonOptions(*command);
    command->footer("Axes and options (--grid or --set):\n" + measure::benchOptions().helpText() +
                    "Example: orrery bench resources/models/docs-bert --grid length=32-256*2 dtype=f32,bf16 "
                    "--set budget=3");
    command->callback([&session, settings] {
        session.action = [&session, settings] { return bench(session, *settings); };
    });
}

} // namespace orrery::app
