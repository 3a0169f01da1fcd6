// SPDX-License-Identifier: GPL-3.0-or-later
// CLIP (Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision"): a
// tower for texts and one for images, whose answers are compared by their angles. Towers saved alone open
// too.
#include "base/error.h"
#include "model/networks/families.h"
#include "model/networks/transformer.h"
#include "model/networks/vision.h"
#include "onednn/matmul.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace orrery::model {
namespace {

using kernels::Pair;

/// What a tower is when its configuration does not say: Hugging Face leaves out what is as usual.
struct TowerSizes {
    std::int64_t width = 0;
    std::int64_t feedForward = 0;
    std::int64_t layers = 0;
    int heads = 0;

    static TowerSizes read(const checkpoint::ModelConfig& config, bool vision) {
        TowerSizes sizes;
        sizes.width = config.positive({"hidden_size"}, vision ? 768 : 512);
        sizes.feedForward = config.positive({"intermediate_size"}, vision ? 3072 : 2048);
        sizes.layers = config.positive({"num_hidden_layers"}, 12);
        const std::int64_t heads = config.positive({"num_attention_heads"}, vision ? 12 : 8);
        if (sizes.width % heads != 0)
            throw config.error("num_attention_heads", "which does not divide hidden_size");
        sizes.heads = static_cast<int>(heads);
        return sizes;
    }
};

std::vector<TransformerBlock> blocksOf(const checkpoint::ModelConfig& config, const TowerSizes& sizes,
                                       const Weights& weights) {
    const BlockNames names{.queryKeyValue = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"},
                           .attentionOut = "self_attn.out_proj",
                           .norm1 = "layer_norm1",
                           .norm2 = "layer_norm2",
                           .mlpIn = "mlp.fc1",
                           .mlpOut = "mlp.fc2"};
    BlockSpec spec;
    spec.width = sizes.width;
    spec.feedForward = sizes.feedForward;
    spec.heads = sizes.heads;
    spec.epsilon = config.real({"layer_norm_eps"}, 1e-5);
    spec.activation = nn::activationFromName(config.text({"hidden_act"}, "quick_gelu"), config.fileName());
    std::vector<TransformerBlock> blocks;
    for (std::int64_t i = 0; i < sizes.layers; ++i)
        blocks.emplace_back(weights.in(fmt::format("blocks.{}", i), fmt::format("encoder.layers.{}", i)),
                            spec, names);
    return blocks;
}

/// The tower of texts: causal, read at the end of the text.
class TextTower {
public:
    TextTower() = default;
    TextTower(const checkpoint::ModelConfig& config, const Weights& weights)
        : m_width(TowerSizes::read(config, false).width),
          m_vocabulary(config.positive({"vocab_size"}, 49408)),
          m_positionCount(config.positive({"max_position_embeddings"}, 77)),
          m_end(config.integer({"eos_token_id"}, 49407)) {
        m_tokens =
            weights.table("embed.tokens", "embeddings.token_embedding.weight", {m_vocabulary, m_width});
        m_positions = weights.parameter("embed.positions", "embeddings.position_embedding.weight",
                                        {m_positionCount, m_width});
        weights.ignore("embeddings.position_ids");
        m_blocks = blocksOf(config, TowerSizes::read(config, false), weights);
        m_norm =
            weights.layerNorm("ln_final", "final_layer_norm", m_width, config.real({"layer_norm_eps"}, 1e-5));
    }
    [[nodiscard]] std::int64_t width() const { return m_width; }
    [[nodiscard]] std::int64_t vocabulary() const { return m_vocabulary; }
    [[nodiscard]] std::int64_t positions() const { return m_positionCount; }
    [[nodiscard]] int layers() const { return static_cast<int>(m_blocks.size()); }
    [[nodiscard]] const Tensor& tokens() const { return m_tokens; }
    [[nodiscard]] std::vector<NetworkInput> inputs() const {
        NetworkInput ids{.name = "input_ids",
                         .meaning = "token ids of texts",
                         .example = {1, std::min<std::int64_t>(16, m_positionCount)},
                         .sizes = {-1, -1},
                         .dtype = DType::I64};
        NetworkInput mask = ids;
        mask.name = "attention_mask";
        mask.meaning = "1 for tokens, 0 for padding";
        mask.required = false;
        return {ids, mask};
    }

