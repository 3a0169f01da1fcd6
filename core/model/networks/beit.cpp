// SPDX-License-Identifier: GPL-3.0-or-later
// BEiT (Bao et al. 2022, "BERT Pre-Training of Image Transformers") and data2vec's vision model (Baevski et
// al. 2022), which is built alike: ViT with a bias of relative positions in every attention, layer scale, and
// the mean of the patches as the answer.
#include "model/networks/families.h"
#include "model/networks/transformer.h"
#include "model/networks/vision.h"
#include "model/networks/windows.h"

#include <fmt/format.h>

namespace orrery::model {
namespace {

using kernels::Pair;

/// Rows for pairs of patches, then three: class token to patch, patch to class token, class token to itself.
class RelativePositions {
public:
    RelativePositions() = default;
    RelativePositions(Tensor table, const Pair& grid) : m_table(std::move(table)), m_grid(grid) {}
    [[nodiscard]] bool defined() const { return m_table.defined(); }
    /// [1, heads, 1 + rows columns, 1 + rows columns]; other grids by bilinear interpolation of the table.
    [[nodiscard]] Tensor at(NetworkRun& run, const Pair& grid) const {
        const std::int64_t heads = m_table.size(1);
        const Pair old{2 * m_grid[0] - 1, 2 * m_grid[1] - 1};
        Tensor pairs = m_table.slice(0, 0, old[0] * old[1]);
        if (grid != m_grid)
            pairs = run.resample(pairs.reshape({1, old[0], old[1], heads}), 2 * grid[0] - 1, 2 * grid[1] - 1,
                                 kernels::Interpolation::Bilinear)
                        .reshape({(2 * grid[0] - 1) * (2 * grid[1] - 1), heads});
        const Tensor inner = relativeBias(pairs, grid, grid);
        const std::int64_t length = grid[0] * grid[1] + 1;
        const Tensor bias = Tensor::empty({1, heads, length, length});
        for (std::int64_t head = 0; head < heads; ++head) {
            const auto special = [&](std::int64_t which) {
                return m_table.at({old[0] * old[1] + which, head});
            };
            const Tensor own = bias.select(0, 0).select(0, head);
            own.slice(0, 1, length).slice(1, 1, length).copyFrom(inner.select(0, head));
            own.slice(0, 0, 1).fill(special(0));
            own.slice(1, 0, 1).fill(special(1));
            own.slice(0, 0, 1).slice(1, 0, 1).fill(special(2));
        }
        return bias;
    }

private:
    Tensor m_table;
    Pair m_grid{1, 1};
};

class Beit final : public Network {
public:
    Beit(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& all)
        : Network(std::move(stack)), m_channels(config.positive({"num_channels"}, 3)),
          m_image(sidesOf(config, {"image_size"}, 224)), m_patch(sidesOf(config, {"patch_size"}, 16)),
          m_meanPooling(config.boolean({"use_mean_pooling"}, true)) {
        const StackConfig& sizes = this->config();
        const std::int64_t width = sizes.hiddenSize;
        const Weights weights = all.under({"beit", "data2vec_vision", ""}, "embeddings.cls_token");
        m_classToken = weights.parameter("embed.class", "embeddings.cls_token", {1, 1, width});
        weights.ignore("embeddings.mask_token");
        m_projection = weights.patches("embed.patches", "embeddings.patch_embeddings.projection",
                                       {width, m_channels, m_patch[0], m_patch[1]});
        const Pair grid = gridOf(config, m_image, m_patch);
        if (config.boolean({"use_absolute_position_embeddings"}, false))
            m_positions = {weights.parameter("embed.positions", "embeddings.position_embeddings",
                                             {1, grid[0] * grid[1] + 1, width}),
                           1, grid};
        BlockSpec spec;
        spec.width = width;
        spec.feedForward = sizes.feedForward;
        spec.heads = sizes.heads;
        spec.epsilon = config.real({"layer_norm_eps"}, 1e-12);
        spec.activation = nn::activationFromName(config.text({"hidden_act"}, "gelu"), config.fileName());
        const bool scaled = config.real({"layer_scale_init_value"}, 0.1) > 0;
        const BlockNames names{.queryKeyValue = {"attention.attention.query", "attention.attention.key",
                                                 "attention.attention.value"},
                               .attentionOut = "attention.output.dense",
                               .norm1 = "layernorm_before",
                               .norm2 = "layernorm_after",
                               .mlpIn = "intermediate.dense",
                               .mlpOut = "output.dense",
                               .scale1 = scaled ? "lambda_1" : "",
                               .scale2 = scaled ? "lambda_2" : ""};
        const auto relative = [&](const Weights& scope, const std::string& path) {
            scope.ignore(path + ".relative_position_index");
            const Tensor table =
                scope.parameter("attn.relative_positions", path + ".relative_position_bias_table",
                                {(2 * grid[0] - 1) * (2 * grid[1] - 1) + 3, sizes.heads});
            return RelativePositions(table, grid);
        };
        if (config.boolean({"use_shared_relative_position_bias"}, false))
            m_shared = relative(weights, "encoder.relative_position_bias");
        const bool own = config.boolean({"use_relative_position_bias"}, false);
        for (std::int64_t i = 0; i < sizes.layers; ++i) {
            const Weights scope = weights.in(fmt::format("blocks.{}", i), fmt::format("encoder.layer.{}", i));
            m_blocks.emplace_back(scope, spec, names);
            m_relative.push_back(own ? relative(scope, "attention.attention.relative_position_bias")
                                     : RelativePositions());
        }
        if (!m_meanPooling)
            m_norm = weights.layerNorm("ln_final", "layernorm", width, spec.epsilon);
        else if (weights.has("pooler.layernorm.weight"))
            m_poolerNorm = weights.layerNorm("pooler.ln", "pooler.layernorm", width, spec.epsilon);
        const auto labels = static_cast<std::int64_t>(sizes.labels.size());
        if (isArchitecture(sizes, "ForImageClassification") && labels > 0)
            m_classifier = all.linear("classifier", "classifier", width, labels);
    }

