// SPDX-License-Identifier: GPL-3.0-or-later
#include "logit_lens.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace orrery::lenses {
namespace {

/// log of the sum of exponentials.
double logSum(std::span<const float> logits) {
    const double most = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float logit : logits)
        sum += std::exp(logit - most);
    return most + std::log(sum);
}

/// The streams that are read, from the bottom up: what enters each block, and what leaves the last before any
/// final norm (unembed applies that).
std::vector<std::string> sites(const model::Model& model, bool embeddings) {
    std::vector<std::string> names;
    for (std::int64_t layer = embeddings ? 0 : 1; layer < model.layers(); ++layer)
        names.push_back(fmt::format("blocks.{}.hook_resid_pre", layer));
    const char* last = model.layout().postNorm ? "hook_normalized_resid_post" : "hook_resid_post";
    names.push_back(fmt::format("blocks.{}.{}", model.layers() - 1, last));
    return names;
}

} // namespace

LensReading read(std::span<const float> logits, std::span<const float> last, std::int64_t top) {
    LensReading reading;
    const double here = logSum(logits);
    const double there = logSum(last);
    const auto final = static_cast<std::size_t>(std::max_element(last.begin(), last.end()) - last.begin());
    reading.rankOfFinal = 1;
    for (std::size_t token = 0; token < logits.size(); ++token) {
        const double logProbability = last[token] - there;
        reading.divergence += std::exp(logProbability) * (logProbability - (logits[token] - here));
        if (logits[token] > logits[final] || (logits[token] == logits[final] && token < final))
            ++reading.rankOfFinal;
    }
    reading.divergence = std::max(0.0, reading.divergence);
    std::vector<std::int64_t> order(logits.size());
    std::iota(order.begin(), order.end(), 0);
    const auto count = std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(std::max<std::int64_t>(1, top)),
                                                static_cast<std::ptrdiff_t>(order.size()));
    std::partial_sort(order.begin(), order.begin() + count, order.end(), [&](std::int64_t a, std::int64_t b) {
        const float first = logits[static_cast<std::size_t>(a)];
        const float second = logits[static_cast<std::size_t>(b)];
        return first != second ? first > second : a < b;
    });
    for (std::ptrdiff_t i = 0; i < count; ++i) {
        reading.best.push_back(order[static_cast<std::size_t>(i)]);
        reading.bestProbabilities.push_back(
            std::exp(logits[static_cast<std::size_t>(reading.best.back())] - here));
    }
    reading.token = reading.best.front();
    reading.probability = reading.bestProbabilities.front();
    return reading;
}

PartInfo LogitLens::info() const {
    return {"logit_lens",
            "Logit lens",
            "What the model would predict if it stopped at each layer: likeliest tokens, their probability "
            "and the distance "
            "to the final prediction.",
            "nostalgebraist: Interpreting GPT, the logit lens. 2020",
            "https://www.lesswrong.com/posts/AcKRB8wDpdaN6v6ru",
            "models with a language-model head"};
}

OptionSchema LogitLens::options() const {
    OptionSchema schema;
    schema
        .integer("position", -1,
                 "Position of the table; negative counts from the end. Left at -1, a masked language model "
                 "shows its first "
                 "mask token.")
        .range(-1000000, 1000000);
    schema.integer("top", 10, "Tokens listed for the position.").range(1, 1000);
    schema.boolean("include_embeddings", true, "Whether the stream before the first block is read, too.");
    return schema;
}

std::string LogitLens::unsuitable(const model::Model& model) const {
    if (model.canUnembed())
        return {};
    return fmt::format(
        "The logit lens needs a language-model head, which {} ({}) does not have; open a masked or causal "
        "language model.",
        model.name(), model.family());
}

analyze::Prediction LogitLens::predict(const analyze::Request& request) const {
    auto prediction = Analyzer::predict(request);
    const auto& model = *request.model;
    const auto rows = static_cast<double>(request.input.length());
    const double head =
        2.0 * rows * static_cast<double>(model.hiddenSize()) * static_cast<double>(model.vocabulary());
    prediction.operations += head * static_cast<double>(model.layers());
    prediction.bytes +=
        2 * static_cast<std::size_t>(request.input.length() * model.vocabulary()) * sizeof(float);
    return prediction;
}