    struct Result {
        Tensor hidden; ///< [B, L, D], normed
        Tensor pooled; ///< [B, D]: at the end of the text
    };
    /// names: before the blocks' ("text."); aliases: before the hidden states' ("text_model_output.").
    [[nodiscard]] Result run(const NamedTensors& inputs, NetworkRun& run, const std::string& names,
                             std::string_view aliases) const {
        const Tensor& ids = inputs.at("input_ids");
        if (ids.size(1) > m_positionCount)
            throw UsageError(fmt::format("This model takes texts of up to {} tokens, not {}.",
                                         m_positionCount, ids.size(1)));
        const Tensor embedded = run.embed(m_tokens, ids);
        run.visit(names + "hook_embed", embedded);
        Tensor x = run.addRepeated(embedded, m_positions.slice(0, 0, ids.size(1)));
        BlockPlace place{.name = names + "blocks", .causal = true};
        if (const auto mask = inputs.find("attention_mask"); mask != inputs.end())
            place.keyMask = keyMaskOf(mask->second, ids.shape());
        x = run.norm(m_norm, runBlocks(run, m_blocks, x, place, aliases));
        run.visit(names + "ln_final.hook_normalized", x);
        const Tensor pooled = run.empty({ids.size(0), m_width});
        for (std::int64_t item = 0; item < ids.size(0); ++item)
            pooled.select(0, item).copyFrom(x.select(0, item).select(0, endOf(ids, item)));
        return {x, pooled};
    }

private:
    /// The first end-of-text token; where the configuration is older than that (2), the largest id.
    [[nodiscard]] std::int64_t endOf(const Tensor& ids, std::int64_t item) const {
        const std::int64_t* row = ids.pointer<std::int64_t>() + item * ids.size(1);
        if (m_end == 2)
            return std::max_element(row, row + ids.size(1)) - row;
        const std::int64_t* found = std::find(row, row + ids.size(1), m_end);
        return found == row + ids.size(1) ? 0 : found - row;
    }

    std::int64_t m_width = 0;
    std::int64_t m_vocabulary = 0;
    std::int64_t m_positionCount = 0;
    std::int64_t m_end = 0;
    Tensor m_tokens;
    Tensor m_positions;
    std::vector<TransformerBlock> m_blocks;
    nn::Norm m_norm;
};

/// The tower of images: ViT with a norm before the blocks.
class VisionTower {
public:
    VisionTower() = default;
    VisionTower(const checkpoint::ModelConfig& config, const Weights& weights)
        : m_width(TowerSizes::read(config, true).width), m_channels(config.positive({"num_channels"}, 3)),
          m_image(sidesOf(config, {"image_size"}, 224)), m_patch(sidesOf(config, {"patch_size"}, 32)) {
        m_classToken = weights.parameter("embed.class", "embeddings.class_embedding", {m_width});
        m_projection = weights.patches("embed.patches", "embeddings.patch_embedding",
                                       {m_width, m_channels, m_patch[0], m_patch[1]}, Bias::IfStored);
        const Pair grid = gridOf(config, m_image, m_patch);
        m_positions = {weights.parameter("embed.positions", "embeddings.position_embedding.weight",
                                         {grid[0] * grid[1] + 1, m_width}),
                       1, grid};
        weights.ignore("embeddings.position_ids");
        const double epsilon = config.real({"layer_norm_eps"}, 1e-5);
        m_before = weights.layerNorm("ln_pre", "pre_layrnorm", m_width, epsilon); // as it is spelt
        m_blocks = blocksOf(config, TowerSizes::read(config, true), weights);
        m_after = weights.layerNorm("ln_final", "post_layernorm", m_width, epsilon);
    }
    [[nodiscard]] std::int64_t width() const { return m_width; }
    [[nodiscard]] int layers() const { return static_cast<int>(m_blocks.size()); }
    [[nodiscard]] NetworkInput input() const { return imageInput(m_channels, m_image); }

