// SPDX-License-Identifier: GPL-3.0-or-later
// Autoformer (Wu et al. 2021, "Autoformer: Decomposition Transformers with Auto-Correlation for Long-Term
// Series Forecasting"): an encoder-decoder for series that takes the trend out after every step and mixes
// positions by delays at which the series resembles itself.
#include "base/error.h"
#include "kernels/threads.h"
#include "model/networks/sequence_families.h"
#include "model/networks/time_series.h"
#include "model/networks/transformer.h"
#include "model/networks/vision.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace orrery::model {
namespace {

constexpr double epsilon = 1e-5; ///< of every norm

/// A series as its trend, the mean over a window whose ends repeat the first and the last step, and the rest.
struct Decomposed {
    Tensor season;
    Tensor trend;

    Decomposed(NetworkRun& run, const Tensor& x, std::int64_t window)
        : season(run.empty(x.shape())), trend(run.empty(x.shape())) {
        const std::int64_t length = x.size(1);
        const std::int64_t each = x.size(2);
        const std::int64_t side = (window - 1) / 2;
        const Tensor rows = x.contiguous();
        kernels::parallelFor(x.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
            std::vector<double> sum(static_cast<std::size_t>(each));
            for (std::int64_t item = begin; item < end; ++item) {
                const float* from = rows.pointer<float>() + item * length * each;
                const auto row = [&](std::int64_t t) {
                    return from + std::clamp<std::int64_t>(t, 0, length - 1) * each;
                };
                std::fill(sum.begin(), sum.end(), 0);
                for (std::int64_t t = -side; t < side; ++t) // the window of the step before the first
                    for (std::int64_t j = 0; j < each; ++j)
                        sum[static_cast<std::size_t>(j)] += static_cast<double>(row(t)[j]);
                for (std::int64_t t = 0; t < length; ++t)
                    for (std::int64_t j = 0; j < each; ++j) {
                        double& total = sum[static_cast<std::size_t>(j)];
                        total += static_cast<double>(row(t + side)[j]);
                        const std::int64_t at = (item * length + t) * each + j;
                        const auto mean = static_cast<float>(total / static_cast<double>(window));
                        trend.mutablePointer<float>()[at] = mean;
                        season.mutablePointer<float>()[at] = row(t)[j] - mean;
                        total -= static_cast<double>(row(t - side)[j]);
                    }
            }
        });
    }
};

class AutoCorrelation {
public:
    AutoCorrelation(const Weights& scope, const std::string& module, const std::string& path,
                    std::int64_t width, int heads, double factor)
        : m_parts(scope, module, path, width), m_heads(heads), m_factor(factor) {}

