// SPDX-License-Identifier: GPL-3.0-or-later
// SegFormer (Xie et al. 2021, "Simple and Efficient Design for Semantic Segmentation with Transformers"):
// overlapping patches in four stages, attention to a shortened sequence, a depthwise convolution inside of
// the feed-forward, and a head that joins all stages.
#include "model/networks/families.h"
#include "model/networks/transformer.h"
#include "model/networks/vision.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace orrery::model {
namespace {

using kernels::Pair;

constexpr double epsilon = 1e-5; ///< of every norm

class Segformer final : public Network {
public:
    Segformer(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& all)
        : Network(std::move(stack)), m_channels(config.positive({"num_channels"}, 3)),
          m_reshapesLast(config.boolean({"reshape_last_stage"}, true)),
          m_activation(nn::activationFromName(config.text({"hidden_act"}, "gelu"), config.fileName())) {
        const std::vector<std::int64_t> sizes = config.integers({"hidden_sizes"}, {32, 64, 160, 256});
        const std::vector<std::int64_t> depths = config.integers({"depths"}, {2, 2, 2, 2});
        const std::vector<std::int64_t> patches = config.integers({"patch_sizes"}, {7, 3, 3, 3});
        const std::vector<std::int64_t> strides = config.integers({"strides"}, {4, 2, 2, 2});
        const std::vector<std::int64_t> heads = config.integers({"num_attention_heads"}, {1, 2, 5, 8});
        const std::vector<std::int64_t> ratios = config.integers({"sr_ratios"}, {8, 4, 2, 1});
        const std::vector<double> widenings = config.reals({"mlp_ratios"}, {4, 4, 4, 4});
        const std::size_t stages = sizes.size();
        for (const std::size_t other :
             {depths.size(), patches.size(), strides.size(), heads.size(), ratios.size(), widenings.size()})
            if (other != stages || stages == 0)
                throw config.error("hidden_sizes",
                                   "which must name as many stages as depths, patch_sizes, strides, "
                                   "num_attention_heads, sr_ratios and mlp_ratios");
        const Weights weights = all.under({"segformer", ""}, "encoder.patch_embeddings.0.proj.weight");
        std::int64_t inputs = m_channels;
        for (std::size_t i = 0; i < stages; ++i) {
            if (heads[i] < 1 || sizes[i] % heads[i] != 0)
                throw config.error("num_attention_heads", "which does not divide hidden_sizes");
            Stage& stage = m_stages.emplace_back();
            const Weights scope = weights.in(fmt::format("stages.{}", i), "encoder");
            const std::string embedding = fmt::format("patch_embeddings.{}", i);
            stage.patches = scope.convolution(
                "patches", embedding + ".proj",
                ConvolutionSpec::square(inputs, sizes[i], patches[i], strides[i], patches[i] / 2));
            stage.patchNorm = scope.layerNorm("patches.ln", embedding + ".layer_norm", sizes[i], epsilon);
            inputs = sizes[i];
            for (std::int64_t j = 0; j < depths[i]; ++j)
                stage.blocks.push_back(
                    block(scope.in(fmt::format("blocks.{}", j), fmt::format("block.{}.{}", i, j)), inputs,
                          heads[i], ratios[i], widened(config, "mlp_ratios", inputs, widenings[i])));
            stage.norm = scope.layerNorm("ln", fmt::format("layer_norm.{}", i), inputs, epsilon);
        }
        const auto labels = static_cast<std::int64_t>(this->config().labels.size());
        if (isArchitecture(this->config(), "ForSemanticSegmentation"))
            loadHead(config, all.in("head", "decode_head"), sizes, labels);
        else if (isArchitecture(this->config(), "ForImageClassification"))
            m_classifier = all.linear("classifier", "classifier", inputs, labels);
    }

