// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "base/version.h"
#include "checkpoint/safetensors_writer.h"
#include "commands.h"

#include <fmt/format.h>

namespace orrery::app {
namespace {

struct Settings {
    std::string model;
    InputArguments input;
    std::string sites = "hidden_states.*";
    std::string edits;
};

std::vector<std::string> splitGlobs(const std::string& text) {
    // Commas inside {a,b} belong to the glob.
    std::vector<std::string> globs(1);
    int depth = 0;
    for (const char c : text) {
        depth += c == '{' ? 1 : c == '}' ? -1 : 0;
        if (c == ',' && depth == 0)
            globs.emplace_back();
        else
            globs.back() += c;
    }
    return globs;
}

int trace(Session& session, const Settings& settings) {
    if (session.out.empty() && !session.dryRun)
        throw UsageError("Say where the captured sites go: --out FILE.safetensors.");
    const auto model = session.openModel(settings.model);
    const auto items = settings.input.items();
    if (items.size() != 1)
        throw UsageError("trace takes one input; for many, call it once each.");
    const auto input =
        items[0].pair ? model->encodePair(items[0].text, *items[0].pair) : model->encode(items[0].text);
    const auto globs = splitGlobs(settings.sites);
    const std::size_t predicted = model->traceBytes(globs, input.batch(), input.length(), true);
    if (session.dryRun) {
        const auto cost = model->cost(input.batch(), input.length());
        print(fmt::format("{} tokens; {}FLOP; {} of working memory; the captured sites take {}\n",
                          input.length(), countText(cost.operations),
                          bytesText(static_cast<double>(cost.peakBytes)),
                          bytesText(static_cast<double>(predicted))));
        return 0;
    }
    probe::Edits edits;
    if (!settings.edits.empty())
        edits = probe::Edits::fromJson(readJsonFile(settings.edits));
    probe::Trace captured(globs);
    Context context;
    context.trace = &captured;
    context.edits = edits.empty() ? nullptr : &edits;
    context.progress = session.progress();
    (void)model->run(input, context);

    std::vector<std::pair<std::string, Tensor>> tensors;
    tensors.emplace_back("input_ids", input.inputIds);
    for (const auto& site : captured.names())
        tensors.emplace_back(site, captured.tensor(site).contiguous());
    checkpoint::Metadata metadata{{"model", model->name()},
                                  {"model_hash", model->fingerprint()},
                                  {"input", items[0].text},
                                  {"version", version()},
                                  {"command", session.commandLine()}};
    if (!edits.empty())
        metadata["edits"] = edits.toJson().dump();
    checkpoint::writeSafetensors(session.out, tensors, metadata);
    session.endProgress();
    if (session.json) {
        OrderedJson json = OrderedJson::array();
        for (const auto& [site, tensor] : tensors)
            json.push_back(
                {{"name", site}, {"dtype", name(tensor.dtype())}, {"shape", tensor.shape().toText()}});
        printJson(json);
    } else if (!session.quiet) {
        print(fmt::format("{} sites of {} tokens written to {}\n", tensors.size() - 1, input.length(),
                          session.out));
    }
    return 0;
}

} // namespace

void defineTrace(CLI::App& parser, Session& session) {
    auto* command = parser.add_subcommand("trace", "Run a model and write the captured sites");
    auto settings = std::make_shared<Settings>();
    command->add_option("model", settings->model, "Folder of the model")->required();
    settings->input.add(*command);
    command->add_option("--sites", settings->sites, "Sites to capture: names or globs, separated by commas");
    command->add_option("--edits", settings->edits, "JSON file with edits to apply during the run");
    session.addCommonOptions(*command);
    command->footer("Example: orrery trace resources/models/docs-bert --text 'An array.' --sites "
                    "'blocks.*.attn.hook_pattern' "
                    "--out /tmp/patterns.safetensors");
    command->callback([&session, settings] {
        session.action = [&session, settings] { return trace(session, *settings); };
    });
}

} // namespace orrery::app