    [[nodiscard]] Tensor run(NetworkRun& run, const Tensor& x, const Tensor& memory,
                             const NetworkRun::AttentionSite& site) const {
        const Tensor query = headsOf(run.linear(m_parts.query, x), m_heads);
        const Tensor key = headsOf(run.linear(m_parts.key, memory), m_heads);
        const Tensor value = headsOf(run.linear(m_parts.value, memory), m_heads);
        run.visit(site.name + ".hook_q", query);
        run.visit(site.name + ".hook_k", key);
        run.visit(site.name + ".hook_v", value);
        const Tensor correlation = correlated(run, query, key);
        run.visit(site.name + ".hook_pattern", correlation, site.alias);
        const Tensor mixed = delayed(run, correlation, value);
        run.visit(site.name + ".hook_z", mixed);
        return run.linear(m_parts.out, joinHeads(mixed));
    }

private:
    /// By channel, how a series of n steps resembles another shifted by each delay around a ring:
    /// c[delay] = sum_t q[t + delay] k[t], [B, H, n, d] (equation 5 without the Fourier transform). Of a
    /// memory that is shorter the missing steps are zeros, and then only as many queries count as are
    /// missing, as in the reference.
    [[nodiscard]] Tensor correlated(NetworkRun& run, const Tensor& query, const Tensor& key) const {
        const std::int64_t batch = query.size(0);
        const std::int64_t length = query.size(1);
        const std::int64_t size = query.size(3);
        const std::int64_t keys = std::min(length, key.size(1));
        const std::int64_t queries = length > key.size(1) ? length - key.size(1) : length;
        const Tensor q = run.dense(query);
        const Tensor k = run.dense(key);
        const Tensor result = run.empty({batch, m_heads, length, size});
        result.fill(0);
        const std::int64_t step = static_cast<std::int64_t>(m_heads) * size;
        kernels::parallelFor(batch * m_heads * length, 4, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t row = begin; row < end; ++row) {
                const std::int64_t delay = row % length;
                const std::int64_t head = row / length % m_heads;
                const std::int64_t item = row / length / m_heads;
                float* to = result.mutablePointer<float>() + row * size;
                const float* from = q.pointer<float>() + item * length * step + head * size;
                const float* with = k.pointer<float>() + item * key.size(1) * step + head * size;
                for (std::int64_t t = 0; t < keys; ++t) {
                    const std::int64_t at = (t + delay) % length;
                    if (at >= queries)
                        continue;
                    for (std::int64_t j = 0; j < size; ++j)
                        to[j] += from[at * step + j] * with[t * step + j];
                }
            }
        });
        run.context().progress.check();
        return result;
    }

    /// The values shifted by the delays that resemble most, weighted by a softmax of the resemblance
    /// (equation 6). The reference repeats an item's delays in the wrong order: row b H + h of items and
    /// heads gets those of item (b H + h) mod B, and so it is here.
    [[nodiscard]] Tensor delayed(NetworkRun& run, const Tensor& correlation, const Tensor& value) const {
        const std::int64_t batch = correlation.size(0);
        const std::int64_t length = correlation.size(2);
        const std::int64_t size = correlation.size(3);
        const auto count =
            std::min(length, static_cast<std::int64_t>(m_factor * std::log(static_cast<double>(length))));
        std::vector<std::vector<std::pair<double, std::int64_t>>> best(static_cast<std::size_t>(batch));
        for (std::int64_t item = 0; item < batch; ++item) {
            auto& delays = best[static_cast<std::size_t>(item)];
            for (std::int64_t delay = 0; delay < length; ++delay) {
                double sum = 0;
                for (std::int64_t head = 0; head < m_heads; ++head) {
                    const float* row =
                        correlation.pointer<float>() + ((item * m_heads + head) * length + delay) * size;
                    sum += std::accumulate(row, row + size, 0.0);
                }
                delays.emplace_back(sum / static_cast<double>(m_heads * size), delay);
            }
            std::partial_sort(delays.begin(), delays.begin() + count, delays.end(),
                              [](const auto& a, const auto& b) {
                                  return a.first > b.first || (a.first == b.first && a.second < b.second);
                              });
            delays.resize(static_cast<std::size_t>(count));
            double total = 0;
            const double peak = delays.empty() ? 0 : delays.front().first;
            for (auto& [weight, delay] : delays)
                total += weight = std::exp(weight - peak);
            for (auto& [weight, delay] : delays)
                weight /= total;
        }
        const Tensor v = run.dense(value);
        const std::int64_t values = std::min(length, value.size(1)); // what is missing is zeros
        const Tensor mixed = run.empty({batch, length, m_heads, size});
        mixed.fill(0);
        kernels::parallelFor(batch * m_heads, 1, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t row = begin; row < end; ++row) {
                const std::int64_t item = row / m_heads;
                const std::int64_t head = row % m_heads;
                for (const auto& [weight, delay] : best[static_cast<std::size_t>(row % batch)])
                    for (std::int64_t t = 0; t < length; ++t) {
                        const std::int64_t at = (t + delay) % length;
                        if (at >= values)
                            continue;
                        const float* from =
                            v.pointer<float>() + ((item * value.size(1) + at) * m_heads + head) * size;
                        float* to =
                            mixed.mutablePointer<float>() + ((item * length + t) * m_heads + head) * size;
                        for (std::int64_t j = 0; j < size; ++j)
                            to[j] += static_cast<float>(weight) * from[j];
                    }
            }
        });
        return mixed;
    }

    SeriesProjections m_parts;
    int m_heads;
    double m_factor;
};

