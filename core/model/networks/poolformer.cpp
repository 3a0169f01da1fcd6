// SPDX-License-Identifier: GPL-3.0-or-later
// PoolFormer (Yu et al. 2022, "MetaFormer Is Actually What You Need for Vision"): a transformer whose mixing
// of positions is average pooling.
#include "base/error.h"
#include "model/networks/families.h"
#include "model/networks/vision.h"

#include <fmt/format.h>

namespace orrery::model {
namespace {

class PoolFormer final : public Network {
public:
    PoolFormer(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& all)
        : Network(std::move(stack)), m_channels(config.positive({"num_channels"}, 3)),
          m_poolSize(config.positive({"pool_size"}, 3)),
          m_activation(nn::activationFromName(config.text({"hidden_act"}, "gelu"), config.fileName())) {
        const std::vector<std::int64_t> sizes = config.integers({"hidden_sizes"}, {64, 128, 320, 512});
        const std::vector<std::int64_t> depths = config.integers({"depths"}, {2, 2, 6, 2});
        const std::vector<std::int64_t> patches = config.integers({"patch_sizes"}, {7, 3, 3, 3});
        const std::vector<std::int64_t> strides = config.integers({"strides"}, {4, 2, 2, 2});
        const std::vector<std::int64_t> paddings = config.integers({"padding"}, {2, 1, 1, 1});
        const std::size_t stages = depths.size();
        if (stages == 0 || sizes.size() != stages || patches.size() != stages || strides.size() != stages ||
            paddings.size() != stages)
            throw config.error("depths",
                               "which must name as many stages as hidden_sizes, patch_sizes, strides and "
                               "padding");
        if (m_poolSize % 2 == 0)
            throw config.error("pool_size", "which must be odd, so that a map keeps its size");
        const Weights weights = all.under({"poolformer", ""}, "encoder.patch_embeddings.0.projection.weight");
        std::int64_t inputs = m_channels;
        for (std::size_t i = 0; i < stages; ++i) {
            Stage& stage = m_stages.emplace_back();
            const std::string path = fmt::format("encoder.patch_embeddings.{}.projection", i);
            stage.patches = weights.convolution(
                fmt::format("stages.{}.patches", i), path,
                ConvolutionSpec::square(inputs, sizes[i], patches[i], strides[i], paddings[i]));
            inputs = sizes[i];
            const std::int64_t hidden = widened(config, "mlp_ratio", inputs, 4.0);
            for (std::int64_t j = 0; j < depths[i]; ++j) {
                const Weights scope = weights.in(fmt::format("stages.{}.blocks.{}", i, j),
                                                 fmt::format("encoder.block.{}.{}", i, j));
                Block& block = stage.blocks.emplace_back();
                block.norm1 = scope.groupNorm("ln1", "before_norm", inputs, 1, 1e-5);
                block.norm2 = scope.groupNorm("ln2", "after_norm", inputs, 1, 1e-5);
                block.in = scope.patches("mlp.in", "output.conv1", {hidden, inputs, 1, 1});
                block.out = scope.patches("mlp.out", "output.conv2", {inputs, hidden, 1, 1});
                if (config.boolean({"use_layer_scale"}, true)) {
                    block.scale1 = scope.parameter("scale1", "layer_scale_1", {inputs});
                    block.scale2 = scope.parameter("scale2", "layer_scale_2", {inputs});
                }
            }
        }
        if (isArchitecture(this->config(), "ForImageClassification")) {
            m_norm = all.groupNorm("ln_final", "norm", inputs, 1, 1e-5);
            m_classifier = all.linear("classifier", "classifier", inputs,
                                      static_cast<std::int64_t>(this->config().labels.size()));
        }
    }

    [[nodiscard]] std::string task() const override {
        return m_classifier.defined() ? "image classification" : "base model";
    }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override {
        return {imageInput(m_channels, {224, 224})};
    }

    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const override {
        Tensor x = run.map(inputs.at("pixel_values"));
        for (std::size_t i = 0; i < m_stages.size(); ++i) {
            x = run.convolve(m_stages[i].patches, x);
            run.visitMap(fmt::format("stages.{}.hook_embed", i), x);
            for (std::size_t j = 0; j < m_stages[i].blocks.size(); ++j)
                x = runBlock(run, m_stages[i].blocks[j], x, fmt::format("stages.{}.blocks.{}", i, j));
            run.visitMap(fmt::format("stages.{}.hook_out", i), x, hiddenStates(static_cast<std::int64_t>(i)));
        }
        NamedTensors outputs{{"last_hidden_state", x.transpose(2, 3).transpose(1, 2)}};
        if (m_classifier.defined())
            outputs["logits"] = run.linear(m_classifier, run.meanOverPositions(run.groupNorm(m_norm, x)));
        return outputs;
    }

private:
    struct Block {
        GroupNorm norm1;
        GroupNorm norm2;
        LinearId in;
        LinearId out;
        Tensor scale1;
        Tensor scale2;
    };
    struct Stage {
        nn::Convolution patches;
        std::vector<Block> blocks;
    };

    [[nodiscard]] Tensor runBlock(NetworkRun& run, const Block& block, Tensor x,
                                  const std::string& name) const {
        run.visitMap(name + ".hook_resid_pre", x);
        const Tensor normed = run.groupNorm(block.norm1, x);
        run.visitMap(name + ".ln1.hook_normalized", normed);
        const std::int64_t before = m_poolSize / 2;
        const Tensor pooled = run.pool(normed, kernels::Pooling::Average, {m_poolSize, m_poolSize},
                                       {.before = {before, before}, .after = {before, before}});
        run.visitMap(name + ".hook_pool", pooled);
        // What pooling adds to the position itself, which the residual stream already has.
        const Tensor minus = Tensor::full({x.size(3)}, -1);
        const Tensor mixed = run.addScaled(pooled, normed, minus);
        run.visitMap(name + ".hook_attn_out", mixed);
        x = run.addScaled(x, mixed, block.scale1);
        run.visitMap(name + ".hook_resid_mid", x);
        const Tensor hidden = run.linear(block.in, run.groupNorm(block.norm2, x), m_activation);
        run.visitMap(name + ".mlp.hook_post", hidden);
        const Tensor out = run.linear(block.out, hidden);
        run.visitMap(name + ".hook_mlp_out", out);
        x = run.addScaled(x, out, block.scale2);
        run.visitMap(name + ".hook_resid_post", x);
        return x;
    }

    std::int64_t m_channels;
    std::int64_t m_poolSize;
    nn::Activation m_activation;
    std::vector<Stage> m_stages;
    GroupNorm m_norm;
    LinearId m_classifier;
};

} // namespace

std::shared_ptr<const Network> buildPoolFormer(const checkpoint::ModelConfig& config, Weights& weights) {
    StackConfig stack = networkConfig(config);
    const auto sizes = config.integers({"hidden_sizes"}, {64, 128, 320, 512});
    stack.hiddenSize = sizes.empty() ? 0 : sizes.back();
    return std::make_shared<const PoolFormer>(std::move(stack), config, weights);
}

} // namespace orrery::model
