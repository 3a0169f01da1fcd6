// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/random.h"
#include "figure/figure.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

namespace orrery::ui {

/// A causal pattern computed when looked at: near tokens, the first token, and a repeating stride, as heads
/// of small language models show them.
class SamplePattern final : public figure::MatrixSource {
public:
    SamplePattern(std::int64_t size, int kind) : m_size(size), m_kind(kind) {}
    [[nodiscard]] std::int64_t rows() const override { return m_size; }
    [[nodiscard]] std::int64_t columns() const override { return m_size; }
    void tile(std::int64_t row, std::int64_t column, std::int64_t rowCount, std::int64_t columnCount,
              std::span<float> out) const override {
        for (std::int64_t r = 0; r < rowCount; ++r)
            for (std::int64_t c = 0; c < columnCount; ++c)
                out[static_cast<std::size_t>(r * columnCount + c)] = weight(row + r, column + c);
    }

private:
    [[nodiscard]] float weight(std::int64_t q, std::int64_t k) const {
        if (k > q)
            return 0;
        const auto distance = static_cast<float>(q - k);
        switch (m_kind % 4) {
        case 0:
            return k == q - 1 ? 0.8F : 0.2F / static_cast<float>(q + 1);
        case 1:
            return k == 0 ? 0.7F : 0.3F / (1 + distance);
        case 2:
            return 0.4F / (1 + 0.15F * distance) * ((q - k) % (7 + m_kind) == 0 ? 1.0F : 0.2F);
        default:
            return 1.0F / static_cast<float>(q + 1);
        }
    }
    std::int64_t m_size;
    int m_kind;
};

inline figure::Provenance sampleProvenance() {
    figure::Provenance provenance;
    provenance.model = "docs-gpt";
    provenance.modelHash = "3f7a0c2e9b51d4a6";
    provenance.input = "The cat sat on the mat because it was tired.";
    provenance.part = "attention_pattern";
    provenance.site = "blocks.3.attn.hook_pattern";
    provenance.options = {{"layer", 3}, {"head", 5}};
    provenance.dtype = "f32";
    provenance.threads = 2;
    provenance.version = "0.1.0";
    provenance.commandLine =
        "orrery look docs-gpt --text 'The cat sat on the mat because it was tired.' --layer 3";
    provenance.created = "2026-11-24T04:00:00Z";
    return provenance;
}

inline std::vector<std::string> sampleTokens() {
    return {"[CLS]",   "The",   " cat", " sat", " on",    " the", " mat",
            " be",     "cause", " it",  " was", " tired", ".",    " extraordinarily",
            " sleepy", "\n",    "[SEP]"};
}

inline figure::Figure sampleFigure(std::string id, std::string title, std::string caption,
                                   figure::Body body) {
    return {std::move(id), std::move(title), std::move(caption), std::move(body), sampleProvenance()};
}

inline figure::Heatmap sampleHeatmap(std::int64_t size, int kind = 2) {
    figure::Heatmap map;
    map.x = {"key (source)", "", {}, false};
    map.y = {"query (destination)", "", {}, false};
    map.values = std::make_shared<SamplePattern>(size, kind);
    map.quantity = "attention weight";
    map.low = 0;
    const auto tokens = sampleTokens();
    for (std::int64_t i = 0; i < size; ++i) {
        const std::string& token = tokens[static_cast<std::size_t>(i) % tokens.size()];
        map.x.labels.push_back(token);
        map.y.labels.push_back(token);
        map.maskedFrom.push_back(i + 1);
    }
    return map;
}

inline figure::Heatmap sampleLogitLens() {
    figure::Heatmap map;
    const auto tokens = sampleTokens();
    map.x = {"position", "", {tokens.begin(), tokens.begin() + 12}, false};
    map.y = {"layer", "", {}, false};
    for (int i = 0; i <= 8; ++i)
        map.y.labels.push_back(i == 0 ? "embed" : "block " + std::to_string(i - 1));
    const char* words[] = {" the", " a",   ",",     " and", " mat",    " floor",      " because", "cause",
                           " it",  " was", " very", ".",    " asleep", " sleepiness", "\n",       " table"};
    Generator generator(7);
    std::vector<float> values;
    for (int r = 0; r < 9; ++r)
        for (int c = 0; c < 12; ++c) {
            values.push_back(static_cast<float>(0.05 + 0.1 * r * generator.uniform()));
            map.cellText.emplace_back(words[generator.below(16)]);
        }
    values[5] = std::nanf("");
    map.values = std::make_shared<figure::DenseMatrix>(9, 12, values);
    map.quantity = "probability of the top token";
    return map;
}

inline figure::Heatmap sampleDifference() {
    figure::Heatmap map;
    map.x = {"head", "", {}, false};
    map.y = {"layer", "", {}, false};
    map.scale = figure::ColourScale::Diverging;
    map.quantity = "change of logit difference";
    map.unit = "logits";
    Generator generator(3);
    std::vector<float> values;
    for (int i = 0; i < 6 * 8; ++i)
        values.push_back(static_cast<float>(0.4 * generator.normal()));
    map.values = std::make_shared<figure::DenseMatrix>(6, 8, values);
    return map;
}

inline figure::HeadGrid sampleGrid(int layers, int heads, std::int64_t size, bool scores) {
    figure::HeadGrid grid;
    grid.layers = layers;
    grid.heads = heads;
    Generator generator(11);
    for (int i = 0; i < layers * heads; ++i) {
        grid.maps.push_back(std::make_shared<SamplePattern>(size, i));
        if (scores)
            grid.scores.push_back(generator.normal());
    }
    grid.scoreName = "effect of ablation on the loss";
    for (std::int64_t i = 0; i < size; ++i)
        grid.tokens.push_back(sampleTokens()[static_cast<std::size_t>(i) % sampleTokens().size()]);
    return grid;
}

inline figure::TokenStrip sampleStrip() {
    figure::TokenStrip strip;
    strip.tokens = sampleTokens();
    strip.wordIds = {-1, 0, 1, 2, 3, 4, 5, 6, 6, 7, 8, 9, 10, 11, 12, 13, -1};
    figure::TokenStrip::Scores surprise{"surprise (nats)", {}, figure::ColourScale::Sequential};
    figure::TokenStrip::Scores gradient{"gradient × input", {}, figure::ColourScale::Diverging};
    Generator generator(5);
    for (std::size_t i = 0; i < strip.tokens.size(); ++i) {
        surprise.values.push_back(i == 0 ? std::nan("") : 4 * generator.uniform());
        gradient.values.push_back(generator.normal());
    }
    strip.scores = {surprise, gradient};
    return strip;
}

inline figure::AttentionLines sampleLines(int heads) {
    figure::AttentionLines lines;
    lines.queries = sampleTokens();
    lines.keys = sampleTokens();
    for (int h = 0; h < heads; ++h) {
        lines.heads.push_back(
            std::make_shared<SamplePattern>(static_cast<std::int64_t>(lines.queries.size()), h));
        lines.headNames.push_back("L3H" + std::to_string(h));
    }
    return lines;
}

inline figure::Series sampleSeries() {
    figure::Series series;
    series.x = {"sequence length", "tokens", {}, true};
    series.y = {"time of one pass", "ms", {}, true};
    series.intervalName = "95 % bootstrap interval";
    for (int i = 0; i < 4; ++i) {
        figure::Series::Curve curve;
        const char* names[] = {"softmax, fused", "softmax, plain", "linear attention", "state space"};
        curve.name = names[i];
        for (int p = 6; p <= 13; ++p) {
            const double x = std::pow(2.0, p);
            const double y = (i < 2 ? 1e-6 * x * x * (1 + i) : 2e-3 * x * (i - 1)) + 0.2;
            curve.x.push_back(x);
            curve.y.push_back(y);
            curve.low.push_back(y * 0.93);
            curve.high.push_back(y * 1.1);
        }
        series.curves.push_back(curve);
    }
    return series;
}

inline figure::Series sampleLoss() {
    figure::Series series;
    series.x = {"step", "", {}, false};
    series.y = {"loss", "nats a token", {}, false};
    series.intervalName = "interquartile range over 5 seeds";
    for (int i = 0; i < 2; ++i) {
        figure::Series::Curve curve;
        curve.name = i == 0 ? "training" : "held out";
        for (int step = 0; step <= 2000; step += 20) {
            const double y = 1.2 + 0.2 * i + 3 * std::exp(-step / 400.0) + 0.05 * std::sin(step / 30.0);
            curve.x.push_back(step);
            curve.y.push_back(y);
            curve.low.push_back(y - 0.12);
            curve.high.push_back(y + 0.12);
        }
        series.curves.push_back(curve);
    }
    return series;
}

inline figure::Bars sampleBars() {
    figure::Bars bars;
    bars.categories = {
        "compressor", "", {"none", "int8, per channel", "low rank 64", "ternary", "2:4 sparse"}, false};
    bars.y = {"perplexity", "", {}, false};
    bars.intervalName = "95 % bootstrap interval";
    for (int g = 0; g < 3; ++g) {
        const char* names[] = {"news", "code", "dialogue"};
        figure::Bars::Group group{names[g], {}, {}, {}};
        for (int c = 0; c < 5; ++c) {
            const double y = 12 + 3 * g + 1.7 * c * (g + 1) * 0.5;
            group.values.push_back(y);
            group.low.push_back(y - 0.8);
            group.high.push_back(y + 0.9);
        }
        bars.groups.push_back(group);
    }
    return bars;
}

inline figure::Table sampleTable() {
    figure::Table table;
    table.columns = {
        {"head", "", 4}, {"entropy", "nats", 4}, {"kind", "", 4}, {"tokens", "", 4}, {"sink", "", 4}};
    Generator generator(2);
    for (int i = 0; i < 24; ++i)
        table.rows.push_back({"L" + std::to_string(i / 6) + "H" + std::to_string(i % 6),
                              3 * generator.uniform(), std::string(i % 3 == 0 ? "previous token" : "broad"),
                              std::int64_t{i * 128}, i % 4 == 0});
    table.rows[3][1] = std::nan("");
    table.rows[5][1] = figure::Table::Cell{};
    return table;
}

inline figure::Text sampleText() {
    return {
        "## What to look at\n\nHeads in the **first two layers** attend to the *previous token*; see "
        "`L1H4`.\n\n"
        "1. Choose a head.\n2. Press <kbd>Enter</kbd>.\n\n- exact values on hover\n- "
        "[paper](https://example.org)\n\n"
        "| part | gain |\n|---|---:|\n| fused | 2.1 |\n| plain | 1.0 |\n\n> Attention is not explanation.\n"};
}

inline std::vector<figure::Figure> sampleFigures() {
    return {
        sampleFigure("pattern", "Attention of L3H5",
                     "Rows are queries, columns are keys; what lies right of the diagonal is masked.",
                     sampleHeatmap(17)),
        sampleFigure("long_pattern", "Attention of L0H2 over 2048 tokens",
                     "Block means; zoom in for exact weights.", sampleHeatmap(2048)),
        sampleFigure("logit_lens", "Logit lens",
                     "The likeliest next token when the model stops at each layer.", sampleLogitLens()),
        sampleFigure("ablation", "Ablation of single heads",
                     "Red: the model relies on the opposite answer more.", sampleDifference()),
        sampleFigure("heads", "All heads", "Choose one to see it in full.", sampleGrid(12, 12, 64, true)),
        sampleFigure("strip", "Surprise of each token", "Bright tokens were unexpected.", sampleStrip()),
        sampleFigure("lines", "Where tokens look",
                     "Line strength is the weight; hover a token for its lines.", sampleLines(4)),
        sampleFigure("scaling", "Time against length", "Both axes are logarithmic.", sampleSeries()),
        sampleFigure("loss", "Loss while training", "", sampleLoss()),
        sampleFigure("quality", "Quality after compression", "Lower is better.", sampleBars()),
        sampleFigure("table", "Heads in numbers", "Sorted by layer.", sampleTable()),
        sampleFigure("text", "How to read this", "", sampleText()),
    };
}

} // namespace orrery::ui