    struct Result {
        Tensor hidden; ///< [B, 1 + n, D]
        Tensor pooled; ///< [B, D]
    };
    [[nodiscard]] Result run(const Tensor& pixels, NetworkRun& run, const std::string& names,
                             std::string_view aliases, int firstLayer) const {
        const Pair grid{pixels.size(2) / m_patch[0], pixels.size(3) / m_patch[1]};
        const Tensor patches = run.linear(m_projection, run.patches(pixels, m_patch));
        const Tensor tokens = run.concat({repeated(run, m_classToken, pixels.size(0)), patches}, 1);
        run.visit(names + "hook_embed", tokens);
        Tensor x = run.norm(m_before, run.addRepeated(tokens, m_positions.at(run, grid)));
        x = runBlocks(run, m_blocks, x,
                      {.name = names + "blocks", .layer = firstLayer, .grid = {grid[0], grid[1]}}, aliases);
        return {x, run.norm(m_after, tokenAt(x, 0))};
    }

private:
    std::int64_t m_width = 0;
    std::int64_t m_channels = 3;
    Pair m_image{224, 224};
    Pair m_patch{32, 32};
    Tensor m_classToken;
    LinearId m_projection;
    GridPositions m_positions;
    nn::Norm m_before;
    std::vector<TransformerBlock> m_blocks;
    nn::Norm m_after;
};

/// Rows divided by their lengths.
Tensor unitRows(NetworkRun& run, const Tensor& x) {
    const Tensor out = run.empty(x.shape());
    const std::int64_t width = x.size(1);
    for (std::int64_t row = 0; row < x.size(0); ++row) {
        const float* from = x.pointer<float>() + row * width;
        double squares = 0;
        for (std::int64_t i = 0; i < width; ++i)
            squares += static_cast<double>(from[i]) * static_cast<double>(from[i]);
        const auto scale = static_cast<float>(squares > 0 ? 1 / std::sqrt(squares) : 0);
        for (std::int64_t i = 0; i < width; ++i)
            out.mutablePointer<float>()[row * width + i] = from[i] * scale;
    }
    return out;
}

class Clip final : public Network {
public:
    Clip(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& weights)
        : Network(std::move(stack)), m_text(config.section("text_config"), weights.in("text", "text_model")),
          m_vision(config.section("vision_config"), weights.in("vision", "vision_model")) {
        const std::int64_t size = config.positive({"projection_dim"}, 512);
        m_textProjection =
            weights.linear("text.projection", "text_projection", m_text.width(), size, Bias::No);
        m_visionProjection =
            weights.linear("vision.projection", "visual_projection", m_vision.width(), size, Bias::No);
        m_scale = std::exp(weights.parameter("logit_scale", "logit_scale", {}).item());
    }

