// SPDX-License-Identifier: GPL-3.0-or-later
#include "attention_statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace orrery::lenses {
namespace {

using figure::Figure;

/// Rows computed at once: a band of a few hundred KB at most.
std::int64_t bandRows(std::int64_t columns) {
    return std::max<std::int64_t>(1, 65536 / std::max<std::int64_t>(1, columns));
}

struct Quantity {
    const char* id;
    const char* title;
    const char* unit;
    const char* caption;
    double HeadStatistics::*value;
};

constexpr Quantity quantities[] = {
    {"entropy", "Entropy of attention", "nats",
     "How spread the attention of each head is, averaged over queries: 0 when one key gets everything.",
     &HeadStatistics::entropy},
    {"distance", "Distance of attention", "tokens",
     "How far each head looks on average: the mean of |query - key| weighted by the attention.",
     &HeadStatistics::distance},
    {"sparsity", "Sparsity of attention", "",
     "The share of keys that a head can do without and still hold the chosen mass of its attention.",
     &HeadStatistics::sparsity},
    {"sink", "Attention on sinks", "",
     "The share of the attention that goes to the first token (and separators, where chosen).",
     &HeadStatistics::sink},
};

std::vector<std::string> numbered(const char* word, std::int64_t count) {
    std::vector<std::string> labels;
    for (std::int64_t i = 0; i < count; ++i)
        labels.push_back(fmt::format("{} {}", word, i));
    return labels;
}

} // namespace

HeadStatistics headStatistics(const figure::MatrixSource& pattern, std::span<const std::int64_t> queries,
                              std::span<const std::uint8_t> sinks, std::span<const std::uint8_t> allowedKeys,
                              bool causal, double mass) {
    HeadStatistics sum;
    if (queries.empty())
        return sum;
    const std::int64_t columns = pattern.columns();
    const std::int64_t band = bandRows(columns);
    std::vector<float> block(static_cast<std::size_t>(band * columns));
    std::vector<float> sorted;
    std::size_t next = 0;
    for (std::int64_t first = 0; first < pattern.rows() && next < queries.size(); first += band) {
        const std::int64_t count = std::min(band, pattern.rows() - first);
        if (queries[next] >= first + count)
            continue;
        pattern.tile(first, 0, count, columns,
                     std::span(block).first(static_cast<std::size_t>(count * columns)));
        for (; next < queries.size() && queries[next] < first + count; ++next) {
            const std::int64_t row = queries[next];
            const auto weights = std::span(block).subspan(static_cast<std::size_t>((row - first) * columns),
                                                          static_cast<std::size_t>(columns));
            sorted.clear();
            for (std::int64_t j = 0; j < columns; ++j) {
                const auto key = static_cast<std::size_t>(j);
                const double weight = weights[key];
                if (weight > 0) {
                    sum.entropy -= weight * std::log(weight);
                    sum.distance += weight * static_cast<double>(std::abs(row - j));
                    if (sinks[key] != 0)
                        sum.sink += weight;
                }
                if (allowedKeys[key] != 0 && (!causal || j <= row))
                    sorted.push_back(weights[key]);
            }
            std::sort(sorted.begin(), sorted.end(), std::greater<>());
            double held = 0;
            std::size_t needed = 0;
            while (needed < sorted.size() && held < mass - 1e-9)
                held += sorted[needed++];
            if (!sorted.empty())
                sum.sparsity += 1.0 - static_cast<double>(needed) / static_cast<double>(sorted.size());
        }
    }
    const auto total = static_cast<double>(queries.size());
    return {sum.entropy / total, sum.distance / total, sum.sparsity / total, sum.sink / total};
}

PartInfo AttentionStatistics::info() const {
    return {"attention_statistics",
            "Attention statistics",
            "Entropy, distance, sparsity and sink mass of every head: which heads look near, far, at "
            "everything or nowhere.",
            "Clark, Khandelwal, Levy, Manning: What does BERT look at? 2019",
            "https://aclanthology.org/W19-4828",
            "any model with attention"};
}

OptionSchema AttentionStatistics::options() const {
    OptionSchema schema;
    schema.real("mass", 0.9, "Share of a row's attention that the counted keys must hold, for sparsity.")
        .range(0.01, 1);
    schema.boolean("separators", true, "Whether separator tokens count as sinks beside the first token.");
    return schema;
}

