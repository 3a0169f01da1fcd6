// SPDX-License-Identifier: GPL-3.0-or-later
#include "generate/generation_figures.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace orrery::generate {
namespace {

figure::Figure strip(const Sequence& sequence, const TokenText& tokenText) {
    figure::TokenStrip body;
    figure::TokenStrip::Scores probability{.name = "probability by the model", .values = {}};
    figure::TokenStrip::Scores chosen{.name = "probability of the choice", .values = {}};
    for (const TokenRecord& token : sequence.tokens) {
        body.tokens.push_back(tokenText(token.id));
        probability.values.push_back(token.probability);
        chosen.values.push_back(token.chosen);
    }
    if (std::any_of(probability.values.begin(), probability.values.end(),
                    [](double value) { return !std::isnan(value); }))
        body.scores.push_back(std::move(probability));
    body.scores.push_back(std::move(chosen));
    return {.id = "tokens",
            .title = "Generated tokens",
            .caption = "Every new token, coloured by how probable it was: pale ones surprised the model.",
            .body = std::move(body),
            .provenance = {}};
}

figure::Figure table(const Sequence& sequence, std::size_t alternatives, const TokenText& tokenText) {
    figure::Table body;
    body.columns = {{"step", "", 4}, {"token", "", 4}, {"probability", "", 4}};
    for (std::size_t i = 0; i < alternatives; ++i) {
        body.columns.push_back({fmt::format("likeliest {}", i + 1), "", 4});
        body.columns.push_back({fmt::format("probability {}", i + 1), "", 4});
    }
    for (std::size_t step = 0; step < sequence.tokens.size(); ++step) {
        const TokenRecord& token = sequence.tokens[step];
        auto& row = body.rows.emplace_back();
        row.emplace_back(static_cast<std::int64_t>(step + 1));
        row.emplace_back(tokenText(token.id));
        row.emplace_back(token.probability);
        for (std::size_t i = 0; i < alternatives; ++i) {
            if (i < token.alternatives.size()) {
                row.emplace_back(tokenText(token.alternatives[i].id));
                row.emplace_back(token.alternatives[i].probability);
            } else {
                row.emplace_back();
                row.emplace_back();
            }
        }
    }
    return {.id = "alternatives",
            .title = "What might have been said",
            .caption =
                "At every step the chosen token and the model's likeliest tokens with their probabilities.",
            .body = std::move(body),
            .provenance = {}};
}

figure::Figure latencies(const Sequence& sequence) {
    figure::Series body;
    body.x = {.title = "new token", .unit = "", .labels = {}};
    body.y = {.title = "time since the token before", .unit = "ms", .labels = {}};
    figure::Series::Curve& curve = body.curves.emplace_back();
    curve.name = "latency";
    for (std::size_t step = 0; step < sequence.tokens.size(); ++step) {
        curve.x.push_back(static_cast<double>(step + 1));
        curve.y.push_back(sequence.tokens[step].seconds * 1e3);
    }
    return {.id = "latency",
            .title = "Time of every token",
            .caption = "The first token includes reading the prompt.",
            .body = std::move(body),
            .provenance = {}};
}

} // namespace

std::vector<figure::Figure> generationFigures(const Generation& generation, std::size_t sequence,
                                              const TokenText& tokenText) {
    if (sequence >= generation.sequences.size())
        throw UsageError(fmt::format("There are {} generated texts; number {} is not among them.",
                                     generation.sequences.size(), sequence));
    const Sequence& shown = generation.sequences[sequence];
    std::vector<figure::Figure> figures{strip(shown, tokenText)};
    std::size_t alternatives = 0;
    bool timed = false;
    for (const TokenRecord& token : shown.tokens) {
        alternatives = std::max(alternatives, token.alternatives.size());
        timed = timed || token.seconds > 0;
    }
    if (alternatives > 0)
        figures.push_back(table(shown, alternatives, tokenText));
    if (timed)
        figures.push_back(latencies(shown));
    return figures;
}

} // namespace orrery::generate