    [[nodiscard]] std::string task() const override { return "texts and images compared"; }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override {
        std::vector<NetworkInput> inputs = m_text.inputs();
        inputs.push_back(m_vision.input());
        // Each side can be asked for alone.
        inputs.front().required = inputs.back().required = false;
        inputs.front().exemplary = inputs.back().exemplary = true;
        return inputs;
    }
    [[nodiscard]] Tensor tokenEmbedding() const override { return m_text.tokens(); }

    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const override {
        NamedTensors outputs;
        if (inputs.contains("input_ids")) {
            const TextTower::Result text = m_text.run(inputs, run, "text.", "text_model_output.");
            const Tensor projected = run.linear(m_textProjection, text.pooled);
            outputs["text_model_output.last_hidden_state"] = text.hidden;
            outputs["text_model_output.pooler_output"] = projected;
            outputs["text_embeds"] = unitRows(run, projected);
        }
        if (const auto pixels = inputs.find("pixel_values"); pixels != inputs.end()) {
            const VisionTower::Result vision =
                m_vision.run(pixels->second, run, "vision.", "vision_model_output.", m_text.layers());
            const Tensor projected = run.linear(m_visionProjection, vision.pooled);
            outputs["vision_model_output.last_hidden_state"] = vision.hidden;
            outputs["vision_model_output.pooler_output"] = projected;
            outputs["image_embeds"] = unitRows(run, projected);
        }
        if (outputs.empty())
            throw UsageError("CLIP needs input_ids, pixel_values or both.");
        if (outputs.contains("text_embeds") && outputs.contains("image_embeds")) {
            const Tensor& texts = outputs["text_embeds"];
            const Tensor& images = outputs["image_embeds"];
            const Tensor cosines = run.empty({texts.size(0), images.size(0)});
            onednn::matmul(texts, images, false, true, cosines);
            const Tensor scale = Tensor::full({images.size(0)}, m_scale);
            outputs["logits_per_text"] = run.scaleChannels(cosines, scale);
            outputs["logits_per_image"] = outputs["logits_per_text"].transpose(0, 1).clone();
        }
        return outputs;
    }

private:
    TextTower m_text;
    VisionTower m_vision;
    LinearId m_textProjection;
    LinearId m_visionProjection;
    double m_scale = 1;
};

class ClipText final : public Network {
public:
    ClipText(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& weights)
        : Network(std::move(stack)),
          m_tower(config, weights.under({"text_model", ""}, "embeddings.token_embedding.weight")) {
        if (weights.has("text_projection.weight"))
            m_projection = weights.linear("projection", "text_projection", m_tower.width(),
                                          config.positive({"projection_dim"}, 512), Bias::No);
    }
    [[nodiscard]] std::string task() const override { return "embedding of texts"; }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override { return m_tower.inputs(); }
    [[nodiscard]] Tensor tokenEmbedding() const override { return m_tower.tokens(); }
    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const override {
        const TextTower::Result text = m_tower.run(inputs, run, "", "");
        NamedTensors outputs{{"last_hidden_state", text.hidden}};
        if (m_projection.defined())
            outputs["text_embeds"] = run.linear(m_projection, text.pooled);
        else
            outputs["pooler_output"] = text.pooled;
        return outputs;
    }

private:
    TextTower m_tower;
    LinearId m_projection;
};

class ClipVision final : public Network {
public:
    ClipVision(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& weights)
        : Network(std::move(stack)),
          m_tower(config, weights.under({"vision_model", ""}, "embeddings.class_embedding")) {
        if (weights.has("visual_projection.weight"))
            m_projection = weights.linear("projection", "visual_projection", m_tower.width(),
                                          config.positive({"projection_dim"}, 512), Bias::No);
        const auto labels = static_cast<std::int64_t>(this->config().labels.size());
        if (isArchitecture(this->config(), "ForImageClassification") && labels > 0)
            m_classifier = weights.linear("classifier", "classifier", m_tower.width(), labels);
    }
    [[nodiscard]] std::string task() const override {
        return m_classifier.defined() ? "image classification" : "embedding of images";
    }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override { return {m_tower.input()}; }
    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const override {
        const VisionTower::Result vision = m_tower.run(inputs.at("pixel_values"), run, "", "", 0);
        NamedTensors outputs{{"last_hidden_state", vision.hidden}, {"pooler_output", vision.pooled}};
        if (m_projection.defined())
            outputs["image_embeds"] = run.linear(m_projection, vision.pooled);
        if (m_classifier.defined()) // of the mean of the patches
            outputs["logits"] = run.linear(
                m_classifier,
                run.meanOverPositions(vision.hidden.slice(1, 1, vision.hidden.size(1)).contiguous()));
        return outputs;
    }

private:
    VisionTower m_tower;
    LinearId m_projection;
    LinearId m_classifier;
};

void takeSizes(StackConfig& stack, const TowerSizes& sizes) {
    stack.hiddenSize = sizes.width;
    stack.layers = sizes.layers;
    stack.heads = sizes.heads;
    stack.keyValueHeads = sizes.heads;
    stack.headSize = sizes.width / sizes.heads;
    stack.feedForward = sizes.feedForward;
}

} // namespace

std::shared_ptr<const Network> buildClip(const checkpoint::ModelConfig& config, Weights& weights) {
    StackConfig stack = networkConfig(config);
    const checkpoint::ModelConfig text = config.section("text_config");
    takeSizes(stack, TowerSizes::read(text, false));
    stack.layers += TowerSizes::read(config.section("vision_config"), true).layers;
    stack.vocabulary = text.positive({"vocab_size"}, 49408);
    stack.maxPositions = text.positive({"max_position_embeddings"}, 77);
    return std::make_shared<const Clip>(std::move(stack), config, weights);
}

std::shared_ptr<const Network> buildClipText(const checkpoint::ModelConfig& config, Weights& weights) {
    StackConfig stack = networkConfig(config);
    takeSizes(stack, TowerSizes::read(config, false));
    stack.vocabulary = config.positive({"vocab_size"}, 49408);
    stack.maxPositions = config.positive({"max_position_embeddings"}, 77);
    stack.causal = true;
    return std::make_shared<const ClipText>(std::move(stack), config, weights);
}

std::shared_ptr<const Network> buildClipVision(const checkpoint::ModelConfig& config, Weights& weights) {
    StackConfig stack = networkConfig(config);
    takeSizes(stack, TowerSizes::read(config, true));
    return std::make_shared<const ClipVision>(std::move(stack), config, weights);
}

} // namespace orrery::model
