// SPDX-License-Identifier: GPL-3.0-or-later
#include "generate/generate.h"

#include "base/error.h"
#include "base/version.h"
#include "commands.h"
#include "figure_files.h"
#include "generate/generation_config.h"
#include "generate/generation_figures.h"
#include "text/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace orrery::app {
namespace {

struct Settings {
    std::string model;
    std::string prompt;
    InputArguments input;
    std::string strategy;
    std::int64_t tokens = 0;
    std::int64_t alternatives = 0;
    std::vector<std::string> stops;
    bool stream = false;
    std::string formats = "svg,csv,json";
};

/// Everything that is fixed before the first prompt.
struct Plan {
    std::shared_ptr<const generate::DecodingStrategy> strategy;
    OptionValues how;      ///< of the strategy
    OptionValues settings; ///< of every generation
    generate::GenerateOptions options;
};

/// The strategy and the options: the model's configuration, changed by what was given. --set names options of
/// either.
Plan planOf(Session& session, const Settings& settings, const model::Model& model) {
    Plan plan;
    const auto config = generate::GenerationConfig::of(model);
    plan.strategy = session.registry().require<generate::DecodingStrategy>(
        settings.strategy.empty() ? config.strategy() : settings.strategy);
    plan.how = OptionValues(plan.strategy->options());
    config.apply(plan.how);
    plan.settings = generate::defaultValues(model);
    for (const std::string& assignment : session.assignments) {
        const std::string name = assignment.substr(0, assignment.find('='));
        if (plan.how.schema().find(name) != nullptr) {
            plan.how.assign(assignment);
        } else if (plan.settings.schema().find(name) != nullptr) {
            plan.settings.assign(assignment);
            if (name == "max_new_tokens")
                plan.settings.reset("max_length");
        } else { // the nearest name may be in either
            std::vector<std::string> names;
            for (const OptionSchema& schema : {plan.how.schema(), plan.settings.schema()})
                for (const Option& option : schema.all())
                    names.push_back(option.name());
            const auto near = nearestName(name, names);
            throw UsageError(fmt::format(
                "Neither {} nor generation has an option '{}'{}; see orrery parts show {} and "
                "orrery generate --help.",
                plan.strategy->info().id, name, near ? fmt::format("; did you mean '{}'?", *near) : "",
                plan.strategy->info().id));
        }
    }
    if (settings.tokens > 0) {
        plan.settings.set("max_new_tokens", settings.tokens);
        plan.settings.reset("max_length");
    }
    if (!settings.stops.empty()) {
        std::vector<std::string> strings = plan.settings.texts("stop_strings");
        for (const std::string& stop : settings.stops)
            strings.push_back(asUtf8(stop));
        plan.settings.set("stop_strings", std::move(strings));
    }
    plan.options = generate::toGenerateOptions(plan.settings, model.tokenizer().get());
    plan.options.seed = session.seed;
    plan.options.alternatives = settings.alternatives;
    plan.options.probabilities = session.json || !session.out.empty() || settings.alternatives > 0;
    return plan;
}

OrderedJson numberOrNull(double value) {
    return std::isfinite(value) ? OrderedJson(value) : OrderedJson();
}

OrderedJson sequenceJson(const generate::Sequence& sequence, const model::Model& model, bool alternatives) {
    OrderedJson tokens = OrderedJson::array();
    for (const generate::TokenRecord& token : sequence.tokens) {
        OrderedJson one{{"id", token.id},
                        {"token", model.tokenText(token.id)},
                        {"probability", numberOrNull(token.probability)},
                        {"chosen", token.chosen},
                        {"seconds", token.seconds}};
        if (alternatives) {
            one["alternatives"] = OrderedJson::array();
            for (const generate::Alternative& other : token.alternatives)
                one["alternatives"].push_back({{"id", other.id},
                                               {"token", model.tokenText(other.id)},
                                               {"probability", numberOrNull(other.probability)}});
        }
        tokens.push_back(std::move(one));
    }
    OrderedJson json{{"added", sequence.text},
                     {"reason", generate::name(sequence.reason)},
                     {"score", numberOrNull(sequence.score)},
                     {"tokens", std::move(tokens)}};
    if (!sequence.stopString.empty())
        json["stopString"] = sequence.stopString;
    return json;
}

OrderedJson resultJson(const generate::Generation& made, const std::string& prompt, const model::Model& model,
                       const Plan& plan) {
    const auto ids = made.ids.select(0, 0).toIntegers();
    OrderedJson sequences = OrderedJson::array();
    for (const generate::Sequence& sequence : made.sequences)
        sequences.push_back(sequenceJson(sequence, model, plan.options.alternatives > 0));
    OrderedJson json{{"prompt", prompt},
                     {"strategy", plan.strategy->info().id},
                     {"ids", ids},
                     {"promptLength", made.promptLength},
                     {"text", model.decode(ids)},
                     {"added", made.sequences.front().text},
                     {"sequences", std::move(sequences)},
                     {"prefillSeconds", made.prefillSeconds},
                     {"prefillTokens", made.prefillTokens},
                     {"prefillTokensPerSecond", made.prefillTokensPerSecond()},
                     {"stepSeconds", made.stepSeconds},
                     {"decodeTokensPerSecond", made.decodeTokensPerSecond()},
                     {"cacheBytes", made.cacheBytes}};
    if (made.speculation.modelCalls > 0)
        json["speculation"] = {{"drafted", made.speculation.drafted},
                               {"accepted", made.speculation.accepted},
                               {"acceptance", made.speculation.acceptance()},
                               {"modelCalls", made.speculation.modelCalls}};
    if (made.contextShifts > 0)
        json["contextShifts"] = made.contextShifts;
    return json;
}

void printTiming(const generate::Generation& made) {
    std::string line =
        fmt::format("{} tokens of prompt in {:.1f} ms ({:.0f} a second), {} new tokens", made.prefillTokens,
                    made.prefillSeconds * 1e3, made.prefillTokensPerSecond(), made.newTokens);
    if (!made.stepSeconds.empty())
        line += fmt::format(", {:.2f} ms each ({:.1f} a second)",
                            1e3 / std::max(made.decodeTokensPerSecond(), 1e-9), made.decodeTokensPerSecond());
    if (made.speculation.modelCalls > 0)
        line += fmt::format(", {} of {} guesses right in {} steps", made.speculation.accepted,
                            made.speculation.drafted, made.speculation.modelCalls);
    fmt::print(stderr, "{}\n", line);
}

void printText(const generate::Generation& made, const std::string& prompt) {
    if (made.sequences.size() == 1)
        return print(prompt + made.sequences.front().text + "\n");
    for (std::size_t i = 0; i < made.sequences.size(); ++i)
        print(fmt::format("[{}, score {:.3f}] {}{}\n", i + 1, made.sequences[i].score, prompt,
                          made.sequences[i].text));
}

std::vector<std::filesystem::path> figuresOf(Session& session, const generate::Generation& made,
                                             const std::string& prompt, const model::Model& model,
                                             const Plan& plan, const std::filesystem::path& folder,
                                             const std::vector<std::string>& formats) {
    auto figures = generate::generationFigures(made, 0, [&](std::int64_t id) { return model.tokenText(id); });
    for (figure::Figure& figure : figures) {
        figure.provenance.model = model.name();
        figure.provenance.modelHash = model.fingerprint();
        figure.provenance.input = beginningOf(prompt, 200);
        figure.provenance.part = plan.strategy->info().id;
        figure.provenance.options = plan.how.toJson();
        figure.provenance.options.update(plan.settings.toJson());
        figure.provenance.seed = session.seed;
        figure.provenance.dtype = session.dtype;
        figure.provenance.version = version();
        figure.provenance.commandLine = session.commandLine();
    }
    return writeFigures(session, figures, folder, formats);
}

int generate(Session& session, const Settings& settings) {
    std::vector<std::string> prompts;
    if (!settings.prompt.empty())
        prompts.push_back(asUtf8(settings.prompt));
    else
        for (const auto& item : settings.input.items())
            prompts.push_back(item.text);
    const auto formats = parseFormats(settings.formats);
    const auto model = session.openModel(settings.model);
    if (!model->tokenizer())
        throw InputError(fmt::format("{} has no tokenizer: {}", settings.model, model->tokenizerProblem()));
    Plan plan = planOf(session, settings, *model);
    if (session.dryRun) {
        for (const std::string& prompt : prompts) {
            const auto length = static_cast<std::int64_t>(model->tokenizer()->encode(prompt).ids.size());
            const std::int64_t most = std::min(length + plan.options.maxNewTokens, model->maxPositions());
            print(fmt::format(
                "{}: {} tokens of prompt, at most {} new ones, {}FLOP, {} of memory (predicted)\n",
                plan.strategy->info().id, length, plan.options.maxNewTokens,
                countText(model->cost(1, most).operations),
                bytesText(static_cast<double>(model->cost(1, most).peakBytes))));
        }
        return 0;
    }
    const bool streams = settings.stream && !session.json;
    generate::Session conversation(model); // prompts that begin alike are not read again
    OrderedJson results = OrderedJson::array();
    for (std::size_t number = 0; number < prompts.size(); ++number) {
        const std::string& prompt = prompts[number];
        // Not cut to the positions of the model: what is too long says so, or shifts.
        const generate::TokenIds ids = model->tokenizer()->encode(prompt).ids;
        if (streams) {
            print(prompt);
            plan.options.onToken = [](const generate::TokenEvent& event) {
                if (event.sequence == 0)
                    print(event.text);
                return true;
            };
        }
        const auto made =
            conversation.generate(ids, *plan.strategy, plan.how, plan.options,
                                  streams ? Progress({}, session.progress().token()) : session.progress());
        session.endProgress();
        if (session.json) {
            results.push_back(resultJson(made, prompt, *model, plan));
        } else if (streams) {
            print("\n");
        } else {
            printText(made, prompt);
        }
        if (!session.quiet && !session.json)
            printTiming(made);
        if (!session.out.empty()) {
            std::filesystem::path folder = session.out;
            if (prompts.size() > 1)
                folder /= fmt::format("{:04}", number + 1);
            const auto files = figuresOf(session, made, prompt, *model, plan, folder, formats);
            if (!session.quiet && !session.json)
                for (const auto& file : files)
                    fmt::print(stderr, "{}\n", file.string());
        }
    }
    if (session.json)
        printJson(results.size() == 1 ? results.front() : results);
    return 0;
}

} // namespace

