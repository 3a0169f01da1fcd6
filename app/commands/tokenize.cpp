// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "commands.h"
#include "text/tokenizer.h"

#include <fmt/format.h>

namespace orrery::app {
namespace {

struct Settings {
    std::string model;
    InputArguments input;
    std::vector<std::int64_t> decode;
    bool trace = false;
    bool plain = false;
};

OrderedJson toJson(const text::Encoding& encoding) {
    OrderedJson offsets = OrderedJson::array();
    for (const auto& [begin, end] : encoding.offsets)
        offsets.push_back({begin, end});
    return {{"ids", encoding.ids},
            {"tokens", encoding.tokens},
            {"offsets", offsets},
            {"type_ids", encoding.typeIds},
            {"attention_mask", encoding.attentionMask},
            {"special_tokens_mask", encoding.specialTokensMask},
            {"word_ids", encoding.wordIds}};
}

void explain(Session& session, const text::Tokenizer& tokenizer, const std::string& given) {
    OrderedJson json = OrderedJson::array();
    for (const auto& step : tokenizer.explain(given)) {
        OrderedJson pieces = OrderedJson::array();
        std::string line;
        for (const auto& piece : step.pieces) {
            pieces.push_back({{"text", piece.text}, {"start", piece.start}, {"end", piece.end}});
            line += fmt::format("[{}]", piece.text);
        }
        json.push_back({{"stage", step.stage}, {"description", step.description}, {"pieces", pieces}});
        if (!session.json)
            print(fmt::format("{:16} {}\n{:16} {}\n", step.stage, line, "", step.description));
    }
    if (session.json)
        printJson(json);
}

int tokenize(Session& session, const Settings& settings) {
    const auto tokenizer = text::Tokenizer::open(settings.model);
    if (!settings.decode.empty()) {
        for (const auto id : settings.decode)
            if (!tokenizer->tokenOf(id))
                throw UsageError(fmt::format("There is no token {}; the vocabulary has {}.", id,
                                             tokenizer->vocabularySize()));
        print(tokenizer->decode(settings.decode, settings.plain) + "\n");
        return 0;
    }
    text::EncodeOptions options;
    options.addSpecialTokens = !settings.plain;
    OrderedJson all = OrderedJson::array();
    for (const auto& item : settings.input.items()) {
        if (settings.trace) {
            explain(session, *tokenizer, item.text);
            continue;
        }
        const auto encoding = item.pair ? tokenizer->encodePair(item.text, *item.pair, options)
                                        : tokenizer->encode(item.text, options);
        if (session.json) {
            all.push_back(toJson(encoding));
            continue;
        }
        std::vector<std::vector<std::string>> rows;
        for (std::size_t i = 0; i < encoding.size(); ++i)
            rows.push_back(
                {fmt::format("{}", i), fmt::format("{}", encoding.ids[i]), encoding.tokens[i],
                 fmt::format("{}", encoding.offsets[i].first), fmt::format("{}", encoding.offsets[i].second),
                 fmt::format("{}", encoding.typeIds[i]), fmt::format("{}", encoding.specialTokensMask[i])});
        printTable({"position", "id", "token", "from", "to", "type", "special"}, rows);
    }
    if (session.json && !settings.trace)
        printJson(all);
    return 0;
}

} // namespace

void defineTokenize(CLI::App& parser, Session& session) {
    auto* command =
        parser.add_subcommand("tokenize", "Ids, tokens and offsets of a text, or the text of ids");
    auto settings = std::make_shared<Settings>();
    command->add_option("model", settings->model, "Folder of the model, or a tokenizer.json")->required();
    settings->input.add(*command);
    command->add_option("--decode", settings->decode, "Ids to turn into text")->delimiter(',');
    command->add_flag("--trace", settings->trace, "Show every stage of the pipeline");
    command->add_flag("--plain", settings->plain, "Without special tokens");
    session.addCommonOptions(*command);
    command->footer("Example: orrery tokenize resources/models/docs-bert --text 'Returns the array.'");
    command->callback([&session, settings] {
        session.action = [&session, settings] { return tokenize(session, *settings); };
    });
}

} // namespace orrery::app
