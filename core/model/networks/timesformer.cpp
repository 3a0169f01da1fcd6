// SPDX-License-Identifier: GPL-3.0-or-later
// TimeSformer (Bertasius et al. 2021, "Is Space-Time Attention All You Need for Video Understanding?"): every
// block attends along time for each patch and then along space for each frame; or along space only, or over
// all patches of all frames together.
#include "base/error.h"
#include "model/networks/families.h"
#include "model/networks/transformer.h"
#include "model/networks/vision.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace orrery::model {
namespace {

using kernels::Pair;

class TimeSformer final : public Network {
public:
    TimeSformer(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& all)
        : Network(std::move(stack)), m_channels(config.positive({"num_channels"}, 3)),
          m_frames(config.positive({"num_frames"}, 8)), m_image(sidesOf(config, {"image_size"}, 224)),
          m_patch(sidesOf(config, {"patch_size"}, 16)),
          m_activation(nn::activationFromName(config.text({"hidden_act"}, "gelu"), config.fileName())) {
        const std::string type = config.text({"attention_type"}, "divided_space_time");
        if (type != "divided_space_time" && type != "space_only" && type != "joint_space_time")
            throw config.error("attention_type", "which is none of divided_space_time, space_only and "
                                                 "joint_space_time");
        m_divided = type == "divided_space_time";
        m_spaceOnly = type == "space_only";
        const StackConfig& sizes = this->config();
        const std::int64_t width = sizes.hiddenSize;
        const double epsilon = config.real({"layer_norm_eps"}, 1e-6);
        const Weights weights = all.under({"timesformer", ""}, "embeddings.cls_token");
        m_classToken = weights.parameter("embed.class", "embeddings.cls_token", {1, 1, width});
        m_projection = weights.patches("embed.patches", "embeddings.patch_embeddings.projection",
                                       {width, m_channels, m_patch[0], m_patch[1]});
        m_grid = gridOf(config, m_image, m_patch);
        m_positions = weights.parameter("embed.positions", "embeddings.position_embeddings",
                                        {1, m_grid[0] * m_grid[1] + 1, width});
        if (!m_spaceOnly)
            m_times = weights.parameter("embed.times", "embeddings.time_embeddings", {1, m_frames, width});
        for (std::int64_t i = 0; i < sizes.layers; ++i) {
            const Weights scope = weights.in(fmt::format("blocks.{}", i), fmt::format("encoder.layer.{}", i));
            Block& block = m_blocks.emplace_back();
            if (m_divided) {
                block.timeNorm = scope.layerNorm("ln_time", "temporal_layernorm", width, epsilon);
                block.timeQkv = scope.linear("time.qkv", "temporal_attention.attention.qkv", width, 3 * width,
                                             Bias::IfStored);
                block.timeOut = scope.linear("time.out", "temporal_attention.output.dense", width, width);
                block.timeDense = scope.linear("time.dense", "temporal_dense", width, width);
            }
            block.norm1 = scope.layerNorm("ln1", "layernorm_before", width, epsilon);
            block.qkv = scope.linear("attn.qkv", "attention.attention.qkv", width, 3 * width, Bias::IfStored);
            block.out = scope.linear("attn.out", "attention.output.dense", width, width);
            block.norm2 = scope.layerNorm("ln2", "layernorm_after", width, epsilon);
            block.mlpIn = scope.linear("mlp.in", "intermediate.dense", width, sizes.feedForward);
            block.mlpOut = scope.linear("mlp.out", "output.dense", sizes.feedForward, width);
        }
        m_norm = weights.layerNorm("ln_final", "layernorm", width, epsilon);
        const auto labels = static_cast<std::int64_t>(sizes.labels.size());
        if (isArchitecture(sizes, "ForVideoClassification") && labels > 0)
            m_classifier = all.linear("classifier", "classifier", width, labels);
    }

