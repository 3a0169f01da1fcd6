// SPDX-License-Identifier: GPL-3.0-or-later
#include "analyze/analyzer.h"
#include "base/error.h"
#include "commands.h"
#include "figure_files.h"
#include "onednn/engine.h"

#include <fmt/format.h>

#include <chrono>

namespace orrery::app {
namespace {

struct Settings {
    std::string model;
    InputArguments input;
    std::string lens;
    std::string formats = "svg,csv,json";
};

int analyze(Session& session, const Settings& settings) {
    const auto analyzer = session.registry().require<analyze::Analyzer>(settings.lens);
    const OptionValues options = session.options(analyzer->options());
    const auto formats = parseFormats(settings.formats);
    const auto items = settings.input.items();
    if (session.out.empty() && !session.dryRun && !session.json)
        throw UsageError(
            "Say where the figures go: --out FOLDER (or --json for the numbers on standard output).");
    const auto model = session.openModel(settings.model);
    OrderedJson results = OrderedJson::array();
    for (std::size_t number = 0; number < items.size(); ++number) {
        const auto& item = items[number];
        auto request = analyze::makeRequest(*analyzer, model, item.text, item.pair ? &*item.pair : nullptr);
        request.options = options;
        request.seed = session.seed;
        request.progress = session.progress();
        if (session.dryRun) {
            const auto prediction = analyzer->predict(request);
            print(fmt::format("{} on {} tokens: {} passes, {}FLOP, {} of memory (predicted)\n", settings.lens,
                              request.input.length(), prediction.passes, countText(prediction.operations),
                              bytesText(static_cast<double>(prediction.bytes))));
            continue;
        }
        auto& workspace = session.workspace();
        store::NewRun run;
        run.job = "analyze";
        run.title = fmt::format("{}: {}", analyzer->info().title, beginningOf(item.text, 60));
        run.options = options.toJson();
        run.commandLine = analyze::commandLine(*analyzer, request);
        run.models.push_back(
            {model->name(), model->fingerprint(), model->folder().string(), model->family()});
        const auto id = workspace.beginRun(run);
        std::vector<figure::Figure> figures;
        try {
            figures = analyze::runAnalysis(*analyzer, request);
        } catch (const Cancelled&) {
            workspace.finishRun(id, store::RunStatus::Cancelled);
            throw;
        } catch (const std::exception& error) {
            workspace.finishRun(id, store::RunStatus::Failed, error.what());
            throw;
        }
        for (const auto& figure : figures)
            workspace.addFigure(id, figure);
        workspace.finishRun(id, store::RunStatus::Done);
        session.endProgress();
        if (!session.out.empty()) {
            std::filesystem::path folder = session.out;
            if (items.size() > 1)
                folder /= fmt::format("{:04}", number + 1);
            const auto files = writeFigures(session, figures, folder, formats);
            if (!session.quiet && !session.json)
                for (const auto& file : files)
                    print(file.string() + "\n");
        }
        if (session.json)
            for (const auto& figure : figures)
                results.push_back(figureJson(figure));
    }
    if (session.json && !session.dryRun)
        printJson(results);
    return 0;
}

} // namespace

void defineAnalyze(CLI::App& parser, Session& session) {
    auto* command = parser.add_subcommand("analyze", "A lens's figures and numbers for an input");
    auto settings = std::make_shared<Settings>();
    command->add_option("model", settings->model, "Folder of the model")->required();
    settings->input.add(*command);
    command->add_option("--lens", settings->lens, "Id of the lens (orrery parts list)")->required();
    command->add_option("--format", settings->formats,
                        "Files to write: svg, pdf, png, csv, json, npy, html, separated by commas");
    session.addCommonOptions(*command);
    command->footer("Example: orrery analyze resources/models/docs-bert --text 'Returns the [MASK] of the "
                    "array.' --lens logit_lens "
                    "--out /tmp/lens --format svg,csv");
    command->callback([&session, settings] {
        session.action = [&session, settings] { return analyze(session, *settings); };
    });
}

} // namespace orrery::app
