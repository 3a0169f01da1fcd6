// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "commands.h"
#include "compress/compressed_model.h"

#include <fmt/format.h>

namespace orrery::app {
namespace {

struct Settings {
    std::string model;
    std::string compressor;
    std::vector<std::string> linears{"blocks.*"};
};

int compressTo(Session& session, const Settings& settings) {
    const auto compressor = session.registry().require<compress::Compressor>(settings.compressor);
    const OptionValues options = session.options(compressor->options());
    if (session.out.empty() && !session.dryRun)
        throw UsageError("Say where the compressed model goes: --out FOLDER.");
    const auto opened = session.openModel(settings.model);
    if (session.dryRun) {
        std::size_t count = 0;
        std::size_t bytes = 0;
        std::as_const(*opened).forEachLinear([&](const nn::Linear& linear) {
            for (const auto& glob : settings.linears)
                if (probe::globMatches(glob, linear.name())) {
                    ++count;
                    bytes += linear.format()->bytes();
                    return;
                }
        });
        print(fmt::format("{} linears with {} of weights would be compressed\n", count,
                          bytesText(static_cast<double>(bytes))));
        return 0;
    }
    const auto model = opened->copy();
    const auto report =
        compress::compressModel(*model, *compressor, options, settings.linears, session.progress());
    compress::saveCompressed(*model, settings.model, *compressor, options, report, session.out,
                             session.progress());
    session.endProgress();
    if (session.json) {
        printJson(report.toJson());
        return 0;
    }
    std::vector<std::vector<std::string>> rows;
    for (const auto& layer : report.layers)
        rows.push_back({layer.name, bytesText(static_cast<double>(layer.bytesBefore)),
                        bytesText(static_cast<double>(layer.bytesAfter)),
                        fmt::format("{:.2e}", layer.relativeError)});
    printTable({"linear", "before", "after", "relative error"}, rows);
    print(fmt::format("{} linears: {} -> {} as multiplied; written to {}\n", report.layers.size(),
                      bytesText(static_cast<double>(report.bytesBefore())),
                      bytesText(static_cast<double>(report.bytesAfter())), session.out));
    return 0;
}

} // namespace

void defineCompress(CLI::App& parser, Session& session) {
    auto* command = parser.add_subcommand("compress", "A compressed checkpoint that all other commands open");
    auto settings = std::make_shared<Settings>();
    command->add_option("model", settings->model, "Folder of the model")->required();
    command
        ->add_option("--with", settings->compressor,
                     "Id of the compressor (orrery parts list --kind compressor)")
        ->required();
    command->add_option("--linears", settings->linears, "Globs of the linear layers to compress")
        ->delimiter(',');
    session.addCommonOptions(*command);
    command->footer(
        "Example: orrery compress resources/models/docs-bert --with int8_linear --out /tmp/docs-bert-int8");
    command->callback([&session, settings] {
        session.action = [&session, settings] { return compressTo(session, *settings); };
    });
}

} // namespace orrery::app
