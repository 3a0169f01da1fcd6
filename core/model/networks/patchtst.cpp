// SPDX-License-Identifier: GPL-3.0-or-later
// PatchTST (Nie et al. 2023, "A Time Series is Worth 64 Words"): every channel of a series is a sequence of
// its own, of patches of some steps, for one shared transformer.
#include "base/error.h"
#include "model/networks/sequence_families.h"
#include "model/networks/text.h"
#include "model/networks/time_series.h"
#include "model/networks/transformer.h"
#include "model/networks/vision.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace orrery::model {
namespace {

/// A layer norm, or a batch norm over channels as a factor and a summand.
struct PatchNorm {
    nn::Norm layer;
    Tensor scale;
    Tensor shift;

    PatchNorm() = default;
    PatchNorm(const Weights& scope, const std::string& name, std::int64_t width, double epsilon, bool batch) {
        if (!batch) {
            layer = scope.layerNorm(name, name, width, epsilon);
            return;
        }
        const auto read = [&](const char* part) {
            return scope.parameter(fmt::format("{}.{}", name, part),
                                   fmt::format("{}.batchnorm.{}", name, part), {width});
        };
        const Tensor gain = read("weight");
        const Tensor bias = read("bias");
        const Tensor mean = read("running_mean");
        const Tensor variance = read("running_var");
        scope.ignore(name + ".batchnorm.num_batches_tracked");
        scale = Tensor::empty({width});
        shift = Tensor::empty({width});
        for (std::int64_t i = 0; i < width; ++i) {
            const double factor = gain.at({i}) / std::sqrt(variance.at({i}) + epsilon);
            scale.mutablePointer<float>()[i] = static_cast<float>(factor);
            shift.mutablePointer<float>()[i] = static_cast<float>(bias.at({i}) - mean.at({i}) * factor);
        }
    }
    [[nodiscard]] Tensor run(NetworkRun& run, const Tensor& x) const {
        return scale.defined() ? run.scaleChannels(x, scale, shift) : run.norm(layer, x);
    }
};

class PatchTst final : public Network {
public:
    PatchTst(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& all)
        : Network(std::move(stack)), m_context(config.positive({"context_length"}, 32)),
          m_channels(config.positive({"num_input_channels"}, 1)),
          m_patch(config.positive({"patch_length"}, 1)), m_stride(config.positive({"patch_stride"}, 1)),
          m_preNorm(config.boolean({"pre_norm"}, true)),
          m_acrossChannels(config.boolean({"channel_attention"}, false)),
          m_classToken(config.boolean({"use_cls_token"}, false)), m_scaling(config) {
        if (m_context < m_patch)
            throw config.error("patch_length", "which is more than context_length");
        if (config.boolean({"do_mask_input"}, false))
            throw config.error("do_mask_input", "but inputs masked at random belong to pretraining");
        m_patches = (m_context - m_patch) / m_stride + 1;
        const StackConfig& sizes = this->config();
        const std::int64_t width = sizes.hiddenSize;
        const double epsilon = config.real({"norm_eps"}, 1e-5);
        const bool batchNorm = config.text({"norm_type"}, "batchnorm") == "batchnorm";
        const Bias bias = config.boolean({"bias"}, true) ? Bias::Yes : Bias::No;
        const Weights model = all.under({"model", ""}, "encoder.positional_encoder.position_enc");
        const Weights encoder = model.in("", "encoder");
        if (config.boolean({"share_embedding"}, true)) {
            m_embeddings.push_back(
                encoder.linear("embed.patches", "embedder.input_embedding", m_patch, width));
        } else {
            for (std::int64_t c = 0; c < m_channels; ++c)
                m_embeddings.push_back(encoder.linear(fmt::format("embed.patches.{}", c),
                                                      fmt::format("embedder.input_embedding.{}", c), m_patch,
                                                      width));
        }
        const std::int64_t tokens = m_patches + (m_classToken ? 1 : 0);
        m_positions =
            encoder.parameter("embed.positions", "positional_encoder.position_enc", {tokens, width});
        if (m_classToken)
            m_class = encoder.parameter("embed.class", "positional_encoder.cls_token", {1, 1, 1, width});
        m_activation =
            nn::activationFromName(config.text({"activation_function"}, "gelu"), config.fileName());
        for (std::int64_t i = 0; i < sizes.layers; ++i) {
            const Weights scope = encoder.in(fmt::format("blocks.{}", i), fmt::format("layers.{}", i));
            Layer layer;
            layer.attention = SeriesProjections(scope, "attn", "self_attn", width);
            layer.norm1 = PatchNorm(scope, "norm_sublayer1", width, epsilon, batchNorm);
            if (m_acrossChannels)
                layer.norm2 = PatchNorm(scope, "norm_sublayer2", width, epsilon, batchNorm);
            layer.norm3 = PatchNorm(scope, "norm_sublayer3", width, epsilon, batchNorm);
            layer.in = scope.linear("mlp.in", "ff.0", width, sizes.feedForward, bias);
            layer.out = scope.linear("mlp.out", "ff.3", sizes.feedForward, width, bias);
            m_layers.push_back(std::move(layer));
        }
        if (isArchitecture(sizes, "ForPrediction"))
            readHead(config, all, width);
    }