/// A layer norm whose mean over the steps is taken away.
struct SeasonalNorm {
    nn::Norm norm;
    [[nodiscard]] Tensor run(NetworkRun& run, const Tensor& x) const {
        const Tensor normed = run.norm(norm, x);
        const Tensor mean = run.meanOverPositions(normed);
        const std::int64_t each = x.size(2);
        const std::int64_t length = x.size(1);
        float* values = normed.mutablePointer<float>();
        for (std::int64_t row = 0; row < x.size(0) * length; ++row)
            for (std::int64_t j = 0; j < each; ++j)
                values[row * each + j] -= mean.pointer<float>()[row / length * each + j];
        return normed;
    }
};

struct FeedForward {
    LinearId in;
    LinearId out;
    SeasonalNorm norm;
    nn::Activation activation = nn::Activation::Gelu;

    FeedForward(const Weights& scope, const checkpoint::ModelConfig& config, std::int64_t width,
                std::int64_t hidden)
        : in(scope.linear("mlp.in", "fc1", width, hidden)),
          out(scope.linear("mlp.out", "fc2", hidden, width)), norm{scope.layerNorm(
                                                                  "ln_mlp", "final_layer_norm.layernorm",
                                                                  width, epsilon)},
          activation(
              nn::activationFromName(config.text({"activation_function"}, "gelu"), config.fileName())) {}
    /// x and what is added, before the trend is taken out.
    [[nodiscard]] Tensor run(NetworkRun& run, const Tensor& x, const std::string& name) const {
        const Tensor hidden = run.linear(in, x, activation);
        run.visit(name + ".mlp.hook_post", hidden);
        const Tensor added = run.linear(out, hidden);
        run.visit(name + ".hook_mlp_out", added);
        return run.add(x, added);
    }
};

struct EncoderLayer {
    AutoCorrelation attention;
    nn::Norm norm;
    FeedForward feedForward;
};

struct DecoderLayer {
    AutoCorrelation attention;
    nn::Norm norm;
    AutoCorrelation cross;
    nn::Norm crossNorm;
    FeedForward feedForward;
    nn::Convolution trend;
};

