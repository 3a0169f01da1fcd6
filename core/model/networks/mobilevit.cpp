// SPDX-License-Identifier: GPL-3.0-or-later
// MobileViT (Mehta & Rastegari 2022, "Light-weight, General-purpose, and Mobile-friendly Vision
// Transformer"): inverted residuals of convolutions, and blocks in which the pixels at the same place of all
// patches attend to each other.
#include "model/networks/families.h"
#include "model/networks/transformer.h"
#include "model/networks/vision.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace orrery::model {
namespace {

using kernels::Pair;

/// The nearest multiple of eight that does not lose a tenth.
std::int64_t eights(double value) {
    std::int64_t result = std::max<std::int64_t>(8, static_cast<std::int64_t>(value + 4) / 8 * 8);
    if (static_cast<double>(result) < 0.9 * value)
        result += 8;
    return result;
}

struct ConvolutionOptions {
    std::int64_t size = 1;
    std::int64_t stride = 1;
    std::int64_t groups = 1;
    std::int64_t dilation = 1;
    bool normed = true;
};

nn::Convolution layerOf(const Weights& scope, const std::string& name, std::int64_t inputs,
                        std::int64_t outputs, const ConvolutionOptions& options) {
    ConvolutionSpec spec = ConvolutionSpec::square(inputs, outputs, options.size, options.stride,
                                                   (options.size - 1) / 2 * options.dilation);
    spec.window.dilation = {options.dilation, options.dilation};
    spec.groups = options.groups;
    spec.bias = Bias::IfStored;
    if (options.normed)
        spec.batchNorm = name + ".normalization";
    return scope.convolution(name, name + ".convolution", spec);
}

/// MobileNet V2's block (Sandler et al. 2018).
struct InvertedResidual {
    nn::Convolution expand;
    nn::Convolution depthwise;
    nn::Convolution reduce;
    bool residual = false;

    InvertedResidual() = default;
    InvertedResidual(const Weights& scope, std::int64_t inputs, std::int64_t outputs, double ratio,
                     std::int64_t stride, std::int64_t dilation = 1)
        : residual(stride == 1 && inputs == outputs) {
        const std::int64_t hidden = eights(std::nearbyint(static_cast<double>(inputs) * ratio));
        expand = layerOf(scope, "expand_1x1", inputs, hidden, {});
        depthwise = layerOf(scope, "conv_3x3", hidden, hidden,
                            {.size = 3, .stride = stride, .groups = hidden, .dilation = dilation});
        reduce = layerOf(scope, "reduce_1x1", hidden, outputs, {});
    }
    [[nodiscard]] bool defined() const { return expand.defined(); }
    [[nodiscard]] Tensor run(NetworkRun& run, const Tensor& x, nn::Activation activation,
                             const std::string& name) const {
        const Tensor out =
            run.convolve(reduce, run.convolve(depthwise, run.convolve(expand, x, activation), activation));
        const Tensor result = residual ? run.add(x, out) : out;
        run.visitMap(name + ".hook_conv", result);
        return result;
    }
};

class MobileVit final : public Network {
public:
    MobileVit(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& all)
        : Network(std::move(stack)), m_channels(config.positive({"num_channels"}, 3)),
          m_image(sidesOf(config, {"image_size"}, 256)), m_patch(config.positive({"patch_size"}, 2)),
          m_activation(nn::activationFromName(config.text({"hidden_act"}, "silu"), config.fileName())) {
        const auto necks = config.integers({"neck_hidden_sizes"}, {16, 32, 64, 96, 128, 160, 640});
        const auto sizes = config.integers({"hidden_sizes"}, {144, 192, 240});
        if (necks.size() != 7)
            throw config.error("neck_hidden_sizes", "which must be seven numbers of channels");
        if (sizes.size() != 3)
            throw config.error("hidden_sizes", "which must be three widths");
        const std::int64_t outputStride = config.positive({"output_stride"}, 32);
        const double ratio = config.real({"expand_ratio"}, 4.0);
        if (!(ratio > 0 && ratio < 1024))
            throw config.error("expand_ratio", "which is no widening of channels");
        const Weights weights = all.under({"mobilevit", ""}, "conv_stem.convolution.weight");
        m_stem = layerOf(weights, "conv_stem", m_channels, necks[0], {.size = 3, .stride = 2});
        const auto layer = [&](int i) {
            return weights.in(fmt::format("stages.{}", i), fmt::format("encoder.layer.{}", i));
        };
        m_first.emplace_back(layer(0).in("blocks.0", "layer.0"), necks[0], necks[1], ratio, 1);
        for (int j = 0; j < 3; ++j)
            m_second.emplace_back(layer(1).in(fmt::format("blocks.{}", j), fmt::format("layer.{}", j)),
                                  j == 0 ? necks[1] : necks[2], necks[2], ratio, j == 0 ? 2 : 1);
        constexpr std::array<int, 3> depths{2, 4, 3};
        std::int64_t dilation = 1;
        for (std::size_t i = 0; i < 3; ++i) {
            if ((i == 1 && outputStride == 8) || (i == 2 && outputStride <= 16))
                dilation *= 2;
            m_stages.push_back(stage(layer(static_cast<int>(i) + 2), config, necks[i + 2], necks[i + 3],
                                     sizes[i], depths[i], ratio, dilation));
        }
        if (!isArchitecture(this->config(), "ForSemanticSegmentation"))
            m_last = layerOf(weights, "conv_1x1_exp", necks[5], necks[6], {});
        if (isArchitecture(this->config(), "ForImageClassification"))
            m_classifier = all.linear("classifier", "classifier", necks[6],
                                      static_cast<std::int64_t>(this->config().labels.size()));
    }

