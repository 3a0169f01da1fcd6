// SPDX-License-Identifier: GPL-3.0-or-later
// Swin (Liu et al. 2021, "Hierarchical Vision Transformer using Shifted Windows") and Swin V2 (Liu et al.
// 2022, "Scaling Up Capacity and Resolution"): attention inside of windows, every second block with the map
// shifted by half a window, and four neighbours merged into one position between the stages. V2 norms after
// each branch, compares queries and keys by their angles and computes the bias of relative positions from
// log-spaced coordinates.
#include "base/error.h"
#include "kernels/threads.h"
#include "model/networks/families.h"
#include "model/networks/transformer.h"
#include "model/networks/vision.h"
#include "model/networks/windows.h"
#include "onednn/matmul.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

namespace orrery::model {
namespace {

using kernels::Pair;

/// Every head's vector divided by its length and multiplied by the head's factor (factors may be empty).
Tensor unitHeads(NetworkRun& run, const Tensor& x, const std::vector<float>& factors) {
    const std::int64_t heads = x.size(2);
    const std::int64_t size = x.size(3);
    const Tensor out = run.empty(x.shape());
    const Tensor rows = x.contiguous();
    const float* source = rows.pointer<float>();
    float* target = out.mutablePointer<float>();
    kernels::parallelFor(
        rows.elements() / size, std::max<std::int64_t>(1, 8192 / size),
        [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t row = begin; row < end; ++row) {
                const float* from = source + row * size;
                double squares = 0;
                for (std::int64_t i = 0; i < size; ++i)
                    squares += static_cast<double>(from[i]) * static_cast<double>(from[i]);
                const double factor =
                    factors.empty() ? 1 : static_cast<double>(factors[static_cast<std::size_t>(row % heads)]);
                const auto scale = static_cast<float>(factor / std::max(std::sqrt(squares), 1e-12));
                for (std::int64_t i = 0; i < size; ++i)
                    target[row * size + i] = from[i] * scale;
            }
        });
    return out;
}

struct SwinBlock {
    bool second = false;
    std::int64_t heads = 1;
    Pair window{1, 1}; ///< of the table of relative positions
    bool shifted = false;
    Tensor table;              ///< [(2 H - 1) (2 W - 1), heads]
    std::vector<float> scales; ///< of V2's heads
    LinearId qkv;
    LinearId out;
    LinearId mlpIn;
    LinearId mlpOut;
    nn::Norm norm1;
    nn::Norm norm2;

    SwinBlock(const Weights& scope, std::int64_t width, std::int64_t headCount, std::int64_t hidden,
              const Pair& size, double epsilon, bool isSecond, std::int64_t pretrained)
        : second(isSecond), heads(headCount), window(size) {
        constexpr std::array<const char*, 3> names{"query", "key", "value"};
        std::array<std::string, 3> paths;
        for (std::size_t i = 0; i < 3; ++i)
            paths[i] = fmt::format("attention.self.{}", names[i]);
        norm1 = scope.layerNorm("ln1", "layernorm_before", width, epsilon);
        qkv = scope.stacked("attn.qkv", paths, width, width, Bias::IfStored);
        const std::int64_t rows = (2 * size[0] - 1) * (2 * size[1] - 1);
        if (second) {
            const Tensor logs =
                scope.parameter("attn.logit_scale", "attention.self.logit_scale", {heads, 1, 1});
            for (std::int64_t head = 0; head < heads; ++head)
                scales.push_back(std::exp(std::min(logs.pointer<float>()[head], std::log(100.0F))));
            table = continuousTable(scope, pretrained);
        } else {
            table = scope.parameter("attn.relative_positions", "attention.self.relative_position_bias_table",
                                    {rows, heads});
            scope.ignore("attention.self.relative_position_index");
        }
        out = scope.linear("attn.out", "attention.output.dense", width, width);
        norm2 = scope.layerNorm("ln2", "layernorm_after", width, epsilon);
        mlpIn = scope.linear("mlp.in", "intermediate.dense", width, hidden);
        mlpOut = scope.linear("mlp.out", "output.dense", hidden, width);
    }

