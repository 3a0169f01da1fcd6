// SPDX-License-Identifier: GPL-3.0-or-later
// Informer (Zhou et al. 2021, "Informer: Beyond Efficient Transformer for Long Sequence Time-Series
// Forecasting"): an encoder-decoder for series in which only the queries that stand out among a sample of
// keys attend (ProbSparse), and in which convolutions halve the length between the encoder's layers.
#include "base/error.h"
#include "kernels/threads.h"
#include "model/networks/sequence_families.h"
#include "model/networks/time_series.h"
#include "model/networks/transformer.h"
#include "model/networks/vision.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace orrery::model {
namespace {

constexpr double epsilon = 1e-5; ///< of every norm

struct FeedForward {
    LinearId in;
    LinearId out;
    nn::Norm norm;
    nn::Activation activation = nn::Activation::Gelu;

    FeedForward(const Weights& scope, const checkpoint::ModelConfig& config, std::int64_t width,
                std::int64_t hidden)
        : in(scope.linear("mlp.in", "fc1", width, hidden)),
          out(scope.linear("mlp.out", "fc2", hidden, width)),
          norm(scope.layerNorm("ln_mlp", "final_layer_norm", width, epsilon)),
          activation(
              nn::activationFromName(config.text({"activation_function"}, "gelu"), config.fileName())) {}
    [[nodiscard]] Tensor run(NetworkRun& run, const Tensor& x, const std::string& name) const {
        const Tensor hidden = run.linear(in, x, activation);
        run.visit(name + ".mlp.hook_post", hidden);
        const Tensor added = run.linear(out, hidden);
        run.visit(name + ".hook_mlp_out", added);
        return run.norm(norm, run.add(x, added));
    }
};

class InformerAttention {
public:
    InformerAttention() = default;
    /// factor: how many queries attend; 0: all of them.
    InformerAttention(const Weights& scope, const std::string& module, const std::string& path,
                      std::int64_t width, int heads, std::int64_t factor)
        : m_parts(scope, module, path, width), m_heads(heads), m_factor(factor) {}

    [[nodiscard]] Tensor run(NetworkRun& run, const Tensor& x, const Tensor& memory, bool causal,
                             const NetworkRun::AttentionSite& site, RecordedDraws& draws) const {
        nn::AttentionInput parts;
        parts.query = headsOf(run.linear(m_parts.query, x), m_heads);
        parts.key = headsOf(run.linear(m_parts.key, memory), m_heads);
        parts.value = headsOf(run.linear(m_parts.value, memory), m_heads);
        parts.scale = 1 / std::sqrt(static_cast<double>(parts.query.size(3)));
        parts.causal = causal;
        const Tensor mixed =
            m_factor == 0 ? run.attention(site, parts) : sparse(run, parts, causal, site, draws);
        return run.linear(m_parts.out, joinHeads(mixed));
    }

private:
    [[nodiscard]] static std::int64_t logarithm(std::int64_t length) {
        return static_cast<std::int64_t>(std::ceil(std::log1p(static_cast<double>(length))));
    }

    /// The queries of one head that stand out, in the order in which a partial sort leaves them: the
    /// reference's patterns have their rows in it.
    [[nodiscard]] static std::vector<std::int64_t> standingOut(const nn::AttentionInput& all,
                                                               std::int64_t item, std::int64_t head,
                                                               const std::vector<std::int64_t>& sample,
                                                               std::int64_t count) {
        const std::int64_t queries = all.query.size(1);
        const std::int64_t keys = all.key.size(1);
        const std::int64_t size = all.query.size(3);
        const Tensor query = all.query.select(0, item).select(1, head);
        const Tensor key = all.key.select(0, item).select(1, head);
        using Measured = std::pair<float, std::int64_t>;
        std::vector<Measured> measured;
        for (std::int64_t i = 0; i < queries; ++i) {
            const float* a = query.pointer<float>() + i * query.strides()[0];
            float most = -std::numeric_limits<float>::infinity();
            double sum = 0;
            for (const std::int64_t j : sample) {
                const float* b = key.pointer<float>() + j * key.strides()[0];
                float dot = 0;
                for (std::int64_t k = 0; k < size; ++k)
                    dot += a[k] * static_cast<float>(all.scale) * b[k];
                most = std::max(most, dot);
                sum += static_cast<double>(dot);
            }
            measured.emplace_back(most - static_cast<float>(sum / static_cast<double>(keys)), i);
        }
        const auto more = [](const Measured& a, const Measured& b) { return a.first > b.first; };
        if (count * 64 <= queries)
            std::partial_sort(measured.begin(), measured.begin() + count, measured.end(), more);
        else
            std::nth_element(measured.begin(), measured.begin() + count - 1, measured.end(), more);
        std::vector<std::int64_t> result;
        for (std::int64_t i = 0; i < count; ++i)
            result.push_back(measured[static_cast<std::size_t>(i)].second);
        return result;
    }