analyze::Prediction AttentionStatistics::predict(const analyze::Request& request) const {
    auto prediction = Analyzer::predict(request);
    prediction.bytes += request.model->traceBytes({"blocks.*.attn.hook_pattern"}, request.input.batch(),
                                                  request.input.length());
    return prediction;
}

std::vector<Figure> AttentionStatistics::analyze(const analyze::Request& request) const {
    const auto& model = *request.model;
    probe::Trace trace({"blocks.*.attn.hook_pattern"});
    Context context;
    context.trace = &trace;
    context.progress = request.progress;
    model::ModelInput input = request.input;
    input.logits = model::LogitRows::None;
    request.progress.report("running the model", 0, 1);
    (void)model.run(input, context);

    const std::int64_t layers = model.layers();
    const int heads = model.headsPerLayer();
    std::vector<HeadStatistics> statistics(static_cast<std::size_t>(layers) *
                                           static_cast<std::size_t>(heads));
    const std::int64_t batch = input.batch();
    for (std::int64_t item = 0; item < batch; ++item) {
        std::vector<std::uint8_t> allowed(static_cast<std::size_t>(input.length()), 1);
        if (input.attentionMask.defined()) {
            const auto mask = input.attentionMask.select(0, item).toIntegers();
            std::transform(mask.begin(), mask.end(), allowed.begin(),
                           [](std::int64_t value) { return static_cast<std::uint8_t>(value != 0); });
        }
        std::vector<std::int64_t> queries;
        for (std::size_t i = 0; i < allowed.size(); ++i)
            if (allowed[i] != 0)
                queries.push_back(static_cast<std::int64_t>(i));
        std::vector<std::uint8_t> sinks(allowed.size(), 0);
        if (!queries.empty())
            sinks[static_cast<std::size_t>(queries.front())] = 1;
        if (request.options.boolean("separators") && static_cast<std::size_t>(item) < input.rows.size()) {
            const auto& special = input.rows[static_cast<std::size_t>(item)].special;
            for (std::size_t i = 0; i < std::min(special.size(), sinks.size()); ++i)
                if (special[i] && allowed[i] != 0)
                    sinks[i] = 1;
        }
        for (int layer = 0; layer < layers; ++layer) {
            if (!trace.hasPattern(layer))
                continue; // its attention was replaced by a mixer without heads
            const auto& pattern = trace.pattern(layer);
            for (int head = 0; head < pattern.heads(); ++head) {
                request.progress.report("reading the patterns", layer * heads + head,
                                        static_cast<double>(layers * heads));
                const HeadStatistics one =
                    headStatistics(*pattern.matrix(item, head), queries, sinks, allowed, pattern.causal(),
                                   request.options.real("mass"));
                auto& total = statistics[static_cast<std::size_t>(layer) * static_cast<std::size_t>(heads) +
                                         static_cast<std::size_t>(head)];
                for (const Quantity& quantity : quantities)
                    total.*quantity.value += one.*quantity.value / static_cast<double>(batch);
            }
        }
    }

    std::vector<Figure> figures;
    figure::Table table;
    table.columns = {{"layer", ""},          {"head", ""},     {"entropy", "nats"},
                     {"distance", "tokens"}, {"sparsity", ""}, {"sinks", ""}};
    for (const Quantity& quantity : quantities) {
        std::vector<float> values;
        values.reserve(statistics.size());
        for (const auto& one : statistics)
            values.push_back(static_cast<float>(one.*quantity.value));
        figure::Heatmap map;
        map.x = {"head", "", numbered("H", heads)};
        map.y = {"layer", "", numbered("L", layers)};
        map.values = std::make_shared<figure::DenseMatrix>(layers, heads, std::move(values));
        map.low = 0;
        map.quantity = quantity.title;
        map.unit = quantity.unit;
        figures.push_back({quantity.id, quantity.title, quantity.caption, std::move(map), {}});
    }
    for (std::int64_t layer = 0; layer < layers; ++layer)
        for (std::int64_t head = 0; head < heads; ++head) {
            const auto& one = statistics[static_cast<std::size_t>(layer * heads + head)];
            table.rows.push_back({layer, head, one.entropy, one.distance, one.sparsity, one.sink});
        }
    figures.push_back({"heads",
                       "All heads",
                       "The four numbers of every head; sort by a column to find the extremes.",
                       std::move(table),
                       {}});
    return figures;
}

} // namespace orrery::lenses