    /// 16 sigmoid of a small network of the coordinates, sign(c) log2(1 + |8 c|) / log2(8) (V2, section 3.3).
    [[nodiscard]] Tensor continuousTable(const Weights& scope, std::int64_t pretrained) const {
        constexpr std::int64_t hidden = 512;
        const std::string path = "attention.self.continuous_position_bias_mlp";
        const Tensor in = scope.parameter("attn.position_mlp.in", path + ".0.weight", {hidden, 2});
        const Tensor bias = scope.parameter("attn.position_mlp.bias", path + ".0.bias", {hidden});
        const Tensor last = scope.parameter("attn.position_mlp.out", path + ".2.weight", {heads, hidden});
        scope.ignore("attention.self.relative_position_index");
        scope.ignore("attention.self.relative_coords_table");
        const auto coordinate = [&](std::int64_t offset, std::int64_t size) {
            double value = static_cast<double>(offset);
            if (pretrained > 1)
                value /= static_cast<double>(pretrained - 1);
            else if (size > 1)
                value /= static_cast<double>(size - 1);
            value *= 8;
            return std::copysign(std::log2(std::abs(value) + 1) / 3, value);
        };
        const std::int64_t across = 2 * window[1] - 1;
        const std::int64_t rows = (2 * window[0] - 1) * across;
        const Tensor units = Tensor::empty({rows, hidden});
        for (std::int64_t row = 0; row < rows; ++row) {
            const auto down = static_cast<float>(coordinate(row / across - window[0] + 1, window[0]));
            const auto right = static_cast<float>(coordinate(row % across - window[1] + 1, window[1]));
            for (std::int64_t i = 0; i < hidden; ++i)
                units.mutablePointer<float>()[row * hidden + i] =
                    std::max(0.0F, in.pointer<float>()[2 * i] * down +
                                       in.pointer<float>()[2 * i + 1] * right + bias.pointer<float>()[i]);
        }
        const Tensor result = Tensor::empty({rows, heads});
        onednn::matmul(units, last, false, true, result);
        for (float& value : result.mutableData<float>())
            value = 16 / (1 + std::exp(-value));
        return result;
    }
};

class Swin final : public Network {
public:
    Swin(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& all)
        : Network(std::move(stack)), m_second(this->config().family == "swinv2"),
          m_channels(config.positive({"num_channels"}, 3)), m_image(sidesOf(config, {"image_size"}, 224)),
          m_patch(sidesOf(config, {"patch_size"}, 4)),
          m_activation(nn::activationFromName(config.text({"hidden_act"}, "gelu"), config.fileName())) {
        const std::vector<std::int64_t> depths = config.integers({"depths"}, {2, 2, 6, 2});
        const std::vector<std::int64_t> heads = config.integers({"num_heads"}, {3, 6, 12, 24});
        const std::vector<std::int64_t> pretrained =
            config.integers({"pretrained_window_sizes"}, {0, 0, 0, 0});
        if (depths.size() != heads.size() || depths.empty() || depths.size() > 16)
            throw config.error("depths", "which must name as many stages as num_heads");
        const std::int64_t windowSize = config.positive({"window_size"}, 7);
        if (windowSize > 1024)
            throw config.error("window_size", "which is more than any model has");
        const double epsilon = config.real({"layer_norm_eps"}, 1e-5);
        std::int64_t width = config.positive({"embed_dim"}, 96);
        const Weights weights =
            all.under({this->config().family, ""}, "embeddings.patch_embeddings.projection.weight");
        m_projection = weights.patches("embed.patches", "embeddings.patch_embeddings.projection",
                                       {width, m_channels, m_patch[0], m_patch[1]});
        m_embeddingNorm = weights.layerNorm("embed.ln", "embeddings.norm", width, 1e-5);
        Pair grid = gridOf(config, m_image, m_patch);
        if (config.boolean({"use_absolute_embeddings"}, false))
            m_positions = {weights.parameter("embed.positions", "embeddings.position_embeddings",
                                             {1, grid[0] * grid[1], width}),
                           0, grid};
        weights.ignore("embeddings.mask_token");
        for (std::size_t i = 0; i < depths.size(); ++i) {
            if (heads[i] < 1 || width % heads[i] != 0)
                throw config.error(
                    "num_heads", fmt::format("which does not divide the {} channels of stage {}", width, i));
            Stage& stage = m_stages.emplace_back();
            const std::string path = fmt::format("encoder.layers.{}", i);
            // V2 decides by the height of the configured image, V1 by the map that comes.
            const std::int64_t side =
                m_second ? std::min(windowSize, std::max<std::int64_t>(1, grid[0])) : windowSize;
            const Pair window{side, side};
            for (std::int64_t j = 0; j < depths[i]; ++j) {
                const Weights scope = weights.in(fmt::format("stages.{}.blocks.{}", i, j),
                                                 fmt::format("{}.blocks.{}", path, j));
                SwinBlock& block = stage.blocks.emplace_back(
                    scope, width, heads[i], widened(config, "mlp_ratio", width, 4.0), window, epsilon,
                    m_second, i < pretrained.size() ? pretrained[i] : 0);
                block.shifted = j % 2 == 1 && (!m_second || grid[0] > side);
            }
            if (i + 1 < depths.size()) {
                const Weights scope = weights.in(fmt::format("stages.{}.merge", i), path + ".downsample");
                stage.mergeNorm = scope.layerNorm("ln", "norm", m_second ? 2 * width : 4 * width, 1e-5);
                stage.merge = scope.linear("linear", "reduction", 4 * width, 2 * width, Bias::No);
                width *= 2;
                grid = {(grid[0] + 1) / 2, (grid[1] + 1) / 2};
            }
        }
        m_norm = weights.layerNorm("ln_final", "layernorm", width, epsilon);
        if (isArchitecture(this->config(), "ForImageClassification"))
            m_classifier = all.linear("classifier", "classifier", width,
                                      static_cast<std::int64_t>(this->config().labels.size()));
    }