class Autoformer final : public Network {
public:
    Autoformer(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& all)
        : Network(std::move(stack)), m_window(config.positive({"moving_average"}, 25)),
          m_label(config.positive({"label_length"}, 10)) {
        if (m_window % 2 == 0 || m_window > 1 << 20)
            throw config.error("moving_average", "which must be odd and of moderate size");
        const Weights model = all.under({"model", ""}, "encoder.value_embedding.value_projection.weight");
        m_inputs = SeriesInputs(config, model);
        if (m_label > m_inputs.context())
            throw config.error("label_length", "which is more than context_length");
        const std::int64_t width = this->config().hiddenSize;
        const std::int64_t features = m_inputs.features();
        const std::int64_t positions = m_inputs.context() + m_inputs.prediction();
        const double factor = config.real({"autocorrelation_factor"}, 3);
        if (!(factor >= 0 && factor < 1e6))
            throw config.error("autocorrelation_factor", "which must be positive and moderate");
        const int heads = headCount(config, "encoder_attention_heads");
        const int decoderHeads = headCount(config, "decoder_attention_heads");
        m_encoderEmbedding = SeriesEmbedding(model.in("encoder", "encoder"), features, width, positions);
        for (std::int64_t i = 0; i < config.positive({"encoder_layers"}, 2); ++i) {
            const Weights scope =
                model.in(fmt::format("encoder.blocks.{}", i), fmt::format("encoder.layers.{}", i));
            m_encoder.push_back(
                {AutoCorrelation(scope, "attn", "self_attn", width, heads, factor),
                 scope.layerNorm("ln1", "self_attn_layer_norm", width, epsilon),
                 FeedForward(scope, config, width, config.positive({"encoder_ffn_dim"}, 32))});
        }
        m_decoderEmbedding = SeriesEmbedding(model.in("decoder", "decoder"), features, width, positions);
        for (std::int64_t i = 0; i < config.positive({"decoder_layers"}, 2); ++i) {
            const Weights scope =
                model.in(fmt::format("decoder.blocks.{}", i), fmt::format("decoder.layers.{}", i));
            ConvolutionSpec trend;
            trend.inputs = width;
            trend.outputs = features;
            trend.kernel = {1, 3};
            trend.bias = Bias::No;
            m_decoder.push_back({AutoCorrelation(scope, "attn", "self_attn", width, decoderHeads, factor),
                                 scope.layerNorm("ln1", "self_attn_layer_norm", width, epsilon),
                                 AutoCorrelation(scope, "cross", "encoder_attn", width, decoderHeads, factor),
                                 scope.layerNorm("ln_cross", "encoder_attn_layer_norm", width, epsilon),
                                 FeedForward(scope, config, width, config.positive({"decoder_ffn_dim"}, 32)),
                                 scope.convolution1d("trend", "trend_projection", trend)});
        }
        m_season = model.linear("decoder.season", "decoder.seasonality_projection", width, features);
        if (isArchitecture(this->config(), "ForPrediction"))
            m_head = DistributionHead(all, config, features, m_inputs.channels(), "parameter_projection");
    }
    [[nodiscard]] std::string task() const override { return "forecasting of series"; }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override { return m_inputs.inputs(); }

    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const override {
        const SeriesInputs::Result given = m_inputs.read(run, inputs);
        const std::int64_t context = m_inputs.context();
        const Tensor memory = encoded(
            run, run.concat({given.lagged.slice(1, 0, context), given.covariates.slice(1, 0, context)}, 2));
        NamedTensors outputs{{"encoder_last_hidden_state", memory},
                             {"loc", given.location},
                             {"scale", given.scale},
                             {"static_features", given.statics}};
        if (!given.future)
            return outputs;
        // The decoder starts from the end of the context, taken apart, and from what is known of the future.
        const Tensor lagged = run.dense(given.lagged.slice(1, 0, context));
        const Decomposed parts(run, lagged, m_window);
        const Tensor mean = run.meanOverPositions(lagged);
        const Tensor means = run.empty({lagged.size(0), m_inputs.prediction(), lagged.size(2)});
        for (std::int64_t t = 0; t < means.size(1); ++t)
            means.select(1, t).copyFrom(mean);
        const Tensor zeros = run.empty(means.shape());
        zeros.fill(0);
        const Tensor known = given.covariates.slice(1, context - m_label, given.covariates.size(1));
        const auto joined = [&](const Tensor& label, const Tensor& rest) {
            return run.concat({run.concat({label.slice(1, context - m_label, context), rest}, 1), known}, 2);
        };
        Tensor trend = joined(parts.trend, means);
        const Tensor season = decoded(run, joined(parts.season, zeros), memory, trend);
        outputs["last_hidden_state"] = season;
        outputs["trend"] = trend;
        if (m_head.defined()) {
            const Tensor whole = run.add(season, trend);
            const std::vector<Tensor> parameters =
                m_head.run(run, run.dense(whole.slice(1, m_label, whole.size(1))));
            for (std::size_t i = 0; i < parameters.size(); ++i)
                outputs[fmt::format("params.{}", i)] = parameters[i];
        }
        return outputs;
    }

private:
    static int headCount(const checkpoint::ModelConfig& config, std::string_view key) {
        const std::int64_t heads = config.positive({key}, 2);
        if (config.positive({"d_model"}, 64) % heads != 0)
            throw config.error(key, "which does not divide d_model");
        return static_cast<int>(heads);
    }