    [[nodiscard]] std::string task() const override {
        return m_classifier.defined() ? "video classification" : "base model";
    }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override {
        return {videoInput(m_channels, m_frames, m_image)};
    }

    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const override {
        const Tensor& pixels = inputs.at("pixel_values"); // [B, T, C, H, W]
        Sizes sizes;
        sizes.batch = pixels.size(0);
        sizes.frames = pixels.size(1);
        Tensor x = embedded(run, pixels, sizes);
        if (m_spaceOnly) { // every frame is an item of its own, of the outputs too
            sizes.batch *= sizes.frames;
            sizes.frames = 1;
        }
        run.visit("hook_embed", x);
        for (std::size_t i = 0; i < m_blocks.size(); ++i)
            x = runBlock(run, m_blocks[i], x, sizes, static_cast<std::int64_t>(i));
        x = run.norm(m_norm, x);
        run.visit("ln_final.hook_normalized", x);
        NamedTensors outputs{{"last_hidden_state", x}};
        if (m_classifier.defined())
            outputs["logits"] = run.linear(m_classifier, tokenAt(x, 0));
        return outputs;
    }

private:
    struct Block {
        nn::Norm timeNorm;
        LinearId timeQkv;
        LinearId timeOut;
        LinearId timeDense;
        nn::Norm norm1;
        LinearId qkv;
        LinearId out;
        nn::Norm norm2;
        LinearId mlpIn;
        LinearId mlpOut;
    };
    /// Tokens behind the class token are ordered by place, then by frame.
    struct Sizes {
        std::int64_t batch = 0;
        std::int64_t frames = 0;
        std::int64_t places = 0;
    };

    /// Swaps the two dimensions behind the batch of [batch, a, b, D].
    static Tensor swapped(NetworkRun& run, const Tensor& x, std::int64_t batch, std::int64_t a,
                          std::int64_t b) {
        const std::int64_t width = x.size(-1);
        return run.dense(x.contiguous().reshape({batch, a, b, width}).transpose(1, 2));
    }

    [[nodiscard]] Tensor embedded(NetworkRun& run, const Tensor& pixels, Sizes& sizes) const {
        const std::int64_t width = config().hiddenSize;
        const Pair grid{pixels.size(3) / m_patch[0], pixels.size(4) / m_patch[1]};
        sizes.places = grid[0] * grid[1];
        const Tensor frames = pixels.contiguous().reshape(
            {sizes.batch * sizes.frames, m_channels, pixels.size(3), pixels.size(4)});
        const Tensor patches = run.linear(m_projection, run.patches(frames, m_patch));
        const Tensor positions = m_positions.reshape({-1, width});
        Tensor places = positions.slice(0, 1, positions.size(0)).contiguous();
        if (grid != m_grid)
            places = run.resample(places.reshape({1, m_grid[0], m_grid[1], width}), grid[0], grid[1],
                                  kernels::Interpolation::Nearest)
                         .reshape({sizes.places, width});
        Tensor tokens = run.addRepeated(patches, places);
        const Tensor first = run.addRepeated(repeated(run, m_classToken, sizes.batch * sizes.frames),
                                             positions.slice(0, 0, 1));
        if (m_spaceOnly)
            return run.concat({first, tokens}, 1);
        tokens = swapped(run, tokens, sizes.batch, sizes.frames, sizes.places); // [B, places, T, D]
        Tensor times = m_times.reshape({-1, width});
        if (sizes.frames != m_frames)
            times = run.resample(times.reshape({1, 1, m_frames, width}), 1, sizes.frames,
                                 kernels::Interpolation::Nearest)
                        .reshape({sizes.frames, width});
        tokens = run.addRepeated(tokens, times);
        return run.concat({first.slice(0, 0, sizes.batch),
                           tokens.reshape({sizes.batch, sizes.places * sizes.frames, width})},
                          1);
    }

    [[nodiscard]] Tensor attended(NetworkRun& run, LinearId qkv, LinearId out, const Tensor& input,
                                  const NetworkRun::AttentionSite& site) const {
        nn::AttentionInput parts;
        splitHeads(run.linear(qkv, input), config().heads, parts);
        parts.scale = 1 / std::sqrt(static_cast<double>(parts.query.size(3)));
        return run.linear(out, joinHeads(run.attention(site, parts)));
    }

