// SPDX-License-Identifier: GPL-3.0-or-later
// wav2vec 2.0 (Baevski et al. 2020, "wav2vec 2.0: A Framework for Self-Supervised Learning of Speech
// Representations") and HuBERT (Hsu et al. 2021), which is the same network trained otherwise: convolutions
// over the samples of a sound, positions told by a wide convolution, and an encoder.
#include "base/error.h"
#include "model/networks/families.h"
#include "model/networks/sequence_block.h"
#include "model/networks/transformer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace orrery::model {
namespace {

/// One convolution of the feature extractor, over time, with its norm.
struct FeatureLayer {
    nn::Convolution convolution;
    std::int64_t kernel = 1;
    std::int64_t stride = 1;
    GroupNorm groupNorm; ///< weight undefined: none
    nn::Norm layerNorm;

    /// Frames that come out of so many; 0 when there are too few.
    [[nodiscard]] std::int64_t frames(std::int64_t length) const {
        return length < kernel ? 0 : (length - kernel) / stride + 1;
    }
};

std::vector<FeatureLayer> featureLayers(const checkpoint::ModelConfig& config, const Weights& scope) {
    const auto widths = config.integers({"conv_dim"}, {512, 512, 512, 512, 512, 512, 512});
    const auto kernels = config.integers({"conv_kernel"}, {10, 3, 3, 3, 3, 2, 2});
    const auto strides = config.integers({"conv_stride"}, {5, 2, 2, 2, 2, 2, 2});
    if (widths.empty() || kernels.size() != widths.size() || strides.size() != widths.size())
        throw config.error("conv_dim", "which must be as long as conv_kernel and conv_stride");
    const std::string norm = config.text({"feat_extract_norm"}, "group");
    if (norm != "group" && norm != "layer")
        throw config.error("feat_extract_norm", "which is neither \"group\" nor \"layer\"");
    const Bias bias = config.boolean({"conv_bias"}, false) ? Bias::Yes : Bias::No;
    std::vector<FeatureLayer> layers;
    std::int64_t inputs = 1;
    for (std::size_t i = 0; i < widths.size(); ++i) {
        if (widths[i] < 1 || kernels[i] < 1 || strides[i] < 1)
            throw config.error(widths[i] < 1    ? "conv_dim"
                               : kernels[i] < 1 ? "conv_kernel"
                                                : "conv_stride",
                               "where every number must be at least 1");
        const Weights place =
            scope.in(fmt::format("features.{}", i), fmt::format("feature_extractor.conv_layers.{}", i));
        FeatureLayer layer;
        layer.kernel = kernels[i];
        layer.stride = strides[i];
        ConvolutionSpec spec;
        spec.inputs = inputs;
        spec.outputs = inputs = widths[i];
        spec.kernel = {1, kernels[i]};
        spec.window.stride = {1, strides[i]};
        spec.bias = bias;
        layer.convolution = place.convolution1d("conv", "conv", spec);
        if (norm == "layer")
            layer.layerNorm = place.layerNorm("ln", "layer_norm", inputs, 1e-5);
        else if (i == 0) // each channel by itself, over all times
            layer.groupNorm = place.groupNorm("norm", "layer_norm", inputs, inputs, 1e-5);
        layers.push_back(std::move(layer));
    }
    return layers;
}

/// A convolution whose weight is stored as direction and length (Salimans & Kingma 2016), one length for each
/// place of the kernel.
nn::Convolution positionConvolution(const checkpoint::ModelConfig& config, const Weights& scope,
                                    std::int64_t width) {
    const std::int64_t size = config.positive({"num_conv_pos_embeddings"}, 128);
    const std::int64_t groups = config.positive({"num_conv_pos_embedding_groups"}, 16);
    constexpr std::int64_t most = 1 << 16;
    if (size > most)
        throw config.error("num_conv_pos_embeddings", "which is more than any model has");
    if (width % groups != 0)
        throw config.error("num_conv_pos_embedding_groups", "which does not divide hidden_size");
    const std::string path = "pos_conv_embed.conv.";
    const Shape shape{width, width / groups, size};
    const bool plain = scope.has(path + "weight");
    const bool old = scope.has(path + "weight_g");
    Tensor weight = scope.parameter("embed.positions",
                                    path + (plain ? "weight"
                                            : old ? "weight_v"
                                                  : "parametrizations.weight.original1"),
                                    shape);
    if (!plain) {
        const Tensor lengths =
            scope.parameter("embed.positions.lengths",
                            path + (old ? "weight_g" : "parametrizations.weight.original0"), {1, 1, size});
        weight = weight.clone();
        float* values = weight.mutablePointer<float>();
        const std::int64_t rows = width * (width / groups);
        for (std::int64_t k = 0; k < size; ++k) {
            double squares = 0;
            for (std::int64_t row = 0; row < rows; ++row)
                squares +=
                    static_cast<double>(values[row * size + k]) * static_cast<double>(values[row * size + k]);
            const double scale = squares > 0 ? lengths.at({0, 0, k}) / std::sqrt(squares) : 0;
            for (std::int64_t row = 0; row < rows; ++row)
                values[row * size + k] =
                    static_cast<float>(static_cast<double>(values[row * size + k]) * scale);
        }
    }
    const Tensor bias = scope.parameter("embed.positions.bias", path + "bias", {width});
    // Of a kernel of even size the last result is dropped: one zero less behind.
    nn::Window2d window;
    window.before = {0, size / 2};
    window.after = {0, size % 2 == 0 ? size / 2 - 1 : size / 2};
    return {"embed.positions", onednn::ConvolutionWeight(weight.unsqueeze(2), groups), window, bias};
}

class Wav2Vec2 final : public Network {
public:
    Wav2Vec2(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& all)
        : Network(std::move(stack)),
          m_featureActivation(
              nn::activationFromName(config.text({"feat_extract_activation"}, "gelu"), config.fileName())),
          m_stable(config.boolean({"do_stable_layer_norm"}, false)) {
        for (const char* key : {"add_adapter", "conv_pos_batch_norm"})
            if (config.boolean({key}, false))
                throw config.error(key, "which is not supported");
        if (config.has("adapter_attn_dim"))
            throw config.error("adapter_attn_dim", "but adapters in the layers are not supported");
        const std::int64_t width = this->config().hiddenSize;
        const double epsilon = config.real({"layer_norm_eps"}, 1e-5);
        const Weights base =
            all.under({prefixOf(config.modelType()), ""}, "feature_projection.projection.weight");
        base.ignore("masked_spec_embed"); // for training
        m_features = featureLayers(config, base);
        const std::int64_t features = m_features.back().convolution.outputs();
        if (config.boolean({"feat_proj_layer_norm"}, true))
            m_featureNorm = base.layerNorm("features.ln", "feature_projection.layer_norm", features, epsilon);
        m_projection = base.linear("features.out", "feature_projection.projection", features, width);
        const Weights encoder = base.in("", "encoder");
        m_positions = positionConvolution(config, encoder, width);
        m_norm = encoder.layerNorm(m_stable ? "ln_final" : "embed.ln", "layer_norm", width, epsilon);
        SequenceSpec spec;
        spec.width = width;
        spec.feedForward = this->config().feedForward;
        spec.takeHeads(config, "num_attention_heads", this->config().heads);
        spec.epsilon = epsilon;
        spec.activation = nn::activationFromName(config.text({"hidden_act"}, "gelu"), config.fileName());
        spec.postNorm = !m_stable;
        SequenceNames names;
        names.self = {.query = "attention.q_proj",
                      .key = "attention.k_proj",
                      .value = "attention.v_proj",
                      .out = "attention.out_proj",
                      .norm = "layer_norm"};
        names.mlpIn = {"feed_forward.intermediate_dense"};
        names.mlpOut = "feed_forward.output_dense";
        names.mlpNorm = "final_layer_norm";
        for (std::int64_t i = 0; i < this->config().layers; ++i)
            m_blocks.emplace_back(encoder.in(fmt::format("blocks.{}", i), fmt::format("layers.{}", i)), spec,
                                  names);
        const auto labels = static_cast<std::int64_t>(this->config().labels.size());
        if (isArchitecture(this->config(), "ForCTC")) {
            m_letters = all.linear("letters", "lm_head", width, config.positive({"vocab_size"}, 32));
        } else if (isArchitecture(this->config(), "ForAudioFrameClassification")) {
            m_letters = all.linear("classifier", "classifier", width, labels);
        } else if (isArchitecture(this->config(), "ForSequenceClassification")) {
            const std::int64_t size = config.positive({"classifier_proj_size"}, 256);
            m_pooled = all.linear("projector", "projector", width, size);
            m_classifier = all.linear("classifier", "classifier", size, labels);
        }
        if ((m_letters.defined() || m_pooled.defined()) &&
            config.boolean({"use_weighted_layer_sum"}, false)) {
            const std::int64_t states = this->config().layers + 1;
            const Tensor weights = all.parameter("layer_weights", "layer_weights", {states});
            double sum = 0;
            for (std::int64_t i = 0; i < states; ++i)
                sum += m_layerWeights.emplace_back(std::exp(weights.at({i})));
            for (double& weight : m_layerWeights)
                weight /= sum;
            if (isArchitecture(this->config(), "ForCTC"))
                m_layerWeights.clear(); // has them and does not use them
        }
    }