std::vector<figure::Figure> LogitLens::analyze(const analyze::Request& request) const {
    const auto& model = *request.model;
    const std::int64_t length = analyze::realLength(request.input, 0);
    const bool embeddings = request.options.boolean("include_embeddings");
    const std::vector<std::string> names = sites(model, embeddings);

    probe::Trace trace(names);
    Context context;
    context.trace = &trace;
    context.progress = request.progress;
    model::ModelInput input = request.input;
    input.logits = model::LogitRows::None;
    (void)model.run(input, context);

    std::vector<std::string> tokens;
    for (const auto id : input.inputIds.select(0, 0).slice(0, 0, length).toIntegers())
        tokens.push_back(model.tokenText(id));

    std::int64_t position = request.options.integer("position");
    if (request.options.isDefault("position") && !model.causal()) {
        const auto mask = std::find_if(tokens.begin(), tokens.end(), [](const std::string& token) {
            return token == "[MASK]" || token == "<mask>";
        });
        position = mask != tokens.end() ? mask - tokens.begin() : position;
    }
    position = position < 0 ? position + length : position;
    if (position < 0 || position >= length)
        throw UsageError(fmt::format("Option 'position' is {}, the input has {} tokens.",
                                     request.options.integer("position"), length));

    const auto layers = static_cast<std::int64_t>(names.size());
    const auto width = static_cast<std::size_t>(model.vocabulary());
    const std::int64_t top = request.options.integer("top");
    Context plain;
    plain.progress = request.progress;
    // A few positions at a time: all positions of all layers times the vocabulary would not fit.
    const std::int64_t chunk =
        std::clamp<std::int64_t>((std::int64_t{32} << 20) / static_cast<std::int64_t>(4 * width), 1, length);
    std::vector<LensReading> readings(static_cast<std::size_t>(layers * length));
    for (std::int64_t first = 0; first < length; first += chunk) {
        const std::int64_t count = std::min(chunk, length - first);
        const auto logitsOf = [&](std::int64_t layer) {
            const Tensor stream = trace.tensor(names[static_cast<std::size_t>(layer)])
                                      .select(0, 0)
                                      .slice(0, first, first + count);
            return model.unembed(stream.contiguous(), plain).to(DType::F32);
        };
        const Tensor last = logitsOf(layers - 1);
        for (std::int64_t layer = 0; layer < layers; ++layer) {
            request.progress.report("reading layers", static_cast<double>(first * layers + layer * count),
                                    static_cast<double>(length * layers));
            const Tensor logits = layer == layers - 1 ? last : logitsOf(layer);
            for (std::int64_t i = 0; i < count; ++i) {
                const auto row = static_cast<std::size_t>(i) * width;
                readings[static_cast<std::size_t>(layer * length + first + i)] = read(
                    logits.data<float>().subspan(row, width), last.data<float>().subspan(row, width), top);
            }
        }
    }

    std::vector<std::string> layerNames;
    for (std::int64_t layer = 0; layer < layers; ++layer) {
        const std::int64_t block = embeddings ? layer : layer + 1;
        layerNames.push_back(block == 0 ? "embeddings" : fmt::format("after {}", block - 1));
    }
    const auto grid = [&](auto&& number) {
        std::vector<float> values;
        for (std::int64_t layer = layers - 1; layer >= 0;
             --layer) // the last layer on top, as the stream flows upwards
            for (std::int64_t i = 0; i < length; ++i)
                values.push_back(
                    static_cast<float>(number(readings[static_cast<std::size_t>(layer * length + i)])));
        return std::make_shared<figure::DenseMatrix>(layers, length, std::move(values));
    };
    const std::vector<std::string> upwards(layerNames.rbegin(), layerNames.rend());

    std::vector<figure::Figure> figures;
    figure::Heatmap answers;
    answers.x = {"input token", "", tokens};
    answers.y = {"layer", "", upwards};
    answers.values = grid([](const LensReading& reading) { return reading.probability; });
    answers.low = 0;
    answers.high = 1;
    answers.quantity = "probability of the likeliest token";
    for (std::int64_t layer = layers - 1; layer >= 0; --layer)
        for (std::int64_t i = 0; i < length; ++i)
            answers.cellText.push_back(
                model.tokenText(readings[static_cast<std::size_t>(layer * length + i)].token));
    figures.push_back(
        {"logit_lens",
         "Logit lens",
         "In each cell the token that the model would predict if it stopped at that layer; the colour is its "
         "probability. The stream flows upwards.",
         std::move(answers),
         {}});

    figure::Heatmap divergence;
    divergence.x = {"input token", "", tokens};
    divergence.y = {"layer", "", upwards};
    divergence.values = grid([](const LensReading& reading) { return reading.divergence; });
    divergence.low = 0;
    divergence.quantity = "KL to the last layer";
    divergence.unit = "nats";
    figures.push_back(
        {"divergence",
         "Distance to the final prediction",
         "How far each layer's prediction is from the last layer's; 0 where the model has made up its mind.",
         std::move(divergence),
         {}});

    figure::Series ranks;
    ranks.x = {"layer", "", layerNames};
    ranks.y = {"rank of the final token", "", {}, true};
    figure::Series::Curve curve{tokens[static_cast<std::size_t>(position)], {}, {}, {}, {}};
    figure::Table table;
    table.columns = {{"layer", ""}, {"rank", ""}, {"token", ""}, {"probability", ""}};
    for (std::int64_t layer = 0; layer < layers; ++layer) {
        const auto& reading = readings[static_cast<std::size_t>(layer * length + position)];
        curve.x.push_back(static_cast<double>(layer));
        curve.y.push_back(static_cast<double>(reading.rankOfFinal));
        for (std::size_t k = 0; k < reading.best.size(); ++k)
            table.rows.push_back({layerNames[static_cast<std::size_t>(layer)],
                                  static_cast<std::int64_t>(k + 1), model.tokenText(reading.best[k]),
                                  reading.bestProbabilities[k]});
    }
    ranks.curves.push_back(std::move(curve));
    figures.push_back({"rank",
                       fmt::format("Rank of the final token at position {}", position),
                       "The rank that the last layer's likeliest token has at each layer; 1 is first.",
                       std::move(ranks),
                       {}});
    figures.push_back({"top",
                       fmt::format("Best tokens at position {}", position),
                       "The likeliest tokens of each layer at the chosen position.",
                       std::move(table),
                       {}});
    return figures;
}

} // namespace orrery::lenses