    [[nodiscard]] std::string task() const override {
        if (m_segmenter.defined())
            return "semantic segmentation";
        return m_classifier.defined() ? "image classification" : "base model";
    }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override {
        return {imageInput(m_channels, {512, 512})};
    }

    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const override {
        Tensor x = run.map(inputs.at("pixel_values"));
        std::vector<Tensor> maps;
        int layer = 0;
        for (std::size_t i = 0; i < m_stages.size(); ++i) {
            const Stage& stage = m_stages[i];
            x = run.norm(stage.patchNorm, run.convolve(stage.patches, x));
            run.visitMap(fmt::format("stages.{}.hook_embed", i), x);
            const Pair grid{x.size(1), x.size(2)};
            Tensor tokens = NetworkRun::tokens(x);
            for (std::size_t j = 0; j < stage.blocks.size(); ++j)
                tokens = runBlock(run, stage.blocks[j], tokens, grid,
                                  fmt::format("stages.{}.blocks.{}", i, j), layer++);
            x = NetworkRun::grid(run.norm(stage.norm, tokens), grid[0], grid[1]);
            const std::string name = fmt::format("stages.{}.hook_out", i);
            const std::string alias = hiddenStates(static_cast<std::int64_t>(i));
            if (i + 1 < m_stages.size() || m_reshapesLast)
                run.visitMap(name, x, alias);
            else
                run.visit(name, NetworkRun::tokens(x), alias);
            maps.push_back(x);
        }
        NamedTensors outputs{{"last_hidden_state",
                              m_reshapesLast ? x.transpose(2, 3).transpose(1, 2) : NetworkRun::tokens(x)}};
        if (m_segmenter.defined())
            outputs["logits"] = segmented(run, maps);
        else if (m_classifier.defined())
            outputs["logits"] = run.linear(m_classifier, run.meanOverPositions(x));
        return outputs;
    }

private:
    struct Block {
        int heads = 1;
        nn::Norm norm1;
        LinearId query;
        LinearId key;
        LinearId value;
        nn::Convolution shorten; ///< undefined: keys and values of every position
        nn::Norm shortNorm;
        LinearId out;
        nn::Norm norm2;
        LinearId mlpIn;
        nn::Convolution depthwise;
        LinearId mlpOut;
    };
    struct Stage {
        nn::Convolution patches;
        nn::Norm patchNorm;
        std::vector<Block> blocks;
        nn::Norm norm;
    };

    static Block block(const Weights& scope, std::int64_t width, std::int64_t heads, std::int64_t ratio,
                       std::int64_t hidden) {
        Block block;
        block.heads = static_cast<int>(heads);
        block.norm1 = scope.layerNorm("ln1", "layer_norm_1", width, epsilon);
        block.query = scope.linear("attn.q", "attention.self.query", width, width);
        block.key = scope.linear("attn.k", "attention.self.key", width, width);
        block.value = scope.linear("attn.v", "attention.self.value", width, width);
        if (ratio > 1) {
            block.shorten = scope.convolution("attn.shorten", "attention.self.sr",
                                              ConvolutionSpec::square(width, width, ratio, ratio));
            block.shortNorm = scope.layerNorm("attn.ln", "attention.self.layer_norm", width, epsilon);
        }
        block.out = scope.linear("attn.out", "attention.output.dense", width, width);
        block.norm2 = scope.layerNorm("ln2", "layer_norm_2", width, epsilon);
        block.mlpIn = scope.linear("mlp.in", "mlp.dense1", width, hidden);
        ConvolutionSpec spec = ConvolutionSpec::square(hidden, hidden, 3, 1, 1);
        spec.groups = hidden;
        block.depthwise = scope.convolution("mlp.conv", "mlp.dwconv.dwconv", spec);
        block.mlpOut = scope.linear("mlp.out", "mlp.dense2", hidden, width);
        return block;
    }

    void loadHead(const checkpoint::ModelConfig& config, const Weights& head,
                  const std::vector<std::int64_t>& sizes, std::int64_t labels) {
        const std::int64_t width = config.positive({"decoder_hidden_size"}, 256);
        for (std::size_t i = 0; i < sizes.size(); ++i)
            m_levels.push_back(head.linear(fmt::format("levels.{}", i), fmt::format("linear_c.{}.proj", i),
                                           sizes[i], width));
        ConvolutionSpec spec =
            ConvolutionSpec::square(width * static_cast<std::int64_t>(sizes.size()), width, 1);
        spec.bias = Bias::No;
        spec.batchNorm = "batch_norm";
        m_fuse = head.convolution("fuse", "linear_fuse", spec);
        m_segmenter = head.patches("classifier", "classifier", {labels, width, 1, 1});
    }