    [[nodiscard]] std::string task() const override {
        if (isArchitecture(config(), "ForCTC"))
            return "speech to letters";
        if (m_letters.defined())
            return "classification of moments";
        return m_pooled.defined() ? "audio classification" : "base model";
    }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override {
        NetworkInput sound{.name = "input_values",
                           .meaning = "samples of a sound, normalised",
                           .example = {1, 16000},
                           .sizes = {-1, -1}};
        NetworkInput mask = sound;
        mask.name = "attention_mask";
        mask.meaning = "1 for samples, 0 for padding";
        mask.dtype = DType::I64;
        mask.required = false;
        return {sound, mask};
    }

    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const override {
        const Tensor& sound = inputs.at("input_values");
        Tensor x = features(sound, run);
        Tensor mask;
        if (const auto given = inputs.find("attention_mask"); given != inputs.end())
            mask = frameMask(keyMaskOf(given->second, sound.shape()), x.size(1));
        NamedTensors outputs;
        if (m_featureNorm.defined())
            x = run.norm(m_featureNorm, x);
        if (!m_letters.defined() && !m_pooled.defined() && config().family != "hubert")
            outputs["extract_features"] = x;
        x = run.linear(m_projection, x);
        run.visit("hook_embed", x);
        if (mask.defined())
            x = silenced(x, mask, run);
        const Tensor positions = run.convolve(m_positions, x, m_featureActivation);
        run.visit("hook_pos_embed", positions);
        x = run.add(x, positions);
        if (!m_stable)
            x = run.norm(m_norm, x);
        SequencePlace place{.keyMask = mask, .finalNorm = m_stable};
        std::vector<Tensor> states;
        x = through(x, place, run, states);
        outputs["last_hidden_state"] = x;
        if (!m_layerWeights.empty()) {
            const Tensor sum = run.empty(x.shape());
            sum.fill(0);
            for (std::size_t i = 0; i < states.size(); ++i)
                addWeighted(sum, states[i], m_layerWeights[i]);
            x = sum;
        }
        if (m_letters.defined())
            outputs["logits"] = run.linear(m_letters, x);
        else if (m_pooled.defined())
            outputs["logits"] = run.linear(m_classifier, meanOfFrames(run.linear(m_pooled, x), mask, run));
        return outputs;
    }

private:
    /// What a checkpoint calls the base model.
    static std::string prefixOf(const std::string& modelType) {
        std::string name = modelType;
        std::replace(name.begin(), name.end(), '-', '_');
        return name;
    }

