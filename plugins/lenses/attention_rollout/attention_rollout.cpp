// SPDX-License-Identifier: GPL-3.0-or-later
#include "attention_rollout.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::lenses {
namespace {

constexpr std::int64_t longestWhole = 2048; ///< above, only one row is followed

std::int64_t bandRows(std::int64_t columns) {
    return std::clamp<std::int64_t>(65536 / columns, 1, columns);
}

} // namespace

MixedLayer::MixedLayer(std::vector<std::shared_ptr<const figure::MatrixSource>> heads, Reduction reduction,
                       double residual)
    : m_heads(std::move(heads)), m_reduction(reduction), m_residual(residual) {
    ORRERY_CHECK(!m_heads.empty(), "a layer with heads");
}

std::vector<float> MixedLayer::rows(std::int64_t first, std::int64_t count) const {
    const std::int64_t columns = size();
    std::vector<float> mixed(static_cast<std::size_t>(count * columns));
    std::vector<float> one(mixed.size());
    for (std::size_t h = 0; h < m_heads.size(); ++h) {
        m_heads[h]->tile(first, 0, count, columns, h == 0 ? std::span(mixed) : std::span(one));
        if (h == 0)
            continue;
        for (std::size_t i = 0; i < mixed.size(); ++i) {
            switch (m_reduction) {
            case Reduction::Mean:
                mixed[i] += one[i];
                break;
            case Reduction::Max:
                mixed[i] = std::max(mixed[i], one[i]);
                break;
            case Reduction::Min:
                mixed[i] = std::min(mixed[i], one[i]);
                break;
            }
        }
    }
    for (std::int64_t i = 0; i < count; ++i) {
        const auto row = std::span(mixed).subspan(static_cast<std::size_t>(i * columns),
                                                  static_cast<std::size_t>(columns));
        double sum = 0;
        for (const float weight : row)
            sum += weight;
        const double share = sum > 0 ? (1.0 - m_residual) / sum : 0.0;
        for (float& weight : row)
            weight = static_cast<float>(weight * share);
        // A row without any attention (padding) passes on itself alone.
        row[static_cast<std::size_t>(first + i)] += static_cast<float>(sum > 0 ? m_residual : 1.0);
    }
    return mixed;
}

std::vector<float> rollout(const std::vector<MixedLayer>& layers, const Progress& progress) {
    const std::int64_t size = layers.front().size();
    const auto n = static_cast<std::size_t>(size);
    std::vector<float> result(n * n, 0.0F);
    for (std::size_t i = 0; i < n; ++i)
        result[i * n + i] = 1.0F;
    std::vector<float> next(n * n);
    const std::int64_t band = bandRows(size);
    for (std::size_t layer = 0; layer < layers.size(); ++layer) {
        for (std::int64_t first = 0; first < size; first += band) {
            progress.report("multiplying layers",
                            static_cast<double>(layer) +
                                static_cast<double>(first) / static_cast<double>(size),
                            static_cast<double>(layers.size()));
            const std::int64_t count = std::min(band, size - first);
            const std::vector<float> rows = layers[layer].rows(first, count);
            for (std::int64_t i = 0; i < count; ++i) {
                float* out = next.data() + static_cast<std::size_t>(first + i) * n;
                std::fill(out, out + n, 0.0F);
                const float* weights = rows.data() + static_cast<std::size_t>(i) * n;
                for (std::size_t k = 0; k < n; ++k) {
                    const float weight = weights[k];
                    if (weight == 0.0F)
                        continue;
                    const float* source = result.data() + k * n;
                    for (std::size_t j = 0; j < n; ++j)
                        out[j] += weight * source[j];
                }
            }
        }
        result.swap(next);
    }
    return result;
}

std::vector<double> rolloutRow(const std::vector<MixedLayer>& layers, std::int64_t row,
                               const Progress& progress) {
    const std::int64_t size = layers.front().size();
    std::vector<double> current(static_cast<std::size_t>(size), 0.0);
    current[static_cast<std::size_t>(row)] = 1.0;
    const std::int64_t band = bandRows(size);
    for (std::size_t step = 0; step < layers.size(); ++step) {
        const MixedLayer& layer = layers[layers.size() - 1 - step];
        std::vector<double> next(current.size(), 0.0);
        for (std::int64_t first = 0; first < size; first += band) {
            progress.report("following the row",
                            static_cast<double>(step) +
                                static_cast<double>(first) / static_cast<double>(size),
                            static_cast<double>(layers.size()));
            const std::int64_t count = std::min(band, size - first);
            const auto share =
                std::span(current).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
            if (std::all_of(share.begin(), share.end(), [](double value) { return value == 0; }))
                continue;
            const std::vector<float> rows = layer.rows(first, count);
            for (std::int64_t i = 0; i < count; ++i)
                for (std::size_t j = 0; j < next.size(); ++j)
                    next[j] += share[static_cast<std::size_t>(i)] *
                               rows[static_cast<std::size_t>(i) * next.size() + j];
        }
        current.swap(next);
    }
    return current;
}

PartInfo AttentionRollout::info() const {
    return {"attention_rollout",
            "Attention rollout",
            "How much of each input token reaches each position when attention and residual connections are "
            "followed "
            "through the layers.",
            "Abnar, Zuidema: Quantifying attention flow in transformers. ACL 2020",
            "https://arxiv.org/abs/2005.00928",
            "any model with attention"};
}