    [[nodiscard]] std::string task() const override {
        return m_classifier.defined() ? "image classification" : "base model";
    }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override {
        return {imageInput(m_channels, m_image)};
    }

    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const override {
        Tensor x = run.convolve(m_stem, run.map(inputs.at("pixel_values")), m_activation);
        run.visitMap("stem.hook_conv", x);
        for (const auto* blocks : {&m_first, &m_second}) {
            const int i = blocks == &m_first ? 0 : 1;
            for (std::size_t j = 0; j < blocks->size(); ++j)
                x = (*blocks)[j].run(run, x, m_activation, fmt::format("stages.{}.blocks.{}", i, j));
            run.visitMap(fmt::format("stages.{}.hook_out", i), x, hiddenStates(i));
        }
        int layer = 0;
        for (std::size_t i = 0; i < m_stages.size(); ++i) {
            x = runStage(run, m_stages[i], x, fmt::format("stages.{}", i + 2), layer);
            run.visitMap(fmt::format("stages.{}.hook_out", i + 2), x,
                         hiddenStates(static_cast<std::int64_t>(i) + 2));
        }
        if (m_last.defined())
            x = run.convolve(m_last, x, m_activation);
        NamedTensors outputs{{"last_hidden_state", x.transpose(2, 3).transpose(1, 2)}};
        if (m_last.defined()) {
            outputs["pooler_output"] = run.meanOverPositions(x);
            if (m_classifier.defined())
                outputs["logits"] = run.linear(m_classifier, outputs["pooler_output"]);
        }
        return outputs;
    }

private:
    struct Stage {
        InvertedResidual down;
        nn::Convolution local;
        nn::Convolution in;
        std::vector<TransformerBlock> blocks;
        nn::Norm norm;
        nn::Convolution out;
        nn::Convolution fuse;
    };