    /// [B, samples] to [B, frames, C]
    [[nodiscard]] Tensor features(const Tensor& sound, NetworkRun& run) const {
        std::int64_t frames = sound.size(1);
        for (const FeatureLayer& layer : m_features)
            frames = layer.frames(frames);
        if (frames < 1)
            throw UsageError(
                fmt::format("A sound of {} samples is too short for this model.", sound.size(1)));
        Tensor x = sound.contiguous().reshape({sound.size(0), sound.size(1), 1});
        for (std::size_t i = 0; i < m_features.size(); ++i) {
            const FeatureLayer& layer = m_features[i];
            if (!layer.groupNorm.weight.defined() && !layer.layerNorm.defined()) {
                x = run.convolve(layer.convolution, x, m_featureActivation);
            } else {
                x = run.convolve(layer.convolution, x);
                x = layer.layerNorm.defined() ? run.norm(layer.layerNorm, x)
                                              : run.groupNorm(layer.groupNorm, x);
                x = run.activate(m_featureActivation, x);
            }
            run.visit(fmt::format("features.{}.hook_out", i), x);
        }
        return x;
    }

    /// Which frames [B, L] u8 hear something of the samples that count, which come first.
    [[nodiscard]] Tensor frameMask(const Tensor& samples, std::int64_t frames) const {
        const Tensor mask = Tensor::full({samples.size(0), frames}, 0, DType::U8);
        for (std::int64_t item = 0; item < samples.size(0); ++item) {
            const std::uint8_t* row = samples.pointer<std::uint8_t>() + item * samples.size(1);
            std::int64_t length = std::count(row, row + samples.size(1), std::uint8_t{1});
            for (const FeatureLayer& layer : m_features)
                length = layer.frames(length);
            std::fill_n(mask.mutablePointer<std::uint8_t>() + item * frames, std::min(length, frames),
                        std::uint8_t{1});
        }
        return mask;
    }