    [[nodiscard]] Tensor sparse(NetworkRun& run, const nn::AttentionInput& all, bool causal,
                                const NetworkRun::AttentionSite& site, RecordedDraws& draws) const {
        run.visit(site.name + ".hook_q", all.query);
        run.visit(site.name + ".hook_k", all.key);
        run.visit(site.name + ".hook_v", all.value);
        const std::int64_t batch = all.query.size(0);
        const std::int64_t queries = all.query.size(1);
        const std::int64_t keys = all.key.size(1);
        const std::int64_t size = all.query.size(3);
        const std::int64_t sampled = std::min(m_factor * queries * logarithm(keys), keys);
        const std::int64_t chosen = std::min(m_factor * logarithm(queries), queries);
        const std::vector<std::int64_t> sample = draws.integers(sampled, keys);
        std::vector<std::vector<std::int64_t>> out(static_cast<std::size_t>(batch * m_heads));
        kernels::parallelFor(batch * m_heads, 1, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i)
                out[static_cast<std::size_t>(i)] = standingOut(all, i / m_heads, i % m_heads, sample, chosen);
        });
        run.context().progress.check();
        const auto eachChosen = [&](const auto& work) {
            for (std::int64_t item = 0; item < batch; ++item)
                for (std::int64_t head = 0; head < m_heads; ++head)
                    for (std::int64_t i = 0; i < chosen; ++i)
                        work(item, head, i,
                             out[static_cast<std::size_t>(item * m_heads + head)]
                                [static_cast<std::size_t>(i)]);
        };
        const Tensor few = run.empty({batch, m_heads, chosen, size});
        eachChosen([&](std::int64_t item, std::int64_t head, std::int64_t i, std::int64_t at) {
            few.select(0, item).select(0, head).select(0, i).copyFrom(
                all.query.select(0, item).select(0, at).select(0, head));
        });
        const Tensor scores =
            ops::scale(ops::matmul(few, all.key.transpose(1, 2), false, true), all.scale); // [B, H, u, S]
        if (causal)
            eachChosen([&](std::int64_t item, std::int64_t head, std::int64_t i, std::int64_t at) {
                float* row = scores.mutablePointer<float>() + ((item * m_heads + head) * chosen + i) * keys;
                std::fill(row + std::min(keys, at + 1), row + keys, -std::numeric_limits<float>::infinity());
            });
        const Tensor pattern = run.softmax(scores);
        run.visit(site.name + ".hook_pattern", pattern, site.alias);
        const Tensor attended = ops::matmul(pattern, all.value.transpose(1, 2)); // [B, H, u, d]
        const Tensor mixed = run.empty({batch, queries, m_heads, size});
        fillLazy(all.value, causal, mixed);
        eachChosen([&](std::int64_t item, std::int64_t head, std::int64_t i, std::int64_t at) {
            mixed.select(0, item).select(0, at).select(0, head).copyFrom(
                attended.select(0, item).select(0, head).select(0, i));
        });
        run.visit(site.name + ".hook_z", mixed);
        return mixed;
    }

    /// What the other queries get: the mean of the values, or the sum of those up to their own.
    static void fillLazy(const Tensor& value, bool causal, const Tensor& mixed) {
        const Tensor rows = value.contiguous();
        const std::int64_t length = rows.size(1);
        const std::int64_t each = rows.size(2) * rows.size(3);
        for (std::int64_t item = 0; item < rows.size(0); ++item) {
            std::vector<double> sum(static_cast<std::size_t>(each), 0);
            const auto put = [&](std::int64_t at, double divisor) {
                float* to = mixed.mutablePointer<float>() + (item * mixed.size(1) + at) * each;
                for (std::int64_t j = 0; j < each; ++j)
                    to[j] = static_cast<float>(sum[static_cast<std::size_t>(j)] / divisor);
            };
            for (std::int64_t t = 0; t < length; ++t) {
                for (std::int64_t j = 0; j < each; ++j)
                    sum[static_cast<std::size_t>(j)] +=
                        static_cast<double>(rows.pointer<float>()[(item * length + t) * each + j]);
                if (causal && t < mixed.size(1))
                    put(t, 1);
            }
            if (!causal)
                for (std::int64_t t = 0; t < mixed.size(1); ++t)
                    put(t, static_cast<double>(length));
        }
    }

    SeriesProjections m_parts;
    int m_heads = 1;
    std::int64_t m_factor = 0;
};

