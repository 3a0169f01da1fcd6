// SPDX-License-Identifier: GPL-3.0-or-later
#include "analyze/analyzer.h"
#include "base/error.h"
#include "bench_output.h"
#include "commands.h"
#include "compress/compressed_model.h"
#include "figure_files.h"
#include "measure/recipe.h"

#include <fmt/format.h>

namespace orrery::app {
namespace {

int reportExpectations(Session& session, const measure::Recipe& recipe, store::RunId run) {
    int status = 0;
    for (const auto& result : measure::checkExpectations(recipe.expect, session.workspace(), run)) {
        print(fmt::format("{}: {}\n", result.holds ? "holds" : "DOES NOT HOLD", result.sentence));
        status = result.holds ? status : 1;
    }
    return status;
}

int runBenchRecipe(Session& session, const measure::Recipe& recipe) {
    auto request = measure::benchRequest(recipe);
    request.commandLine = session.commandLine();
    const int status = benchAndPrint(session, request);
    if (session.dryRun)
        return status;
    return std::max(status, reportExpectations(session, recipe, session.workspace().resolveRun("last")));
}

int runAnalyzeRecipe(Session& session, const measure::Recipe& recipe) {
    const auto part = std::find_if(recipe.parts.begin(), recipe.parts.end(),
                                   [](const auto& one) { return one.kind == analyze::Analyzer::kind; });
    if (part == recipe.parts.end() || recipe.models.empty())
        throw InputError(
            fmt::format("The recipe {} needs a model and a part of kind analyzer.", recipe.file.string()));
    const auto analyzer = session.registry().require<analyze::Analyzer>(part->id);
    const auto model = session.openModel(recipe.models.front());
    const std::string text = recipe.input.file.empty() ? recipe.input.text : readTextFile(recipe.input.file);
    auto request = analyze::makeRequest(*analyzer, model, text,
                                        recipe.input.pair.empty() ? nullptr : &recipe.input.pair);
    request.options.setJson(part->options);
    request.seed = recipe.seed;
    request.progress = session.progress();
    auto& workspace = session.workspace();
    store::NewRun record;
    record.job = "analyze";
    record.title = recipe.title.empty() ? analyzer->info().title : recipe.title;
    record.options = request.options.toJson();
    record.commandLine = session.commandLine();
    record.models.push_back({model->name(), model->fingerprint(), model->folder().string(), model->family()});
    const auto run = workspace.beginRun(record);
    try {
        const auto figures = analyze::runAnalysis(*analyzer, request);
        for (const auto& figure : figures)
            workspace.addFigure(run, figure);
        workspace.finishRun(run, store::RunStatus::Done);
        session.endProgress();
        if (!session.out.empty())
            writeFigures(session, figures, session.out, {"svg", "csv", "json"});
        for (const auto& figure : figures)
            if (std::holds_alternative<figure::Table>(figure.body))
                printTableFigure(figure);
    } catch (const std::exception& failure) {
        workspace.finishRun(run,
                            dynamic_cast<const Cancelled*>(&failure) != nullptr ? store::RunStatus::Cancelled
                                                                                : store::RunStatus::Failed,
                            failure.what());
        throw;
    }
    return reportExpectations(session, recipe, run);
}

int runRecipe(Session& session, const std::string& file) {
    const auto recipe = measure::readRecipe(file);
    if (!recipe.title.empty() && !session.quiet && !session.json)
        print(recipe.title + "\n\n");
    if (recipe.job == "bench")
        return runBenchRecipe(session, recipe);
    if (recipe.job == "analyze")
        return runAnalyzeRecipe(session, recipe);
    throw UsageError(fmt::format(
        "The recipe {} is for the job '{}', which comes in a later version; this one runs bench and analyze.",
        file, recipe.job));
}

} // namespace

void defineRun(CLI::App& parser, Session& session) {
    auto* command = parser.add_subcommand("run", "Run a recipe and say whether its stated expectation holds");
    auto file = std::make_shared<std::string>();
    command->add_option("recipe", *file, "The recipe (JSON)")->required();
    session.addCommonOptions(*command);
    command->footer("Example: orrery run resources/recipes/bench-docs-bert.json");
    command->callback(
        [&session, file] { session.action = [&session, file] { return runRecipe(session, *file); }; });
}

} // namespace orrery::app