    /// Zeros where the mask leaves frames out, so that the convolution of positions hears nothing there.
    static Tensor silenced(const Tensor& x, const Tensor& mask, NetworkRun& run) {
        const Tensor out = run.empty(x.shape());
        out.copyFrom(x);
        for (std::int64_t item = 0; item < x.size(0); ++item)
            for (std::int64_t frame = 0; frame < x.size(1); ++frame)
                if (mask.pointer<std::uint8_t>()[item * x.size(1) + frame] == 0)
                    out.select(0, item).select(0, frame).fill(0);
        return out;
    }

    /// The blocks; states: all hidden states where a head weighs them.
    [[nodiscard]] Tensor through(Tensor x, const SequencePlace& place, NetworkRun& run,
                                 std::vector<Tensor>& states) const {
        const int count = static_cast<int>(m_blocks.size());
        const bool kept = !m_layerWeights.empty();
        for (int i = 0; i < count; ++i) {
            const Tensor next = m_blocks[static_cast<std::size_t>(i)].run(run, x, place, i, count);
            if (kept) // after the block: its input may have been edited
                states.push_back(x);
            x = next;
        }
        if (m_stable) {
            x = run.norm(m_norm, x);
            run.visit("ln_final.hook_normalized", x, fmt::format("hidden_states.{}", count));
        }
        if (kept)
            states.push_back(x);
        return x;
    }

    static void addWeighted(const Tensor& sum, const Tensor& x, double weight) {
        const auto from = x.data<float>();
        const auto to = sum.mutableData<float>();
        for (std::size_t i = 0; i < to.size(); ++i)
            to[i] += static_cast<float>(weight) * from[i];
    }

    /// [B, C]: over the frames that count.
    static Tensor meanOfFrames(const Tensor& x, const Tensor& mask, NetworkRun& run) {
        if (!mask.defined())
            return run.meanOverPositions(x);
        const Tensor mean = run.empty({x.size(0), x.size(2)});
        mean.fill(0);
        for (std::int64_t item = 0; item < x.size(0); ++item) {
            std::int64_t frames = 0;
            for (std::int64_t frame = 0; frame < x.size(1); ++frame)
                if (mask.pointer<std::uint8_t>()[item * x.size(1) + frame] != 0) {
                    addWeighted(mean.select(0, item), x.select(0, item).select(0, frame), 1);
                    ++frames;
                }
            for (float& value : mean.select(0, item).mutableData<float>())
                value /= static_cast<float>(std::max<std::int64_t>(1, frames));
        }
        return mean;
    }

    nn::Activation m_featureActivation;
    bool m_stable; ///< norms before the parts of a block, and one at the end
    std::vector<FeatureLayer> m_features;
    nn::Norm m_featureNorm;
    LinearId m_projection;
    nn::Convolution m_positions;
    nn::Norm m_norm;
    std::vector<SequenceBlock> m_blocks;
    LinearId m_letters; ///< of CTC, or of the classes of frames
    LinearId m_pooled;
    LinearId m_classifier;
    std::vector<double> m_layerWeights;
};

} // namespace

std::shared_ptr<const Network> buildWav2Vec2(const checkpoint::ModelConfig& config, Weights& weights) {
    StackConfig stack = networkConfig(config);
    stack.hiddenSize = config.positive({"hidden_size"}, 768);
    stack.layers = config.positive({"num_hidden_layers"}, 12);
    stack.heads = static_cast<int>(config.positive({"num_attention_heads"}, 12));
    stack.keyValueHeads = stack.heads;
    stack.headSize = stack.hiddenSize / stack.heads;
    stack.feedForward = config.positive({"intermediate_size"}, 3072);
    return std::make_shared<const Wav2Vec2>(std::move(stack), config, weights);
}

} // namespace orrery::model