    [[nodiscard]] std::string task() const override { return "forecasting of series"; }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override {
        NetworkInput values{.name = "past_values",
                            .meaning = "the series so far",
                            .example = {1, m_context, m_channels},
                            .sizes = {-1, m_context, m_channels},
                            .dtype = DType::F32};
        NetworkInput mask = values;
        mask.name = "past_observed_mask";
        mask.meaning = "1 where a value is known, 0 where it is missing";
        mask.required = false;
        return {values, mask};
    }

    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const override {
        const Tensor past = inputs.at("past_values").contiguous();
        const Tensor observed = inputOf(inputs, "past_observed_mask");
        if (observed.defined() && !(observed.shape() == past.shape()))
            throw UsageError(fmt::format("\"past_observed_mask\" has shape {} where {} is needed.",
                                         observed.shape().toText(), past.shape().toText()));
        const SeriesScaling::Result scaling =
            m_scaling.of(past, observed.defined() ? observed.contiguous() : observed);
        const std::int64_t batch = past.size(0);
        const std::int64_t width = config().hiddenSize;
        Tensor x = embedded(run, scaledSeries(past, scaling)); // [B C, n, D]
        const std::int64_t tokens = x.size(1);
        const auto byChannel = [&](const Tensor& rows) {
            return rows.reshape({batch, m_channels, tokens, width});
        };
        for (std::size_t i = 0; i < m_layers.size(); ++i) {
            const auto index = static_cast<std::int64_t>(i);
            const std::string name = fmt::format("blocks.{}", i);
            run.visit(name + ".hook_resid_pre", byChannel(x), hiddenStates(index));
            x = layerOf(run, m_layers[i], x, batch, name, index);
        }
        const Tensor hidden = byChannel(x);
        run.visit("hook_resid_post", hidden);
        NamedTensors outputs{
            {"last_hidden_state", hidden}, {"loc", scaling.location}, {"scale", scaling.scale}};
        if (!m_heads.empty() || !m_distributions.empty())
            predict(run, hidden, scaling, outputs);
        return outputs;
    }

private:
    struct Layer {
        SeriesProjections attention;
        PatchNorm norm1;
        PatchNorm norm2;
        PatchNorm norm3;
        LinearId in;
        LinearId out;
    };

    void readHead(const checkpoint::ModelConfig& config, const Weights& all, std::int64_t width) {
        m_pooling = config.has("pooling_type") ? config.text({"pooling_type"}) : "";
        if (!m_pooling.empty() && m_pooling != "mean" && m_pooling != "max")
            throw config.error("pooling_type", "which is neither \"mean\" nor \"max\"");
        const std::int64_t inputs = m_pooling.empty() && !m_classToken ? width * m_patches : width;
        m_prediction = config.positive({"prediction_length"}, 24);
        const bool shared = config.boolean({"share_projection"}, true);
        const bool values = config.text({"loss"}, "mse") == "mse";
        for (std::int64_t c = 0; c < (shared ? 1 : m_channels); ++c) {
            const std::string path = shared ? "head.projection" : fmt::format("head.projections.{}", c);
            const std::string module = shared ? "head" : fmt::format("head.{}", c);
            if (values)
                m_heads.push_back(all.linear(module, path, inputs, m_prediction));
            else
                m_distributions.emplace_back(all.in(module, ""), config, inputs, m_prediction, path);
        }
    }

