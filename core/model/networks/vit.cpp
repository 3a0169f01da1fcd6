// SPDX-License-Identifier: GPL-3.0-or-later
// ViT (Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words") and DeiT (Touvron et al. 2021, "Training
// data-efficient image transformers"): patches as tokens, pre-norm blocks, a class token, and DeiT's
// distillation token with a head of its own.
#include "model/networks/families.h"
#include "model/networks/transformer.h"
#include "model/networks/vision.h"

#include <fmt/format.h>

namespace orrery::model {
namespace {

class Vit final : public Network {
public:
    Vit(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& all)
        : Network(std::move(stack)), m_channels(config.positive({"num_channels"}, 3)),
          m_image(sidesOf(config, {"image_size"}, 224)), m_patch(sidesOf(config, {"patch_size"}, 16)),
          m_distilled(this->config().family == "deit"), m_prefixTokens(m_distilled ? 2 : 1) {
        const StackConfig& sizes = this->config();
        const std::int64_t width = sizes.hiddenSize;
        const Weights weights = all.under({sizes.family, ""}, "embeddings.cls_token");
        m_classToken = weights.parameter("embed.class", "embeddings.cls_token", {1, 1, width});
        if (m_distilled)
            m_distillationToken =
                weights.parameter("embed.distillation", "embeddings.distillation_token", {1, 1, width});
        weights.ignore("embeddings.mask_token");
        m_projection = weights.patches("embed.patches", "embeddings.patch_embeddings.projection",
                                       {width, m_channels, m_patch[0], m_patch[1]}, Bias::IfStored);
        const kernels::Pair grid = gridOf(config, m_image, m_patch);
        m_positions = {weights.parameter("embed.positions", "embeddings.position_embeddings",
                                         {1, grid[0] * grid[1] + m_prefixTokens, width}),
                       m_prefixTokens, grid};
        BlockSpec spec;
        spec.width = width;
        spec.feedForward = sizes.feedForward;
        spec.heads = sizes.heads;
        spec.epsilon = config.real({"layer_norm_eps"}, 1e-12);
        spec.activation = nn::activationFromName(config.text({"hidden_act"}, "gelu"), config.fileName());
        const BlockNames names{.queryKeyValue = {"attention.attention.query", "attention.attention.key",
                                                 "attention.attention.value"},
                               .attentionOut = "attention.output.dense",
                               .norm1 = "layernorm_before",
                               .norm2 = "layernorm_after",
                               .mlpIn = "intermediate.dense",
                               .mlpOut = "output.dense"};
        for (std::int64_t i = 0; i < sizes.layers; ++i)
            m_blocks.emplace_back(weights.in(fmt::format("blocks.{}", i), fmt::format("encoder.layer.{}", i)),
                                  spec, names);
        m_norm = weights.layerNorm("ln_final", "layernorm", width, spec.epsilon);
        if (weights.has("pooler.dense.weight")) {
            m_pooler = weights.linear("pooler", "pooler.dense", width,
                                      config.positive({"pooler_output_size"}, width));
            m_poolerActivation =
                nn::activationFromName(config.text({"pooler_act"}, "tanh"), config.fileName());
        }
        const auto labels = static_cast<std::int64_t>(sizes.labels.size());
        if (isArchitecture(sizes, "ForImageClassificationWithTeacher")) {
            m_classifier = all.linear("classifier", "cls_classifier", width, labels);
            m_teacher = all.linear("classifier.distillation", "distillation_classifier", width, labels);
        } else if (isArchitecture(sizes, "ForImageClassification") && labels > 0) {
            m_classifier = all.linear("classifier", "classifier", width, labels);
        }
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
        const Tensor first = repeated(run, m_classToken, batch);
        const Tensor tokens = m_distilled
                                  ? run.concat({first, repeated(run, m_distillationToken, batch), patches}, 1)
                                  : run.concat({first, patches}, 1);
        run.visit("hook_embed", tokens);
        Tensor x = run.addRepeated(tokens, m_positions.at(run, grid));
        x = run.norm(m_norm, runBlocks(run, m_blocks, x, {.name = "blocks", .grid = {grid[0], grid[1]}}));
        run.visit("ln_final.hook_normalized", x);

        NamedTensors outputs{{"last_hidden_state", x}};
        const Tensor pooled = tokenAt(x, 0);
        if (m_pooler.defined())
            outputs["pooler_output"] = run.linear(m_pooler, pooled, m_poolerActivation);
        if (m_teacher.defined()) {
            outputs["cls_logits"] = run.linear(m_classifier, pooled);
            outputs["distillation_logits"] = run.linear(m_teacher, tokenAt(x, 1));
            const Tensor half = Tensor::full({outputs["cls_logits"].size(1)}, 0.5);
            outputs["logits"] =
                run.scaleChannels(run.add(outputs["cls_logits"], outputs["distillation_logits"]), half);
        } else if (m_classifier.defined()) {
            outputs["logits"] = run.linear(m_classifier, pooled);
        }
        return outputs;
    }

private:
    std::int64_t m_channels;
    kernels::Pair m_image;
    kernels::Pair m_patch;
    bool m_distilled;
    std::int64_t m_prefixTokens;
    Tensor m_classToken;
    Tensor m_distillationToken;
    LinearId m_projection;
    GridPositions m_positions;
    std::vector<TransformerBlock> m_blocks;
    nn::Norm m_norm;
    LinearId m_pooler;
    nn::Activation m_poolerActivation = nn::Activation::Tanh;
    LinearId m_classifier;
    LinearId m_teacher;
};

} // namespace

std::shared_ptr<const Network> buildVit(const checkpoint::ModelConfig& config, Weights& weights) {
    StackConfig stack = transformerConfig(config);
    return std::make_shared<const Vit>(std::move(stack), config, weights);
}

} // namespace orrery::model