    [[nodiscard]] Stage stage(const Weights& scope, const checkpoint::ModelConfig& config,
                              std::int64_t inputs, std::int64_t outputs, std::int64_t width, int depth,
                              double ratio, std::int64_t dilation) const {
        Stage stage;
        stage.down = {scope.in("down", "downsampling_layer"), inputs, outputs, ratio, dilation == 1 ? 2 : 1,
                      dilation > 1 ? dilation / 2 : 1};
        const std::int64_t size = config.positive({"conv_kernel_size"}, 3);
        stage.local = layerOf(scope, "conv_kxk", outputs, outputs, {.size = size});
        stage.in = layerOf(scope, "conv_1x1", outputs, width, {.normed = false});
        BlockSpec spec;
        spec.width = width;
        spec.feedForward = widened(config, "mlp_ratio", width, 2.0);
        spec.heads = static_cast<int>(config.positive({"num_attention_heads"}, 4));
        if (width % spec.heads != 0)
            throw config.error("num_attention_heads",
                               fmt::format("which does not divide the width {}", width));
        spec.epsilon = config.real({"layer_norm_eps"}, 1e-5);
        spec.activation = m_activation;
        const BlockNames names{.queryKeyValue = {"attention.attention.query", "attention.attention.key",
                                                 "attention.attention.value"},
                               .attentionOut = "attention.output.dense",
                               .norm1 = "layernorm_before",
                               .norm2 = "layernorm_after",
                               .mlpIn = "intermediate.dense",
                               .mlpOut = "output.dense"};
        for (int j = 0; j < depth; ++j)
            stage.blocks.emplace_back(
                scope.in(fmt::format("blocks.{}", j), fmt::format("transformer.layer.{}", j)), spec, names);
        stage.norm = scope.layerNorm("ln", "layernorm", width, spec.epsilon);
        stage.out = layerOf(scope, "conv_projection", width, outputs, {});
        stage.fuse = layerOf(scope, "fusion", 2 * outputs, outputs, {.size = size});
        return stage;
    }

    [[nodiscard]] Tensor runStage(NetworkRun& run, const Stage& stage, const Tensor& input,
                                  const std::string& name, int& layer) const {
        const Tensor x = stage.down.run(run, input, m_activation, name + ".down");
        Tensor map = run.convolve(stage.in, run.convolve(stage.local, x, m_activation));
        const std::int64_t height = map.size(1);
        const std::int64_t width = map.size(2);
        const std::int64_t rows = (height + m_patch - 1) / m_patch;
        const std::int64_t columns = (width + m_patch - 1) / m_patch;
        const bool uneven = rows * m_patch != height || columns * m_patch != width;
        if (uneven)
            map = run.resample(map, rows * m_patch, columns * m_patch, kernels::Interpolation::Bilinear);
        // Sequences of the pixels that stand at the same place of all patches.
        const std::int64_t patches = rows * columns;
        const std::int64_t cells = m_patch * m_patch;
        const auto swapped = [&](const Tensor& from, std::int64_t a, std::int64_t b) {
            const Tensor view = from.contiguous().reshape({map.size(0), a, b, map.size(3)}).transpose(1, 2);
            return run.dense(view).reshape({map.size(0) * b, a, map.size(3)});
        };
        Tensor tokens = swapped(run.cutWindows(map, {m_patch, m_patch}, {0, 0}), patches, cells);
        for (std::size_t j = 0; j < stage.blocks.size(); ++j) {
            tokens = stage.blocks[j].run(run, tokens,
                                         {.name = fmt::format("{}.blocks.{}", name, j),
                                          .layer = layer,
                                          .attentionAlias = attentions(layer),
                                          .grid = {rows, columns}});
            ++layer;
        }
        tokens = run.norm(stage.norm, tokens);
        run.visit(name + ".ln.hook_normalized", tokens);
        map = run.joinWindows(swapped(tokens, cells, patches), map.shape(), {m_patch, m_patch}, {0, 0});
        if (uneven)
            map = run.resample(map, height, width, kernels::Interpolation::Bilinear);
        const Tensor back = run.convolve(stage.out, map, m_activation);
        return run.convolve(stage.fuse, run.concat({x, back}, 3), m_activation);
    }

    std::int64_t m_channels;
    Pair m_image;
    std::int64_t m_patch;
    nn::Activation m_activation;
    nn::Convolution m_stem;
    std::vector<InvertedResidual> m_first;
    std::vector<InvertedResidual> m_second;
    std::vector<Stage> m_stages;
    nn::Convolution m_last;
    LinearId m_classifier;
};

} // namespace

std::shared_ptr<const Network> buildMobileVit(const checkpoint::ModelConfig& config, Weights& weights) {
    StackConfig stack = networkConfig(config);
    stack.layers = 9;
    stack.heads = static_cast<int>(config.positive({"num_attention_heads"}, 4));
    stack.keyValueHeads = stack.heads;
    const auto sizes = config.integers({"hidden_sizes"}, {144, 192, 240});
    stack.hiddenSize = sizes.empty() ? 0 : sizes.back();
    return std::make_shared<const MobileVit>(std::move(stack), config, weights);
}

} // namespace orrery::model