    [[nodiscard]] std::string task() const override {
        return m_classifier.defined() ? "image classification" : "base model";
    }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override {
        return {imageInput(m_channels, m_image)};
    }

    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const override {
        const Tensor pixels = padded(run, inputs.at("pixel_values"));
        Pair grid{pixels.size(2) / m_patch[0], pixels.size(3) / m_patch[1]};
        Tensor x = run.norm(m_embeddingNorm, run.linear(m_projection, run.patches(pixels, m_patch)));
        if (m_positions.defined())
            x = run.addRepeated(x, m_positions.at(run, grid));
        show(run, "hook_embed", x, grid, 0);
        int layer = 0;
        for (std::size_t i = 0; i < m_stages.size(); ++i) {
            const Stage& stage = m_stages[i];
            for (std::size_t j = 0; j < stage.blocks.size(); ++j) {
                const bool last = j + 1 == stage.blocks.size();
                x = runBlock(run, stage.blocks[j], x, grid,
                             {fmt::format("stages.{}.blocks.{}.attn", i, j),
                              last ? attentions(static_cast<std::int64_t>(i)) : "", layer++},
                             fmt::format("stages.{}.blocks.{}", i, j));
            }
            if (stage.merge.defined())
                x = merged(run, stage, x, grid);
            show(run, fmt::format("stages.{}.hook_out", i), x, grid, static_cast<std::int64_t>(i) + 1);
        }
        x = run.norm(m_norm, x);
        run.visit("ln_final.hook_normalized", x);
        const Tensor pooled = run.meanOverPositions(x);
        NamedTensors outputs{{"last_hidden_state", x}, {"pooler_output", pooled}};
        if (m_classifier.defined())
            outputs["logits"] = run.linear(m_classifier, pooled);
        return outputs;
    }

private:
    struct Stage {
        std::vector<SwinBlock> blocks;
        nn::Norm mergeNorm;
        LinearId merge;
    };

    /// Zeros on the right and below up to whole patches.
    [[nodiscard]] Tensor padded(NetworkRun& run, const Tensor& pixels) const {
        const std::int64_t height = (pixels.size(2) + m_patch[0] - 1) / m_patch[0] * m_patch[0];
        const std::int64_t width = (pixels.size(3) + m_patch[1] - 1) / m_patch[1] * m_patch[1];
        if (height == pixels.size(2) && width == pixels.size(3))
            return pixels;
        const Tensor out = run.empty({pixels.size(0), pixels.size(1), height, width});
        out.fill(0);
        out.slice(2, 0, pixels.size(2)).slice(3, 0, pixels.size(3)).copyFrom(pixels);
        return out;
    }

    static void show(NetworkRun& run, const std::string& name, const Tensor& x, const Pair& grid,
                     std::int64_t index) {
        run.visit(name, x, hiddenStates(index));
        run.visitMap(hiddenStates(index, "reshaped_"), NetworkRun::grid(x, grid[0], grid[1]));
    }

    /// Four neighbours side by side, then half as many channels.
    [[nodiscard]] Tensor merged(NetworkRun& run, const Stage& stage, const Tensor& x, Pair& grid) const {
        const std::int64_t channels = x.size(2);
        const Pair half{(grid[0] + 1) / 2, (grid[1] + 1) / 2};
        // A window of 2 x 2 lists its cells row by row; here columns come first.
        const Tensor windows = run.cutWindows(NetworkRun::grid(x, grid[0], grid[1]), {2, 2}, {0, 0})
                                   .reshape({x.size(0), half[0] * half[1], 2, 2, channels});
        const Tensor four =
            run.dense(windows.transpose(2, 3)).reshape({x.size(0), half[0] * half[1], 4 * channels});
        grid = half;
        return m_second ? run.norm(stage.mergeNorm, run.linear(stage.merge, four))
                        : run.linear(stage.merge, run.norm(stage.mergeNorm, four));
    }