    [[nodiscard]] Tensor encoded(NetworkRun& run, const Tensor& features) const {
        Tensor x = m_encoderEmbedding.run(run, features, 0);
        for (std::size_t i = 0; i < m_encoder.size(); ++i) {
            const EncoderLayer& layer = m_encoder[i];
            const std::string name = fmt::format("encoder.blocks.{}", i);
            const auto index = static_cast<std::int64_t>(i);
            run.visit(name + ".hook_resid_pre", x, hiddenStates(index, "encoder_"));
            const Tensor out = layer.attention.run(
                run, x, x, {name + ".attn", attentions(index, "encoder_"), static_cast<int>(i)});
            run.visit(name + ".hook_attn_out", out);
            x = Decomposed(run, run.norm(layer.norm, run.add(x, out)), m_window).season;
            run.visit(name + ".hook_resid_mid", x);
            x = Decomposed(run, layer.feedForward.run(run, x, name), m_window).season;
            x = layer.feedForward.norm.run(run, x);
            run.visit(name + ".hook_resid_post", x,
                      i + 1 == m_encoder.size() ? hiddenStates(index + 1, "encoder_") : "");
        }
        return x;
    }

    /// trend grows by what the layers take out.
    [[nodiscard]] Tensor decoded(NetworkRun& run, const Tensor& features, const Tensor& memory,
                                 Tensor& trend) const {
        Tensor x = m_decoderEmbedding.run(run, features, m_inputs.context() - m_label);
        auto number = static_cast<int>(m_encoder.size());
        for (std::size_t i = 0; i < m_decoder.size(); ++i) {
            const DecoderLayer& layer = m_decoder[i];
            const std::string name = fmt::format("decoder.blocks.{}", i);
            const auto index = static_cast<std::int64_t>(i);
            run.visit(name + ".hook_resid_pre", x, hiddenStates(index, "decoder_"));
            Tensor out =
                layer.attention.run(run, x, x, {name + ".attn", attentions(index, "decoder_"), number++});
            run.visit(name + ".hook_attn_out", out);
            const Decomposed first(run, run.add(x, out), m_window);
            x = run.norm(layer.norm, first.season);
            out = layer.cross.run(run, x, memory, {name + ".cross", attentions(index, "cross_"), number++});
            run.visit(name + ".hook_cross_out", out);
            const Decomposed second(run, run.add(x, out), m_window);
            x = run.norm(layer.crossNorm, second.season);
            const Decomposed third(run, layer.feedForward.run(run, x, name), m_window);
            x = layer.feedForward.norm.run(run, third.season);
            run.visit(name + ".hook_resid_post", x);
            const Tensor taken = run.add(run.add(first.trend, second.trend), third.trend);
            const std::int64_t length = taken.size(1);
            const Tensor ring =
                run.concat({taken.slice(1, length - 1, length), taken, taken.slice(1, 0, 1)}, 1);
            trend = run.add(trend, run.convolve(layer.trend, ring));
            run.visit(name + ".hook_trend", trend);
        }
        x = run.linear(m_season, x);
        run.visit("decoder.hook_season", x,
                  hiddenStates(static_cast<std::int64_t>(m_decoder.size()), "decoder_"));
        return x;
    }

    std::int64_t m_window;
    std::int64_t m_label;
    SeriesInputs m_inputs;
    SeriesEmbedding m_encoderEmbedding;
    std::vector<EncoderLayer> m_encoder;
    SeriesEmbedding m_decoderEmbedding;
    std::vector<DecoderLayer> m_decoder;
    LinearId m_season;
    DistributionHead m_head;
};

} // namespace

std::shared_ptr<const Network> buildAutoformer(const checkpoint::ModelConfig& config, Weights& weights) {
    StackConfig stack = networkConfig(config);
    stack.hiddenSize = config.positive({"d_model"}, 64);
    stack.layers = config.positive({"encoder_layers"}, 2) + 2 * config.positive({"decoder_layers"}, 2);
    stack.heads = static_cast<int>(config.positive({"encoder_attention_heads"}, 2));
    stack.keyValueHeads = stack.heads;
    return std::make_shared<const Autoformer>(std::move(stack), config, weights);
}

} // namespace orrery::model