    /// Patches of the end of the context, embedded, with positions: [B C, n, D].
    [[nodiscard]] Tensor embedded(NetworkRun& run, const Tensor& values) const {
        const std::int64_t batch = values.size(0);
        const std::int64_t width = config().hiddenSize;
        const std::int64_t begin = m_context - (m_patch + m_stride * (m_patches - 1));
        const Tensor patches = run.empty({batch, m_channels, m_patches, m_patch});
        for (std::int64_t row = 0; row < patches.elements() / m_patch; ++row) {
            const std::int64_t patch = row % m_patches;
            const std::int64_t channel = row / m_patches % m_channels;
            const std::int64_t item = row / m_patches / m_channels;
            for (std::int64_t t = 0; t < m_patch; ++t)
                patches.mutablePointer<float>()[row * m_patch + t] =
                    values.pointer<float>()[(item * m_context + begin + patch * m_stride + t) * m_channels +
                                            channel];
        }
        Tensor x;
        if (m_embeddings.size() == 1) {
            x = run.linear(m_embeddings.front(), patches);
        } else {
            x = run.empty({batch, m_channels, m_patches, width});
            for (std::int64_t c = 0; c < m_channels; ++c)
                x.select(1, c).copyFrom(
                    run.linear(m_embeddings[static_cast<std::size_t>(c)], run.dense(patches.select(1, c))));
        }
        x = x.reshape({batch * m_channels, m_patches, width});
        run.visit("hook_embed", x);
        if (!m_classToken)
            return run.addRepeated(x, m_positions);
        const Tensor rest = run.addRepeated(x, m_positions.slice(0, 1, m_patches + 1));
        const Tensor first = run.add(m_class.reshape({1, width}), m_positions.slice(0, 0, 1));
        return run.concat({repeated(run, first.reshape({width}), batch * m_channels), rest}, 1);
    }

    [[nodiscard]] Tensor attended(NetworkRun& run, const SeriesProjections& parts, const Tensor& x,
                                  const NetworkRun::AttentionSite& site) const {
        nn::AttentionInput input;
        input.query = headsOf(run.linear(parts.query, x), config().heads);
        input.key = headsOf(run.linear(parts.key, x), config().heads);
        input.value = headsOf(run.linear(parts.value, x), config().heads);
        input.scale = 1 / std::sqrt(static_cast<double>(input.query.size(3)));
        return run.linear(parts.out, joinHeads(run.attention(site, input)));
    }

    /// x + f(norm(x)) or norm(x + f(x))
    template <typename Work>
    [[nodiscard]] Tensor around(NetworkRun& run, const PatchNorm& norm, const Tensor& x,
                                const Work& work) const {
        if (m_preNorm)
            return run.add(x, work(norm.run(run, x)));
        return norm.run(run, run.add(x, work(x)));
    }

    [[nodiscard]] Tensor layerOf(NetworkRun& run, const Layer& layer, Tensor x, std::int64_t batch,
                                 const std::string& name, std::int64_t index) const {
        const std::int64_t tokens = x.size(1);
        const std::int64_t width = x.size(2);
        x = around(run, layer.norm1, x, [&](const Tensor& input) {
            Tensor out = attended(run, layer.attention, input,
                                  {name + ".attn", attentions(index), static_cast<int>(index)});
            run.visit(name + ".hook_attn_out", out);
            return out;
        });
        if (m_acrossChannels) { // the same attention between the channels of each patch
            Tensor across = run.dense(x.reshape({batch, m_channels, tokens, width}).transpose(1, 2))
                                .reshape({batch * tokens, m_channels, width});
            across = around(run, layer.norm2, across, [&](const Tensor& input) {
                return attended(run, layer.attention, input,
                                {name + ".channels", "", static_cast<int>(index)});
            });
            x = run.dense(across.reshape({batch, tokens, m_channels, width}).transpose(1, 2))
                    .reshape({batch * m_channels, tokens, width});
        }
        run.visit(name + ".hook_resid_mid", x);
        return around(run, layer.norm3, x, [&](const Tensor& input) {
            const Tensor hidden = run.linear(layer.in, input, m_activation);
            run.visit(name + ".mlp.hook_post", hidden);
            Tensor out = run.linear(layer.out, hidden);
            run.visit(name + ".hook_mlp_out", out);
            return out;
        });
    }

