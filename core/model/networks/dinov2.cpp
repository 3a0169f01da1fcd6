// SPDX-License-Identifier: GPL-3.0-or-later
// DINOv2 (Oquab et al. 2023) and DINOv2 with registers (Darcet et al. 2024, "Vision Transformers Need
// Registers"): ViT with layer scale, perhaps a gated feed-forward, and register tokens behind the class
// token.
#include "model/networks/families.h"
#include "model/networks/transformer.h"
#include "model/networks/vision.h"

#include <fmt/format.h>

namespace orrery::model {
namespace {

class Dinov2 final : public Network {
public:
    Dinov2(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& all)
        : Network(std::move(stack)), m_channels(config.positive({"num_channels"}, 3)),
          m_image(sidesOf(config, {"image_size"}, 224)), m_patch(sidesOf(config, {"patch_size"}, 14)),
          m_registers(this->config().family == "dinov2_with_registers"
                          ? config.integer({"num_register_tokens"}, 4)
                          : 0) {
        const StackConfig& sizes = this->config();
        const std::int64_t width = sizes.hiddenSize;
        const Weights weights = all.under({sizes.family, ""}, "embeddings.cls_token");
        m_classToken = weights.parameter("embed.class", "embeddings.cls_token", {1, 1, width});
        if (m_registers > 0)
            m_registerTokens =
                weights.parameter("embed.registers", "embeddings.register_tokens", {1, m_registers, width});
        weights.ignore("embeddings.mask_token");
        m_projection = weights.patches("embed.patches", "embeddings.patch_embeddings.projection",
                                       {width, m_channels, m_patch[0], m_patch[1]});
        const kernels::Pair grid = gridOf(config, m_image, m_patch);
        m_positions = {weights.parameter("embed.positions", "embeddings.position_embeddings",
                                         {1, grid[0] * grid[1] + 1, width}),
                       1, grid};
        BlockSpec spec;
        spec.width = width;
        spec.feedForward = sizes.feedForward;
        spec.heads = sizes.heads;
        spec.epsilon = config.real({"layer_norm_eps"}, 1e-6);
        spec.activation = nn::activationFromName(config.text({"hidden_act"}, "gelu"), config.fileName());
        spec.gated = config.boolean({"use_swiglu_ffn"}, false);
        const BlockNames names{.queryKeyValue = {"attention.attention.query", "attention.attention.key",
                                                 "attention.attention.value"},
                               .attentionOut = "attention.output.dense",
                               .norm1 = "norm1",
                               .norm2 = "norm2",
                               .mlpIn = spec.gated ? "mlp.weights_in" : "mlp.fc1",
                               .mlpOut = spec.gated ? "mlp.weights_out" : "mlp.fc2",
                               .scale1 = "layer_scale1.lambda1",
                               .scale2 = "layer_scale2.lambda1"};
        for (std::int64_t i = 0; i < sizes.layers; ++i)
            m_blocks.emplace_back(weights.in(fmt::format("blocks.{}", i), fmt::format("encoder.layer.{}", i)),
                                  spec, names);
        m_norm = weights.layerNorm("ln_final", "layernorm", width, spec.epsilon);
        const auto labels = static_cast<std::int64_t>(sizes.labels.size());
        if (isArchitecture(sizes, "ForImageClassification") && labels > 0)
            m_classifier = all.linear("classifier", "classifier", 2 * width, labels);
    }

    [[nodiscard]] std::string task() const override {
        return m_classifier.defined() ? "image classification" : "base model";
    }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override {
        return {imageInput(m_channels, m_image)};
    }

    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const override {
        const Tensor& pixels = inputs.at("pixel_values");
        const std::int64_t batch = pixels.size(0);
        const kernels::Pair grid{pixels.size(2) / m_patch[0], pixels.size(3) / m_patch[1]};
        const Tensor patches = run.linear(m_projection, run.patches(pixels, m_patch));
        const Tensor tokens = run.concat({repeated(run, m_classToken, batch), patches}, 1);
        run.visit("hook_embed", tokens);
        Tensor x = run.addRepeated(tokens, m_positions.at(run, grid));
        if (m_registers > 0) // they stand nowhere
            x = run.concat({x.slice(1, 0, 1),
                            m_registerTokens.expand({batch, m_registers, m_registerTokens.size(2)}),
                            x.slice(1, 1, x.size(1))},
                           1);
        x = run.norm(m_norm, runBlocks(run, m_blocks, x, {.name = "blocks", .grid = {grid[0], grid[1]}}));
        run.visit("ln_final.hook_normalized", x);
        const Tensor first = tokenAt(x, 0);
        NamedTensors outputs{{"last_hidden_state", x}, {"pooler_output", first}};
        if (m_classifier.defined()) {
            const Tensor mean = run.meanOverPositions(x.slice(1, 1 + m_registers, x.size(1)).contiguous());
            outputs["logits"] = run.linear(m_classifier, run.concat({first, mean}, 1));
        }
        return outputs;
    }

private:
    std::int64_t m_channels;
    kernels::Pair m_image;
    kernels::Pair m_patch;
    std::int64_t m_registers;
    Tensor m_classToken;
    Tensor m_registerTokens;
    LinearId m_projection;
    GridPositions m_positions;
    std::vector<TransformerBlock> m_blocks;
    nn::Norm m_norm;
    LinearId m_classifier;
};

} // namespace

std::shared_ptr<const Network> buildDinov2(const checkpoint::ModelConfig& config, Weights& weights) {
    StackConfig stack = transformerConfig(config);
    stack.feedForward = widened(config, "mlp_ratio", stack.hiddenSize, 4.0);
    if (config.boolean({"use_swiglu_ffn"}, false)) // two thirds, rounded up to eights
        stack.feedForward = (stack.feedForward * 2 / 3 + 7) / 8 * 8;
    return std::make_shared<const Dinov2>(std::move(stack), config, weights);
}

} // namespace orrery::model