    [[nodiscard]] Tensor attended(NetworkRun& run, const SwinBlock& block, const Tensor& x, const Pair& grid,
                                  const NetworkRun::AttentionSite& site) const {
        Pair window = block.window;
        Pair shift{0, 0};
        if (!m_second && std::min(grid[0], grid[1]) <= window[0]) {
            const std::int64_t size = std::min({grid[0], grid[1], window[0]});
            window = {size, size};
        } else if (block.shifted) {
            shift = {window[0] / 2, window[1] / 2};
        }
        const Tensor windows = run.cutWindows(NetworkRun::grid(x, grid[0], grid[1]), window, shift);
        nn::AttentionInput parts;
        splitHeads(run.linear(block.qkv, windows), static_cast<int>(block.heads), parts);
        parts.scale = 1 / std::sqrt(static_cast<double>(parts.query.size(3)));
        if (block.second) {
            parts.query = unitHeads(run, parts.query, block.scales);
            parts.key = unitHeads(run, parts.key, {});
            parts.scale = 1;
        }
        parts.grid = {window[0], window[1]};
        parts.bias = relativeBias(block.table, block.window, window);
        parts.bias = shift[0] > 0 || shift[1] > 0
                         ? maskedBias(parts.bias, shiftMask(grid[0], grid[1], window, shift), x.size(0))
                         : parts.bias.unsqueeze(0);
        const Tensor mixed = run.linear(block.out, joinHeads(run.attention(site, parts)));
        return NetworkRun::tokens(
            run.joinWindows(mixed, {x.size(0), grid[0], grid[1], x.size(2)}, window, shift));
    }

    [[nodiscard]] Tensor runBlock(NetworkRun& run, const SwinBlock& block, Tensor x, const Pair& grid,
                                  const NetworkRun::AttentionSite& site, const std::string& name) const {
        run.visit(name + ".hook_resid_pre", x);
        const auto normed = [&](const nn::Norm& norm, const char* place, const Tensor& input) {
            const Tensor out = run.norm(norm, input);
            run.visit(name + place, out);
            return out;
        };
        Tensor input = m_second ? x : normed(block.norm1, ".ln1.hook_normalized", x);
        Tensor out = run.mixer(site, input, {}, false, {grid[0], grid[1]});
        if (!out.defined())
            out = attended(run, block, input, grid, site);
        if (m_second)
            out = normed(block.norm1, ".ln1.hook_normalized", out);
        run.visit(name + ".hook_attn_out", out);
        x = run.add(x, out);
        run.visit(name + ".hook_resid_mid", x);
        input = m_second ? x : normed(block.norm2, ".ln2.hook_normalized", x);
        const Tensor hidden = run.linear(block.mlpIn, input, m_activation);
        run.visit(name + ".mlp.hook_post", hidden);
        out = run.linear(block.mlpOut, hidden);
        if (m_second)
            out = normed(block.norm2, ".ln2.hook_normalized", out);
        run.visit(name + ".hook_mlp_out", out);
        x = run.add(x, out);
        run.visit(name + ".hook_resid_post", x);
        return x;
    }

    bool m_second;
    std::int64_t m_channels;
    Pair m_image;
    Pair m_patch;
    nn::Activation m_activation;
    LinearId m_projection;
    nn::Norm m_embeddingNorm;
    GridPositions m_positions;
    std::vector<Stage> m_stages;
    nn::Norm m_norm;
    LinearId m_classifier;
};

} // namespace

std::shared_ptr<const Network> buildSwin(const checkpoint::ModelConfig& config, Weights& weights) {
    StackConfig stack = networkConfig(config);
    const std::vector<std::int64_t> depths = config.integers({"depths"}, {2, 2, 6, 2});
    const std::vector<std::int64_t> heads = config.integers({"num_heads"}, {3, 6, 12, 24});
    stack.layers = sumOfDepths(config, {2, 2, 6, 2});
    stack.heads = heads.empty() ? 0 : static_cast<int>(heads.back());
    stack.keyValueHeads = stack.heads;
    stack.hiddenSize =
        depths.empty() || depths.size() > 16 ? 0 : config.positive({"embed_dim"}, 96) << (depths.size() - 1);
    return std::make_shared<const Swin>(std::move(stack), config, weights);
}

} // namespace orrery::model