    /// Attention along time, then along space: x with what both add.
    [[nodiscard]] Tensor divided(NetworkRun& run, const Block& block, const Tensor& x, const Sizes& sizes,
                                 const std::string& name, std::int64_t index) const {
        const std::int64_t width = x.size(2);
        const std::int64_t tokens = sizes.places * sizes.frames;
        const Tensor first = x.slice(1, 0, 1).contiguous();
        const Tensor patches = x.slice(1, 1, 1 + tokens).contiguous();
        const Tensor lines = patches.reshape({sizes.batch * sizes.places, sizes.frames, width});
        Tensor along = attended(run, block.timeQkv, block.timeOut, run.norm(block.timeNorm, lines),
                                {name + ".time", "", static_cast<int>(index)});
        along = run.linear(block.timeDense, along, nn::Activation::None, lines)
                    .reshape({sizes.batch, tokens, width});
        run.visit(name + ".hook_time_mid", along);
        const Tensor frames = run.concat({first.expand({sizes.batch, sizes.frames, width})
                                              .contiguous()
                                              .reshape({sizes.batch * sizes.frames, 1, width}),
                                          swapped(run, along, sizes.batch, sizes.places, sizes.frames)
                                              .reshape({sizes.batch * sizes.frames, sizes.places, width})},
                                         1);
        const Tensor across = attended(run, block.qkv, block.out, run.norm(block.norm1, frames),
                                       {name + ".attn", attentions(index), static_cast<int>(index)});
        // The class token takes the mean of what the frames say to it.
        const Tensor said = run.meanOverPositions(
            across.slice(1, 0, 1).contiguous().reshape({sizes.batch, sizes.frames, width}));
        const Tensor back =
            swapped(run, across.slice(1, 1, 1 + sizes.places), sizes.batch, sizes.frames, sizes.places)
                .reshape({sizes.batch, tokens, width});
        const Tensor out = run.concat({said.reshape({sizes.batch, 1, width}), back}, 1);
        run.visit(name + ".hook_attn_out", out);
        return run.add(run.concat({first, along}, 1), out);
    }

    [[nodiscard]] Tensor runBlock(NetworkRun& run, const Block& block, Tensor x, const Sizes& sizes,
                                  std::int64_t index) const {
        const std::string name = fmt::format("blocks.{}", index);
        run.visit(name + ".hook_resid_pre", x, hiddenStates(index));
        if (m_divided) {
            x = divided(run, block, x, sizes, name, index);
        } else {
            const NetworkRun::AttentionSite site{name + ".attn", attentions(index), static_cast<int>(index)};
            const Tensor out = attended(run, block.qkv, block.out, run.norm(block.norm1, x), site);
            run.visit(name + ".hook_attn_out", out);
            x = run.add(x, out);
        }
        run.visit(name + ".hook_resid_mid", x);
        const Tensor hidden = run.linear(block.mlpIn, run.norm(block.norm2, x), m_activation);
        run.visit(name + ".mlp.hook_post", hidden);
        x = run.linear(block.mlpOut, hidden, nn::Activation::None, x);
        run.visit(name + ".hook_resid_post", x, index + 1 == config().layers ? hiddenStates(index + 1) : "");
        return x;
    }

    std::int64_t m_channels;
    std::int64_t m_frames;
    Pair m_image;
    Pair m_patch;
    Pair m_grid{1, 1};
    nn::Activation m_activation;
    bool m_divided = true;
    bool m_spaceOnly = false;
    Tensor m_classToken;
    LinearId m_projection;
    Tensor m_positions;
    Tensor m_times;
    std::vector<Block> m_blocks;
    nn::Norm m_norm;
    LinearId m_classifier;
};

} // namespace

std::shared_ptr<const Network> buildTimeSformer(const checkpoint::ModelConfig& config, Weights& weights) {
    return std::make_shared<const TimeSformer>(transformerConfig(config), config, weights);
}

} // namespace orrery::model
