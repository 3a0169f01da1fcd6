// SPDX-License-Identifier: GPL-3.0-or-later
#include "generate/generate.h"

#include "base/error.h"
#include "commands.h"
#include "text/tokenizer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <numeric>

namespace orrery::app {
namespace {

struct Settings {
    std::string model;
    std::string prompt;
    std::string strategy = "greedy";
    std::int64_t tokens = 64;
};

int generate(Session& session, const Settings& settings) {
    const generate::DecodingStrategy* strategy = nullptr;
    std::vector<std::string> names;
    for (const auto* candidate : generate::builtInStrategies()) {
        names.push_back(candidate->info().id);
        if (names.back() == settings.strategy)
            strategy = candidate;
    }
    if (strategy == nullptr)
        throw UsageError(fmt::format("There is no decoding strategy '{}'; there are: {}.", settings.strategy,
                                     fmt::join(names, ", ")));
    const OptionValues options = session.options(strategy->options());
    const auto model = session.openModel(settings.model);
    if (!model->tokenizer())
        throw InputError(fmt::format("{} has no tokenizer: {}", settings.model, model->tokenizerProblem()));
    const auto prompt = model->encode(settings.prompt);
    generate::GenerateOptions how;
    how.maxNewTokens = settings.tokens;
    how.seed = session.seed;
    if (const auto end = model->tokenizer()->eosId())
        how.stopIds.push_back(*end);
    Context context;
    context.progress = session.progress();
    const auto result = generate::generate(*model, prompt, *strategy, options, how, context);
    session.endProgress();
    const auto ids = result.ids.select(0, 0).toIntegers();
    const std::span<const std::int64_t> added =
        std::span(ids).subspan(static_cast<std::size_t>(result.promptLength));
    const double decoding = std::accumulate(result.stepSeconds.begin(), result.stepSeconds.end(), 0.0);
    if (session.json) {
        printJson({{"ids", ids},
                   {"promptLength", result.promptLength},
                   {"text", model->decode(ids)},
                   {"added", model->decode(added)},
                   {"prefillSeconds", result.prefillSeconds},
                   {"stepSeconds", result.stepSeconds}});
        return 0;
    }
    print(settings.prompt + model->decode(added) + "\n");
    if (!session.quiet)
        fmt::print(stderr, "{} tokens of prompt in {:.1f} ms, {} new tokens, {:.2f} ms each\n",
                   result.promptLength, result.prefillSeconds * 1e3, added.size(),
                   result.stepSeconds.empty()
                       ? 0.0
                       : decoding * 1e3 / static_cast<double>(result.stepSeconds.size()));
    return 0;
}

} // namespace

void defineGenerate(CLI::App& parser, Session& session) {
    auto* command = parser.add_subcommand("generate", "Continue a prompt, with timing by phase");
    auto settings = std::make_shared<Settings>();
    command->add_option("model", settings->model, "Folder of a causal model")->required();
    command->add_option("--prompt,--text", settings->prompt, "The text to continue")->required();
    command->add_option("--strategy", settings->strategy, "How tokens are chosen: greedy, sampling");
    command->add_option("--tokens", settings->tokens, "New tokens at most")->check(CLI::Range(1, 1 << 20));
    session.addCommonOptions(*command);
    command->footer("Example: orrery generate resources/models/docs-gpt --prompt 'Compute the' --tokens 40");
    command->callback([&session, settings] {
        session.action = [&session, settings] { return generate(session, *settings); };
    });
}

} // namespace orrery::app