OptionSchema AttentionRollout::options() const {
    OptionSchema schema;
    schema
        .real("residual", 0.5,
              "Share of the residual connection in every layer; 0 multiplies raw attentions.")
        .range(0, 1);
    schema.choice("heads", "mean", "How the heads of a layer become one matrix.")
        .choice("mean", "their mean, as in the paper")
        .choice("max", "the largest weight of any head, rows normalised again")
        .choice("min", "the smallest weight of any head, rows normalised again");
    schema.integer("first_layer", 0, "First layer of the product.").range(0, 10000);
    schema.integer("last_layer", -1, "Last layer of the product; -1 is the model's last.").range(-1, 10000);
    schema
        .integer("position", 0,
                 "Query position whose row is shown on the tokens; negative counts from the end.")
        .range(-1000000, 1000000);
    return schema;
}

analyze::Prediction AttentionRollout::predict(const analyze::Request& request) const {
    auto prediction = Analyzer::predict(request);
    const std::int64_t length = request.input.length();
    prediction.bytes += request.model->traceBytes({"blocks.*.attn.hook_pattern"}, 1, length);
    if (length <= longestWhole)
        prediction.bytes += static_cast<std::size_t>(2 * length * length) * sizeof(float);
    return prediction;
}

std::vector<figure::Figure> AttentionRollout::analyze(const analyze::Request& request) const {
    const auto& model = *request.model;
    const std::int64_t length = request.input.length();
    const std::int64_t first = request.options.integer("first_layer");
    const std::int64_t last = request.options.integer("last_layer") < 0
                                  ? model.layers() - 1
                                  : request.options.integer("last_layer");
    if (first > last || last >= model.layers())
        throw UsageError(fmt::format(
            "Layers {} to {} are asked for, the model has 0 to {}; set first_layer and last_layer "
            "accordingly.",
            first, last, model.layers() - 1));
    std::int64_t position = request.options.integer("position");
    position = position < 0 ? position + length : position;
    if (position < 0 || position >= length)
        throw UsageError(fmt::format("Option 'position' is {}, the input has {} tokens.",
                                     request.options.integer("position"), length));

    probe::Trace trace({"blocks.*.attn.hook_pattern"});
    Context context;
    context.trace = &trace;
    context.progress = request.progress;
    model::ModelInput input = request.input;
    input.logits = model::LogitRows::None;
    (void)model.run(input, context);

    const std::string& reduction = request.options.text("heads");
    const auto reduce = reduction == "max"   ? MixedLayer::Reduction::Max
                        : reduction == "min" ? MixedLayer::Reduction::Min
                                             : MixedLayer::Reduction::Mean;
    std::vector<MixedLayer> layers;
    for (std::int64_t layer = first; layer <= last; ++layer) {
        if (!trace.hasPattern(static_cast<int>(layer)))
            throw UsageError(
                fmt::format("Layer {} has no attention pattern to follow; choose other layers.", layer));
        const auto& pattern = trace.pattern(static_cast<int>(layer));
        std::vector<std::shared_ptr<const figure::MatrixSource>> heads;
        heads.reserve(static_cast<std::size_t>(pattern.heads()));
        for (int head = 0; head < pattern.heads(); ++head)
            heads.push_back(pattern.matrix(0, head));
        layers.emplace_back(std::move(heads), reduce, request.options.real("residual"));
    }

    std::vector<std::string> tokens;
    if (!input.rows.empty())
        tokens = input.rows.front().tokens;
    for (auto i = static_cast<std::int64_t>(tokens.size()); i < length; ++i)
        tokens.push_back(fmt::format("#{}", i));

    std::vector<figure::Figure> figures;
    figure::TokenStrip strip;
    strip.tokens = tokens;
    if (!input.rows.empty())
        strip.wordIds = input.rows.front().wordIds;
    figure::TokenStrip::Scores scores{
        fmt::format("rollout to {} ({})", tokens[static_cast<std::size_t>(position)], position), {}, {}};
    if (length <= longestWhole) {
        std::vector<float> whole = rollout(layers, request.progress);
        const auto row = std::span(whole).subspan(static_cast<std::size_t>(position * length),
                                                  static_cast<std::size_t>(length));
        scores.values.assign(row.begin(), row.end());
        figure::Heatmap map;
        map.x = {"input token", "", tokens};
        map.y = {"position", "", tokens};
        map.values = std::make_shared<figure::DenseMatrix>(length, length, std::move(whole));
        map.low = 0;
        map.quantity = "share of the input";
        if (model.causal())
            for (std::int64_t i = 0; i < length; ++i)
                map.maskedFrom.push_back(i + 1);
        figures.push_back(
            {"rollout",
             fmt::format("Attention rollout, layers {} to {}", first, last),
             "Row: a position after the last layer of the product. Column: the input token whose share it "
             "holds when attention and residual connections are followed. Rows sum to 1.",
             std::move(map),
             {}});
    } else {
        scores.values = rolloutRow(layers, position, request.progress);
    }
    strip.scores.push_back(std::move(scores));
    figures.push_back({"rollout_tokens",
                       fmt::format("Rollout to position {}", position),
                       "The tokens coloured by their share in the chosen position.",
                       std::move(strip),
                       {}});
    return figures;
}

} // namespace orrery::lenses