struct EncoderLayer {
    InformerAttention attention;
    nn::Norm norm;
    FeedForward feedForward;
    nn::Convolution halving; ///< undefined: none
};

struct DecoderLayer {
    InformerAttention attention;
    nn::Norm norm;
    InformerAttention cross;
    nn::Norm crossNorm;
    FeedForward feedForward;
};

class Informer final : public Network {
public:
    Informer(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& all)
        : Network(std::move(stack)) {
        const Weights model = all.under({"model", ""}, "encoder.value_embedding.value_projection.weight");
        m_inputs = SeriesInputs(config, model);
        const std::int64_t width = this->config().hiddenSize;
        const std::int64_t positions = m_inputs.context() + m_inputs.prediction();
        const std::string type = config.text({"attention_type"}, "prob");
        if (type != "prob" && type != "full")
            throw config.error("attention_type", "which is neither \"prob\" nor \"full\"");
        const std::int64_t factor = type == "prob" ? config.positive({"sampling_factor"}, 5) : 0;
        if (factor > 1 << 20)
            throw config.error("sampling_factor", "which is more than any series has steps");
        const int heads = headCount(config, "encoder_attention_heads");
        const int decoderHeads = headCount(config, "decoder_attention_heads");
        const std::int64_t layers = config.positive({"encoder_layers"}, 2);
        m_encoderEmbedding =
            SeriesEmbedding(model.in("encoder", "encoder"), m_inputs.features(), width, positions);
        for (std::int64_t i = 0; i < layers; ++i) {
            const Weights scope =
                model.in(fmt::format("encoder.blocks.{}", i), fmt::format("encoder.layers.{}", i));
            EncoderLayer layer{InformerAttention(scope, "attn", "self_attn", width, heads, factor),
                               scope.layerNorm("ln1", "self_attn_layer_norm", width, epsilon),
                               FeedForward(scope, config, width, config.positive({"encoder_ffn_dim"}, 32)),
                               {}};
            if (config.boolean({"distil"}, true) && i + 1 < layers) {
                ConvolutionSpec spec;
                spec.inputs = spec.outputs = width;
                spec.kernel = {1, 3};
                spec.batchNorm = "norm";
                layer.halving = model
                                    .in(fmt::format("encoder.blocks.{}.halving", i),
                                        fmt::format("encoder.conv_layers.{}", i))
                                    .convolution1d("conv", "downConv", spec);
            }
            m_encoder.push_back(std::move(layer));
        }
        m_decoderEmbedding =
            SeriesEmbedding(model.in("decoder", "decoder"), m_inputs.features(), width, positions);
        for (std::int64_t i = 0; i < config.positive({"decoder_layers"}, 2); ++i) {
            const Weights scope =
                model.in(fmt::format("decoder.blocks.{}", i), fmt::format("decoder.layers.{}", i));
            m_decoder.push_back(
                {InformerAttention(scope, "attn", "self_attn", width, decoderHeads, factor),
                 scope.layerNorm("ln1", "self_attn_layer_norm", width, epsilon),
                 InformerAttention(scope, "cross", "encoder_attn", width, decoderHeads, 0),
                 scope.layerNorm("ln_cross", "encoder_attn_layer_norm", width, epsilon),
                 FeedForward(scope, config, width, config.positive({"decoder_ffn_dim"}, 32))});
        }
        if (isArchitecture(this->config(), "ForPrediction"))
            m_head = DistributionHead(all, config, width, m_inputs.channels(), "parameter_projection");
    }
    [[nodiscard]] std::string task() const override { return "forecasting of series"; }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override { return m_inputs.inputs(); }

    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const override {
        RecordedDraws draws(inputs, run.context(), 0);
        const SeriesInputs::Result given = m_inputs.read(run, inputs);
        const std::int64_t context = m_inputs.context();
        const Tensor features = run.concat({given.lagged, given.covariates}, 2);
        const Tensor memory = encoded(run, run.dense(features.slice(1, 0, context)), draws);
        NamedTensors outputs{{"encoder_last_hidden_state", memory},
                             {"loc", given.location},
                             {"scale", given.scale},
                             {"static_features", given.statics}};
        if (!given.future)
            return outputs;
        const Tensor x = decoded(run, run.dense(features.slice(1, context, features.size(1))), memory, draws);
        outputs["last_hidden_state"] = x;
        if (m_head.defined()) {
            const std::vector<Tensor> parameters = m_head.run(run, x);
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

    [[nodiscard]] Tensor encoded(NetworkRun& run, const Tensor& features, RecordedDraws& draws) const {
        Tensor x = m_encoderEmbedding.run(run, features, 0);
        for (std::size_t i = 0; i < m_encoder.size(); ++i) {
            const EncoderLayer& layer = m_encoder[i];
            const std::string name = fmt::format("encoder.blocks.{}", i);
            const auto index = static_cast<std::int64_t>(i);
            run.visit(name + ".hook_resid_pre", x, i == 0 ? hiddenStates(0, "encoder_") : "");
            const Tensor out = layer.attention.run(
                run, x, x, false, {name + ".attn", attentions(index, "encoder_"), static_cast<int>(i)},
                draws);
            run.visit(name + ".hook_attn_out", out);
            x = run.norm(layer.norm, run.add(x, out));
            x = layer.feedForward.run(run, x, name);
            run.visit(name + ".hook_resid_post", x, hiddenStates(index + 1, "encoder_"));
            if (layer.halving.defined())
                x = halved(run, layer.halving, x);
        }
        return x;
    }

    /// A convolution around the ring of positions, ELU, and the largest of every three, at every second.
    [[nodiscard]] static Tensor halved(NetworkRun& run, const nn::Convolution& convolution, const Tensor& x) {
        const std::int64_t length = x.size(1);
        const Tensor ring = run.concat({x.slice(1, length - 1, length), x, x.slice(1, 0, 1)}, 1);
        const Tensor bent = ops::elu(run.convolve(convolution, ring));
        kernels::Window2d window;
        window.stride = {1, 2};
        window.before = {0, 1};
        window.after = {0, 1};
        const Tensor map = bent.reshape({x.size(0), 1, length, x.size(2)});
        const Tensor pooled = run.pool(map, kernels::Pooling::Maximum, {1, 3}, window);
        return pooled.reshape({x.size(0), pooled.size(2), x.size(2)});
    }

    [[nodiscard]] Tensor decoded(NetworkRun& run, const Tensor& features, const Tensor& memory,
                                 RecordedDraws& draws) const {
        Tensor x = m_decoderEmbedding.run(run, features, m_inputs.context());
        auto number = static_cast<int>(m_encoder.size());
        for (std::size_t i = 0; i < m_decoder.size(); ++i) {
            const DecoderLayer& layer = m_decoder[i];
            const std::string name = fmt::format("decoder.blocks.{}", i);
            const auto index = static_cast<std::int64_t>(i);
            run.visit(name + ".hook_resid_pre", x, hiddenStates(index, "decoder_"));
            Tensor out = layer.attention.run(
                run, x, x, true, {name + ".attn", attentions(index, "decoder_"), number++}, draws);
            run.visit(name + ".hook_attn_out", out);
            x = run.norm(layer.norm, run.add(x, out));
            out = layer.cross.run(run, x, memory, false,
                                  {name + ".cross", attentions(index, "cross_"), number++}, draws);
            run.visit(name + ".hook_cross_out", out);
            x = run.norm(layer.crossNorm, run.add(x, out));
            x = layer.feedForward.run(run, x, name);
            run.visit(name + ".hook_resid_post", x,
                      i + 1 == m_decoder.size() ? hiddenStates(index + 1, "decoder_") : "");
        }
        return x;
    }

    SeriesInputs m_inputs;
    SeriesEmbedding m_encoderEmbedding;
    std::vector<EncoderLayer> m_encoder;
    SeriesEmbedding m_decoderEmbedding;
    std::vector<DecoderLayer> m_decoder;
    DistributionHead m_head;
};

} // namespace

std::shared_ptr<const Network> buildInformer(const checkpoint::ModelConfig& config, Weights& weights) {
    StackConfig stack = networkConfig(config);
    stack.hiddenSize = config.positive({"d_model"}, 64);
    stack.layers = config.positive({"encoder_layers"}, 2) + 2 * config.positive({"decoder_layers"}, 2);
    stack.heads = static_cast<int>(config.positive({"encoder_attention_heads"}, 2));
    stack.keyValueHeads = stack.heads;
    return std::make_shared<const Informer>(std::move(stack), config, weights);
}

} // namespace orrery::model