    [[nodiscard]] std::string task() const override {
        return m_classifier.defined() ? "image classification" : "base model";
    }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override {
        return {imageInput(m_channels, m_image)};
    }

    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const override {
        const Tensor& pixels = inputs.at("pixel_values");
        const Pair grid{pixels.size(2) / m_patch[0], pixels.size(3) / m_patch[1]};
        const Tensor patches = run.linear(m_projection, run.patches(pixels, m_patch));
        Tensor x = run.concat({repeated(run, m_classToken, pixels.size(0)), patches}, 1);
        run.visit("hook_embed", x);
        if (m_positions.defined())
            x = run.addRepeated(x, m_positions.at(run, grid));
        const Tensor shared = m_shared.defined() ? m_shared.at(run, grid) : Tensor{};
        for (std::size_t i = 0; i < m_blocks.size(); ++i) {
            const auto index = static_cast<std::int64_t>(i);
            BlockPlace place{.name = fmt::format("blocks.{}", i),
                             .layer = static_cast<int>(i),
                             .attentionAlias = attentions(index),
                             .hiddenAlias = hiddenStates(index),
                             .outAlias = i + 1 == m_blocks.size() ? hiddenStates(index + 1) : "",
                             .bias = shared,
                             .grid = {grid[0], grid[1]}};
            if (m_relative[i].defined()) {
                place.bias = m_relative[i].at(run, grid);
                if (shared.defined())
                    place.bias = run.add(place.bias, shared);
            }
            x = m_blocks[i].run(run, x, place);
        }
        if (m_norm.defined()) {
            x = run.norm(m_norm, x);
            run.visit("ln_final.hook_normalized", x);
        }
        NamedTensors outputs{{"last_hidden_state", x}};
        if (m_poolerNorm.defined() || !m_meanPooling) {
            const Tensor pooled =
                m_meanPooling
                    ? run.norm(m_poolerNorm, run.meanOverPositions(x.slice(1, 1, x.size(1)).contiguous()))
                    : tokenAt(x, 0);
            outputs["pooler_output"] = pooled;
            if (m_classifier.defined())
                outputs["logits"] = run.linear(m_classifier, pooled);
        }
        return outputs;
    }

private:
    std::int64_t m_channels;
    Pair m_image;
    Pair m_patch;
    bool m_meanPooling;
    Tensor m_classToken;
    LinearId m_projection;
    GridPositions m_positions;
    RelativePositions m_shared;
    std::vector<TransformerBlock> m_blocks;
    std::vector<RelativePositions> m_relative;
    nn::Norm m_norm;
    nn::Norm m_poolerNorm;
    LinearId m_classifier;
};

} // namespace

std::shared_ptr<const Network> buildBeit(const checkpoint::ModelConfig& config, Weights& weights) {
    return std::make_shared<const Beit>(transformerConfig(config), config, weights);
}

} // namespace orrery::model
