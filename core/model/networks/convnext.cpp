// SPDX-License-Identifier: GPL-3.0-or-later
// ConvNeXt (Liu et al. 2022, "A ConvNet for the 2020s") and ConvNeXt V2 (Woo et al. 2023): depthwise
// convolutions of 7 x 7, layer norms and pointwise products; V2 puts a global response norm between these.
#include "model/networks/families.h"
#include "model/networks/vision.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace orrery::model {
namespace {

constexpr double blockEpsilon = 1e-6; ///< of all norms but the last

/// GRN of a map [B, H, W, C]: x n weight + bias + x with n the channel's norm over the map relative to the
/// mean over channels (Woo et al. 2023, section 3).
Tensor globalResponse(NetworkRun& run, const Tensor& x, const Tensor& weight, const Tensor& bias) {
    const std::int64_t channels = x.size(3);
    const std::int64_t positions = x.size(1) * x.size(2);
    const Tensor out = run.empty(x.shape());
    std::vector<double> norms(static_cast<std::size_t>(channels));
    const Tensor scale = Tensor::empty({channels});
    for (std::int64_t item = 0; item < x.size(0); ++item) {
        const float* values = x.pointer<float>() + item * positions * channels;
        std::fill(norms.begin(), norms.end(), 0.0);
        for (std::int64_t p = 0; p < positions; ++p)
            for (std::int64_t c = 0; c < channels; ++c) {
                const auto value = static_cast<double>(values[p * channels + c]);
                norms[static_cast<std::size_t>(c)] += value * value;
            }
        double mean = 0;
        for (double& norm : norms) {
            norm = std::sqrt(norm);
            mean += norm / static_cast<double>(channels);
        }
        for (std::int64_t c = 0; c < channels; ++c)
            scale.mutablePointer<float>()[c] =
                static_cast<float>(1 + static_cast<double>(weight.pointer<float>()[c]) *
                                           norms[static_cast<std::size_t>(c)] / (mean + blockEpsilon));
        kernels::scaleChannels(x.slice(0, item, item + 1), scale, bias, out.slice(0, item, item + 1));
    }
    return out;
}

class ConvNext final : public Network {
public:
    ConvNext(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& all)
        : Network(std::move(stack)), m_channels(config.positive({"num_channels"}, 3)),
          m_image(sidesOf(config, {"image_size"}, 224)), m_patch(config.positive({"patch_size"}, 4)),
          m_activation(nn::activationFromName(config.text({"hidden_act"}, "gelu"), config.fileName())) {
        const bool second = this->config().family == "convnextv2";
        const std::vector<std::int64_t> sizes = config.integers({"hidden_sizes"}, {96, 192, 384, 768});
        const std::vector<std::int64_t> depths = config.integers({"depths"}, {3, 3, 9, 3});
        if (sizes.size() != depths.size() || sizes.empty())
            throw config.error("depths", "which must name as many stages as hidden_sizes");
        const Weights weights = all.under({this->config().family, ""}, "embeddings.patch_embeddings.weight");
        m_projection = weights.patches("embed.patches", "embeddings.patch_embeddings",
                                       {sizes[0], m_channels, m_patch, m_patch});
        m_embeddingNorm = weights.layerNorm("embed.ln", "embeddings.layernorm", sizes[0], blockEpsilon);
        std::int64_t inputs = sizes[0];
        for (std::size_t i = 0; i < sizes.size(); ++i) {
            Stage& stage = m_stages.emplace_back();
            const Weights scope =
                weights.in(fmt::format("stages.{}", i), fmt::format("encoder.stages.{}", i));
            if (i > 0) {
                stage.downNorm = scope.layerNorm("down.ln", "downsampling_layer.0", inputs, blockEpsilon);
                stage.down = scope.convolution("down.conv", "downsampling_layer.1",
                                               ConvolutionSpec::square(inputs, sizes[i], 2, 2));
            }
            inputs = sizes[i];
            for (std::int64_t j = 0; j < depths[i]; ++j)
                stage.blocks.push_back(block(
                    scope.in(fmt::format("blocks.{}", j), fmt::format("layers.{}", j)), inputs, second));
        }
        m_norm = weights.layerNorm("ln_final", "layernorm", inputs, config.real({"layer_norm_eps"}, 1e-12));
        if (isArchitecture(this->config(), "ForImageClassification"))
            m_classifier = all.linear("classifier", "classifier", inputs,
                                      static_cast<std::int64_t>(this->config().labels.size()));
    }

