// SPDX-License-Identifier: GPL-3.0-or-later
// VideoMAE (Tong et al. 2022, "Masked Autoencoders are Data-Efficient Learners for Self-Supervised Video
// Pre-Training"): ViT over tubes of a few frames, with fixed sines as positions.
#include "base/error.h"
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

/// sin and cos of position / 10000^(2 floor(j / 2) / width) in turn (Vaswani et al. 2017): [count, width]
Tensor sines(std::int64_t count, std::int64_t width) {
    const Tensor table = Tensor::empty({count, width});
    for (std::int64_t position = 0; position < count; ++position)
        for (std::int64_t j = 0; j < width; ++j) {
            const double angle =
                static_cast<double>(position) /
                std::pow(10000.0, static_cast<double>(j - j % 2) / static_cast<double>(width));
            table.mutablePointer<float>()[position * width + j] =
                static_cast<float>(j % 2 == 0 ? std::sin(angle) : std::cos(angle));
        }
    return table;
}

class VideoMae final : public Network {
public:
    VideoMae(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& all)
        : Network(std::move(stack)), m_channels(config.positive({"num_channels"}, 3)),
          m_frames(config.positive({"num_frames"}, 16)), m_tube(config.positive({"tubelet_size"}, 2)),
          m_image(sidesOf(config, {"image_size"}, 224)), m_patch(sidesOf(config, {"patch_size"}, 16)) {
        const StackConfig& sizes = this->config();
        const std::int64_t width = sizes.hiddenSize;
        const Weights weights = all.under({"videomae", ""}, "embeddings.patch_embeddings.projection.weight");
        m_projection = weights.patches("embed.tubes", "embeddings.patch_embeddings.projection",
                                       {width, m_channels, m_tube, m_patch[0], m_patch[1]});
        const Pair grid = gridOf(config, m_image, m_patch);
        const std::int64_t usual = std::max<std::int64_t>(1, m_frames / m_tube) * grid[0] * grid[1];
        if (usual <= 1 << 16)
            m_positions = sines(usual, width);
        BlockSpec spec;
        spec.width = width;
        spec.feedForward = sizes.feedForward;
        spec.heads = sizes.heads;
        spec.epsilon = config.real({"layer_norm_eps"}, 1e-12);
        spec.activation = nn::activationFromName(config.text({"hidden_act"}, "gelu"), config.fileName());
        BlockNames names{.queryKeyValue = {"attention.attention.query", "attention.attention.key",
                                           "attention.attention.value"},
                         .attentionOut = "attention.output.dense",
                         .norm1 = "layernorm_before",
                         .norm2 = "layernorm_after",
                         .mlpIn = "intermediate.dense",
                         .mlpOut = "output.dense"};
        // Older checkpoints keep the biases of queries and values beside the matrices.
        if (weights.has("encoder.layer.0.attention.attention.q_bias"))
            names.queryKeyValueBias = {"attention.attention.q_bias", "", "attention.attention.v_bias"};
        for (std::int64_t i = 0; i < sizes.layers; ++i)
            m_blocks.emplace_back(weights.in(fmt::format("blocks.{}", i), fmt::format("encoder.layer.{}", i)),
                                  spec, names);
        m_meanPooling = config.boolean({"use_mean_pooling"}, true);
        if (!m_meanPooling)
            m_norm = weights.layerNorm("ln_final", "layernorm", width, spec.epsilon);
        const auto labels = static_cast<std::int64_t>(sizes.labels.size());
        if (isArchitecture(sizes, "ForVideoClassification") && labels > 0) {
            if (m_meanPooling)
                m_poolerNorm = all.layerNorm("pooler.ln", "fc_norm", width, 1e-5);
            m_classifier = all.linear("classifier", "classifier", width, labels);
        }
    }

    [[nodiscard]] std::string task() const override {
        return m_classifier.defined() ? "video classification" : "base model";
    }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override {
        return {videoInput(m_channels, m_frames, m_image)};
    }

    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const override {
        const Tensor& pixels = inputs.at("pixel_values"); // [B, T, C, H, W]
        const std::int64_t batch = pixels.size(0);
        const std::int64_t times = pixels.size(1) / m_tube;
        if (times < 1)
            throw UsageError(
                fmt::format("A video needs at least {} frames, not {}.", m_tube, pixels.size(1)));
        const Pair grid{pixels.size(3) / m_patch[0], pixels.size(4) / m_patch[1]};
        // A tube is an image with its frames as further channels.
        const std::int64_t height = pixels.size(3);
        const std::int64_t width = pixels.size(4);
        const Tensor tubes = pixels.slice(1, 0, times * m_tube)
                                 .contiguous()
                                 .reshape({batch * times, m_tube, m_channels, height, width})
                                 .transpose(1, 2)
                                 .contiguous()
                                 .reshape({batch * times, m_channels * m_tube, height, width});
        Tensor x = run.linear(m_projection, run.patches(tubes, m_patch))
                       .reshape({batch, times * grid[0] * grid[1], config().hiddenSize});
        run.visit("hook_embed", x);
        const bool known = m_positions.defined() && x.size(1) <= m_positions.size(0);
        x = run.addRepeated(x, known ? m_positions.slice(0, 0, x.size(1)) : sines(x.size(1), x.size(2)));
        x = runBlocks(run, m_blocks, x, {.name = "blocks", .grid = {times, grid[0], grid[1]}});
        if (m_norm.defined()) {
            x = run.norm(m_norm, x);
            run.visit("ln_final.hook_normalized", x);
        }
        NamedTensors outputs{{"last_hidden_state", x}};
        if (m_classifier.defined()) {
            const Tensor pooled =
                m_meanPooling ? run.norm(m_poolerNorm, run.meanOverPositions(x)) : tokenAt(x, 0);
            outputs["logits"] = run.linear(m_classifier, pooled);
        }
        return outputs;
    }

private:
    std::int64_t m_channels;
    std::int64_t m_frames;
    std::int64_t m_tube;
    Pair m_image;
    Pair m_patch;
    bool m_meanPooling = true;
    LinearId m_projection;
    Tensor m_positions; ///< of as many tokens as usual
    std::vector<TransformerBlock> m_blocks;
    nn::Norm m_norm;
    nn::Norm m_poolerNorm;
    LinearId m_classifier;
};

} // namespace

std::shared_ptr<const Network> buildVideoMae(const checkpoint::ModelConfig& config, Weights& weights) {
    return std::make_shared<const VideoMae>(transformerConfig(config), config, weights);
}

} // namespace orrery::model