void defineGenerate(CLI::App& parser, Session& session) {
    auto* command = parser.add_subcommand("generate", "Continue a prompt, with timing by phase");
    auto settings = std::make_shared<Settings>();
    command->add_option("model", settings->model, "Folder of a model that continues texts")->required();
    command->add_option("--prompt", settings->prompt, "The text to continue");
    settings->input.add(*command);
    command->add_option(
        "--strategy", settings->strategy,
        "How tokens are chosen (orrery parts list --kind decoding_strategy); default: what the model's "
        "generation_config.json says, else greedy");
    command->add_option("--tokens", settings->tokens, "New tokens at most (max_new_tokens)")
        ->check(CLI::Range(1, 1 << 20));
    command
        ->add_option("--alternatives", settings->alternatives,
                     "Record so many of the likeliest tokens of each step")
        ->check(CLI::Range(0, 1000));
    command
        ->add_option("--stop", settings->stops,
                     "Stop at this text, wherever it lies in the tokens; repeatable (stop_strings)")
        ->allow_extra_args(false);
    command->add_flag("--stream", settings->stream, "Write the text as it comes");
    command->add_option("--format", settings->formats,
                        "Figures written to --out: svg, pdf, png, csv, json, npy, html, separated by commas");
    session.addCommonOptions(*command);
    command->footer(
        "Options of every strategy (--set name=value), beside its own:\n" +
        generate::generationOptions().helpText() +
        "\nExample: orrery generate resources/models/docs-gpt --prompt 'Compute the' --tokens 40 --strategy "
        "beam_search --set num_beams=4");
    command->callback([&session, settings] {
        session.action = [&session, settings] { return generate(session, *settings); };
    });
}

} // namespace orrery::app