    /// Logits [B, labels, H, W] at the first stage's resolution.
    [[nodiscard]] Tensor segmented(NetworkRun& run, const std::vector<Tensor>& maps) const {
        const std::int64_t height = maps[0].size(1);
        const std::int64_t width = maps[0].size(2);
        const std::int64_t channels = run.module(m_levels[0]).outputs();
        const auto count = static_cast<std::int64_t>(maps.size());
        const Tensor joined = run.empty({maps[0].size(0), height, width, channels * count});
        for (std::size_t i = 0; i < maps.size(); ++i) {
            const Tensor level = run.linear(m_levels[i], maps[i]);
            const std::int64_t at =
                (count - 1 - static_cast<std::int64_t>(i)) * channels; // the last stage first
            joined.slice(3, at, at + channels)
                .copyFrom(run.resample(level, height, width, kernels::Interpolation::Bilinear));
        }
        const Tensor fused = run.convolve(m_fuse, joined, nn::Activation::Relu);
        run.visitMap("head.hook_conv", fused);
        const Tensor logits = run.linear(m_segmenter, fused);
        return logits.transpose(2, 3).transpose(1, 2);
    }

    [[nodiscard]] Tensor runBlock(NetworkRun& run, const Block& block, Tensor x, const Pair& grid,
                                  const std::string& name, int layer) const {
        run.visit(name + ".hook_resid_pre", x);
        const Tensor input = run.norm(block.norm1, x);
        run.visit(name + ".ln1.hook_normalized", input);
        const NetworkRun::AttentionSite site{name + ".attn", attentions(layer), layer};
        Tensor out = run.mixer(site, input, {}, false, {grid[0], grid[1]});
        if (!out.defined()) {
            Tensor seen = input;
            if (block.shorten.defined())
                seen = run.norm(block.shortNorm,
                                NetworkRun::tokens(
                                    run.convolve(block.shorten, NetworkRun::grid(input, grid[0], grid[1]))));
            nn::AttentionInput parts;
            parts.query = headsOf(run.linear(block.query, input), block.heads);
            parts.key = headsOf(run.linear(block.key, seen), block.heads);
            parts.value = headsOf(run.linear(block.value, seen), block.heads);
            parts.scale = 1 / std::sqrt(static_cast<double>(parts.query.size(3)));
            parts.grid = {grid[0], grid[1]};
            out = run.linear(block.out, joinHeads(run.attention(site, parts)));
        }
        run.visit(name + ".hook_attn_out", out);
        x = run.add(x, out);
        run.visit(name + ".hook_resid_mid", x);
        const Tensor normed = run.norm(block.norm2, x);
        run.visit(name + ".ln2.hook_normalized", normed);
        const Tensor hidden =
            run.convolve(block.depthwise, NetworkRun::grid(run.linear(block.mlpIn, normed), grid[0], grid[1]),
                         m_activation);
        run.visitMap(name + ".mlp.hook_post", hidden);
        out = run.linear(block.mlpOut, NetworkRun::tokens(hidden));
        run.visit(name + ".hook_mlp_out", out);
        x = run.add(x, out);
        run.visit(name + ".hook_resid_post", x);
        return x;
    }

    std::int64_t m_channels;
    bool m_reshapesLast; ///< the last stage's tokens are given as a map, as those of the others
    nn::Activation m_activation;
    std::vector<Stage> m_stages;
    std::vector<LinearId> m_levels;
    nn::Convolution m_fuse;
    LinearId m_segmenter;
    LinearId m_classifier;
};

} // namespace

std::shared_ptr<const Network> buildSegformer(const checkpoint::ModelConfig& config, Weights& weights) {
    StackConfig stack = networkConfig(config);
    stack.layers = sumOfDepths(config, {2, 2, 2, 2});
    const auto sizes = config.integers({"hidden_sizes"}, {32, 64, 160, 256});
    const auto heads = config.integers({"num_attention_heads"}, {1, 2, 5, 8});
    stack.hiddenSize = sizes.empty() ? 0 : sizes.back();
    stack.heads = heads.empty() ? 0 : static_cast<int>(heads.back());
    stack.keyValueHeads = stack.heads;
    return std::make_shared<const Segformer>(std::move(stack), config, weights);
}

} // namespace orrery::model