    [[nodiscard]] std::string task() const override {
        return m_classifier.defined() ? "image classification" : "base model";
    }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override {
        return {imageInput(m_channels, m_image)};
    }

    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const override {
        const Tensor& pixels = inputs.at("pixel_values");
        Tensor x = NetworkRun::grid(run.linear(m_projection, run.patches(pixels, {m_patch, m_patch})),
                                    pixels.size(2) / m_patch, pixels.size(3) / m_patch);
        x = run.norm(m_embeddingNorm, x);
        run.visitMap("hook_embed", x, hiddenStates(0));
        for (std::size_t i = 0; i < m_stages.size(); ++i) {
            const Stage& stage = m_stages[i];
            if (stage.down.defined()) {
                x = run.convolve(stage.down, run.norm(stage.downNorm, x));
                run.visitMap(fmt::format("stages.{}.down.hook_conv", i), x);
            }
            for (std::size_t j = 0; j < stage.blocks.size(); ++j)
                x = runBlock(run, stage.blocks[j], x, fmt::format("stages.{}.blocks.{}", i, j));
            run.visitMap(fmt::format("stages.{}.hook_out", i), x,
                         hiddenStates(static_cast<std::int64_t>(i) + 1));
        }
        const Tensor pooled = run.norm(m_norm, run.meanOverPositions(x));
        NamedTensors outputs{{"last_hidden_state", x.transpose(2, 3).transpose(1, 2)},
                             {"pooler_output", pooled}};
        if (m_classifier.defined())
            outputs["logits"] = run.linear(m_classifier, pooled);
        return outputs;
    }

private:
    struct Block {
        nn::Convolution depthwise;
        nn::Norm norm;
        LinearId in;
        LinearId out;
        Tensor scale;        ///< layer scale
        Tensor responseGain; ///< GRN
        Tensor responseBias;
    };
    struct Stage {
        nn::Norm downNorm;
        nn::Convolution down; ///< undefined in the first
        std::vector<Block> blocks;
    };

    static Block block(const Weights& scope, std::int64_t width, bool second) {
        Block block;
        ConvolutionSpec spec = ConvolutionSpec::square(width, width, 7, 1, 3);
        spec.groups = width;
        block.depthwise = scope.convolution("conv", "dwconv", spec);
        block.norm = scope.layerNorm("ln1", "layernorm", width, blockEpsilon);
        block.in = scope.linear("mlp.in", "pwconv1", width, 4 * width);
        if (second) {
            block.responseGain = scope.parameter("mlp.response.gain", "grn.weight", {1, 1, 1, 4 * width});
            block.responseBias = scope.parameter("mlp.response.bias", "grn.bias", {1, 1, 1, 4 * width});
        }
        block.out = scope.linear("mlp.out", "pwconv2", 4 * width, width);
        if (scope.has("layer_scale_parameter"))
            block.scale = scope.parameter("scale", "layer_scale_parameter", {width});
        return block;
    }

    [[nodiscard]] Tensor runBlock(NetworkRun& run, const Block& block, const Tensor& x,
                                  const std::string& name) const {
        run.visitMap(name + ".hook_resid_pre", x);
        const Tensor mixed = run.convolve(block.depthwise, x);
        run.visitMap(name + ".conv.hook_conv", mixed);
        const Tensor normed = run.norm(block.norm, mixed);
        run.visitMap(name + ".ln1.hook_normalized", normed);
        Tensor hidden = run.linear(block.in, normed, m_activation);
        if (block.responseGain.defined())
            hidden = globalResponse(run, hidden, block.responseGain, block.responseBias);
        run.visitMap(name + ".mlp.hook_post", hidden);
        const Tensor out = run.linear(block.out, hidden);
        run.visitMap(name + ".hook_mlp_out", out);
        const Tensor result = run.addScaled(x, out, block.scale);
        run.visitMap(name + ".hook_resid_post", result);
        return result;
    }

    std::int64_t m_channels;
    kernels::Pair m_image;
    std::int64_t m_patch;
    nn::Activation m_activation;
    LinearId m_projection;
    nn::Norm m_embeddingNorm;
    std::vector<Stage> m_stages;
    nn::Norm m_norm;
    LinearId m_classifier;
};

} // namespace

std::shared_ptr<const Network> buildConvNext(const checkpoint::ModelConfig& config, Weights& weights) {
    StackConfig stack = networkConfig(config);
    const auto sizes = config.integers({"hidden_sizes"}, {96, 192, 384, 768});
    stack.hiddenSize = sizes.empty() ? 0 : sizes.back();
    return std::make_shared<const ConvNext>(std::move(stack), config, weights);
}

} // namespace orrery::model