    void predict(NetworkRun& run, const Tensor& hidden, const SeriesScaling::Result& scaling,
                 NamedTensors& outputs) const {
        const std::int64_t batch = hidden.size(0);
        const std::int64_t tokens = hidden.size(2);
        const std::int64_t width = hidden.size(3);
        Tensor pooled; // [B, C, inputs]
        if (m_classToken) {
            pooled = run.dense(hidden.select(2, 0));
        } else if (m_pooling.empty()) {
            pooled = hidden.contiguous().reshape({batch, m_channels, tokens * width});
        } else if (m_pooling == "mean") {
            pooled = run.meanOverPositions(hidden.reshape({batch * m_channels, tokens, width}))
                         .reshape({batch, m_channels, width});
        } else {
            pooled = run.pool(hidden.reshape({batch * m_channels, 1, tokens, width}),
                              kernels::Pooling::Maximum, {1, tokens}, {})
                         .reshape({batch, m_channels, width});
        }
        run.visit("head.hook_pool", pooled);
        if (!m_distributions.empty()) {
            std::vector<Tensor> all; // [B, P, C] each
            for (std::int64_t c = 0; c < m_channels; ++c) {
                const DistributionHead& head =
                    m_distributions[m_distributions.size() == 1 ? 0 : static_cast<std::size_t>(c)];
                const Tensor one = run.dense(pooled.slice(1, c, c + 1));
                const std::vector<Tensor> parameters = head.run(run, one);
                for (std::size_t i = 0; i < parameters.size(); ++i) {
                    if (all.size() <= i)
                        all.push_back(run.empty({batch, m_prediction, m_channels}));
                    all[i].select(2, c).copyFrom(parameters[i].reshape({batch, m_prediction}));
                }
            }
            for (std::size_t i = 0; i < all.size(); ++i)
                outputs[fmt::format("prediction_outputs.{}", i)] = all[i];
            return;
        }
        const Tensor predicted = run.empty({batch, m_prediction, m_channels});
        for (std::int64_t c = 0; c < m_channels; ++c) {
            const LinearId head = m_heads[m_heads.size() == 1 ? 0 : static_cast<std::size_t>(c)];
            predicted.select(2, c).copyFrom(run.linear(head, run.dense(pooled.select(1, c))));
        }
        float* values = predicted.mutablePointer<float>();
        for (std::int64_t at = 0; at < predicted.elements(); ++at) {
            const std::int64_t place = at / (m_prediction * m_channels) * m_channels + at % m_channels;
            values[at] =
                values[at] * scaling.scale.pointer<float>()[place] + scaling.location.pointer<float>()[place];
        }
        outputs["prediction_outputs"] = predicted;
    }

    std::int64_t m_context;
    std::int64_t m_channels;
    std::int64_t m_patch;
    std::int64_t m_stride;
    std::int64_t m_patches = 0;
    bool m_preNorm;
    bool m_acrossChannels;
    bool m_classToken;
    SeriesScaling m_scaling;
    std::vector<LinearId> m_embeddings; ///< one for all channels, or one each
    Tensor m_positions;
    Tensor m_class;
    nn::Activation m_activation = nn::Activation::Gelu;
    std::vector<Layer> m_layers;
    std::string m_pooling;
    std::int64_t m_prediction = 0;
    std::vector<LinearId> m_heads;
    std::vector<DistributionHead> m_distributions;
};

} // namespace

std::shared_ptr<const Network> buildPatchTst(const checkpoint::ModelConfig& config, Weights& weights) {
    StackConfig stack = networkConfig(config);
    stack.hiddenSize = config.positive({"d_model"}, 128);
    stack.layers = config.positive({"num_hidden_layers"}, 3);
    stack.heads = static_cast<int>(config.positive({"num_attention_heads"}, 4));
    stack.headSize = config.quotient({"d_model"}, {"num_attention_heads"});
    stack.keyValueHeads = stack.heads;
    stack.feedForward = config.positive({"ffn_dim"}, 512);
    return std::make_shared<const PatchTst>(std::move(stack), config, weights);
}

} // namespace orrery::model
