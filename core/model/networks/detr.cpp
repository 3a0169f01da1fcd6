// SPDX-License-Identifier: GPL-3.0-or-later
// DETR (Carion et al. 2020, "End-to-End Object Detection with Transformers"): a ResNet whose last map becomes
// the tokens of an encoder, and a decoder in which learned queries each look for one object.
#include "base/error.h"
#include "model/networks/families.h"
#include "model/networks/resnet.h"
#include "model/networks/transformer.h"
#include "model/networks/vision.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace orrery::model {
namespace {

constexpr double epsilon = 1e-5; ///< of every norm

/// Attention to whose queries and keys positions are added, but not to its values.
class DetrAttention {
public:
    DetrAttention() = default;
    DetrAttention(const Weights& scope, const std::string& module, const std::string& path,
                  std::int64_t width, int heads)
        : m_heads(heads),
          m_query(scope.linear(module + ".q", path + ".q_proj", width, width, Bias::IfStored)),
          m_key(scope.linear(module + ".k", path + ".k_proj", width, width, Bias::IfStored)),
          m_value(scope.linear(module + ".v", path + ".v_proj", width, width, Bias::IfStored)),
          m_out(scope.linear(module + ".out", path + ".out_proj", width, width, Bias::IfStored)) {}

    [[nodiscard]] Tensor run(NetworkRun& run, const Tensor& query, const Tensor& key, const Tensor& value,
                             const Tensor& keyMask, const NetworkRun::AttentionSite& site) const {
        nn::AttentionInput parts;
        parts.query = headsOf(run.linear(m_query, query), m_heads);
        parts.key = headsOf(run.linear(m_key, key), m_heads);
        parts.value = headsOf(run.linear(m_value, value), m_heads);
        parts.keyMask = keyMask;
        parts.scale = 1 / std::sqrt(static_cast<double>(parts.query.size(3)));
        return run.linear(m_out, joinHeads(run.attention(site, parts)));
    }

private:
    int m_heads = 1;
    LinearId m_query;
    LinearId m_key;
    LinearId m_value;
    LinearId m_out;
};

struct DetrFeedForward {
    LinearId in;
    LinearId out;
    nn::Norm norm;

    DetrFeedForward(const Weights& scope, std::int64_t width, std::int64_t hidden)
        : in(scope.linear("mlp.in", "fc1", width, hidden)),
          out(scope.linear("mlp.out", "fc2", hidden, width)),
          norm(scope.layerNorm("ln_mlp", "final_layer_norm", width, epsilon)) {}
    [[nodiscard]] Tensor run(NetworkRun& run, const Tensor& x, nn::Activation activation,
                             const std::string& name) const {
        const Tensor hidden = run.linear(in, x, activation);
        run.visit(name + ".mlp.hook_post", hidden);
        const Tensor added = run.linear(out, hidden);
        run.visit(name + ".hook_mlp_out", added);
        return run.norm(norm, run.add(x, added));
    }
};

struct EncoderLayer {
    DetrAttention attention;
    nn::Norm norm;
    DetrFeedForward feedForward;
};

struct DecoderLayer {
    DetrAttention attention;
    nn::Norm norm;
    DetrAttention cross;
    nn::Norm crossNorm;
    DetrFeedForward feedForward;
};

class Detr final : public Network {
public:
    Detr(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& all)
        : Network(std::move(stack)), m_activation(nn::activationFromName(
                                         config.text({"activation_function"}, "relu"), config.fileName())) {
        const std::int64_t width = this->config().hiddenSize;
        const Weights model = all.under({"model", ""}, "query_position_embeddings.weight");
        const bool timm = config.boolean({"use_timm_backbone"}, false) || !config.has("backbone_config");
        ResnetPlan plan;
        if (timm) {
            plan = ResnetPlan::named(config, "backbone");
            plan.dilateLastStage = config.boolean({"dilation"}, false);
        } else {
            const checkpoint::ModelConfig backbone = config.section("backbone_config");
            if (backbone.modelType() != "resnet")
                throw backbone.error("model_type", "but of backbones only \"resnet\" is known");
            plan = ResnetPlan::read(backbone);
        }
        m_trunk = ResnetTrunk(std::move(plan), model.in("backbone", "backbone.conv_encoder.model"));
        m_input =
            model.patches("encoder.input", "input_projection", {width, m_trunk.plan().sizes.back(), 1, 1});
        const std::string positions = config.text({"position_embedding_type"}, "sine");
        if (positions == "learned") {
            const Weights table =
                model.under({"backbone.position_embedding", "position_embedding"}, "row_embeddings.weight");
            m_rows = table.parameter("embed.rows", "row_embeddings.weight", {learnedPositions, width / 2});
            m_columns =
                table.parameter("embed.columns", "column_embeddings.weight", {learnedPositions, width / 2});
        } else if (positions != "sine") {
            throw config.error("position_embedding_type", "which is neither \"sine\" nor \"learned\"");
        }
        if (width % 4 != 0)
            throw config.error("d_model", "which must be a multiple of four");
        const int encoderHeads = headCount(config, "encoder_attention_heads");
        const std::int64_t encoderHidden = config.positive({"encoder_ffn_dim"}, 2048);
        const std::int64_t encoderLayers = config.positive({"encoder_layers"}, 6);
        for (std::int64_t i = 0; i < encoderLayers; ++i) {
            const Weights scope =
                model.in(fmt::format("encoder.blocks.{}", i), fmt::format("encoder.layers.{}", i));
            DetrAttention attention(scope, "attn", "self_attn", width, encoderHeads);
            nn::Norm norm = scope.layerNorm("ln1", "self_attn_layer_norm", width, epsilon);
            m_encoder.push_back({attention, norm, DetrFeedForward(scope, width, encoderHidden)});
        }
        m_queries = model.parameter("decoder.queries", "query_position_embeddings.weight",
                                    {config.positive({"num_queries"}, 100), width});
        const int decoderHeads = headCount(config, "decoder_attention_heads");
        const std::int64_t decoderHidden = config.positive({"decoder_ffn_dim"}, 2048);
        const std::int64_t decoderLayers = config.positive({"decoder_layers"}, 6);
        for (std::int64_t i = 0; i < decoderLayers; ++i) {
            const Weights scope =
                model.in(fmt::format("decoder.blocks.{}", i), fmt::format("decoder.layers.{}", i));
            DetrAttention attention(scope, "attn", "self_attn", width, decoderHeads);
            nn::Norm norm = scope.layerNorm("ln1", "self_attn_layer_norm", width, epsilon);
            DetrAttention cross(scope, "cross", "encoder_attn", width, decoderHeads);
            nn::Norm crossNorm = scope.layerNorm("ln_cross", "encoder_attn_layer_norm", width, epsilon);
            m_decoder.push_back(
                {attention, norm, cross, crossNorm, DetrFeedForward(scope, width, decoderHidden)});
        }
        m_norm = model.layerNorm("decoder.ln_final", "decoder.layernorm", width, epsilon);
        if (isArchitecture(this->config(), "ForObjectDetection")) {
            // One class more than there are labels: no object.
            m_classes = all.linear("classes", "class_labels_classifier", width,
                                   static_cast<std::int64_t>(this->config().labels.size()) + 1);
            for (int i = 0; i < 3; ++i)
                m_boxes.push_back(all.linear(fmt::format("boxes.{}", i),
                                             fmt::format("bbox_predictor.layers.{}", i), width,
                                             i == 2 ? 4 : width));
        }
    }

    [[nodiscard]] std::string task() const override {
        return m_classes.defined() ? "object detection" : "base model";
    }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override {
        NetworkInput mask{.name = "pixel_mask",
                          .meaning = "1 for pixels, 0 for padding",
                          .example = {1, 800, 800},
                          .sizes = {-1, -1, -1},
                          .dtype = DType::I64,
                          .required = false};
        return {imageInput(m_trunk.plan().channels, {800, 800}), mask};
    }

    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const override {
        const Tensor& pixels = inputs.at("pixel_values");
        const std::int64_t batch = pixels.size(0);
        const Tensor map = m_trunk.run(pixels, run, "backbone.", false).back();
        const std::int64_t height = map.size(1);
        const std::int64_t width = map.size(2);
        const auto given = inputs.find("pixel_mask");
        const Tensor mask = maskOf(given == inputs.end() ? Tensor{} : given->second, pixels, height, width);
        const Tensor places = placesOf(mask, height, width);
        const Tensor keyMask = given == inputs.end() ? Tensor{} : mask;

        Tensor x = run.linear(m_input, NetworkRun::tokens(map));
        int layer = 0;
        for (std::size_t i = 0; i < m_encoder.size(); ++i) {
            const std::string name = fmt::format("encoder.blocks.{}", i);
            const auto index = static_cast<std::int64_t>(i);
            run.visit(name + ".hook_resid_pre", x, hiddenStates(index, "encoder_"));
            const Tensor placed = run.add(x, places);
            const Tensor out = m_encoder[i].attention.run(
                run, placed, placed, x, keyMask, {name + ".attn", attentions(index, "encoder_"), layer++});
            run.visit(name + ".hook_attn_out", out);
            x = run.norm(m_encoder[i].norm, run.add(x, out));
            run.visit(name + ".hook_resid_mid", x);
            x = m_encoder[i].feedForward.run(run, x, m_activation, name);
            run.visit(name + ".hook_resid_post", x,
                      i + 1 == m_encoder.size() ? hiddenStates(index + 1, "encoder_") : "");
        }
        const Tensor memory = x;
        const Tensor placedMemory = run.add(memory, places);

        const std::int64_t queries = m_queries.size(0);
        x = run.empty({batch, queries, config().hiddenSize});
        x.fill(0);
        for (std::size_t i = 0; i < m_decoder.size(); ++i) {
            const std::string name = fmt::format("decoder.blocks.{}", i);
            const auto index = static_cast<std::int64_t>(i);
            const DecoderLayer& block = m_decoder[i];
            run.visit(name + ".hook_resid_pre", x, hiddenStates(index, "decoder_"));
            Tensor placed = run.addRepeated(x, m_queries);
            Tensor out = block.attention.run(run, placed, placed, x, {},
                                             {name + ".attn", attentions(index, "decoder_"), layer++});
            run.visit(name + ".hook_attn_out", out);
            x = run.norm(block.norm, run.add(x, out));
            placed = run.addRepeated(x, m_queries);
            out = block.cross.run(run, placed, placedMemory, memory, keyMask,
                                  {name + ".cross", attentions(index, "cross_"), layer++});
            run.visit(name + ".hook_cross_out", out);
            x = run.norm(block.crossNorm, run.add(x, out));
            run.visit(name + ".hook_resid_mid", x);
            x = block.feedForward.run(run, x, m_activation, name);
            run.visit(name + ".hook_resid_post", x);
        }
        x = run.norm(m_norm, x);
        run.visit("decoder.ln_final.hook_normalized", x,
                  hiddenStates(static_cast<std::int64_t>(m_decoder.size()), "decoder_"));
        NamedTensors outputs{{"last_hidden_state", x}, {"encoder_last_hidden_state", memory}};
        if (m_classes.defined()) {
            outputs["logits"] = run.linear(m_classes, x);
            Tensor boxes = x;
            for (std::size_t i = 0; i < m_boxes.size(); ++i)
                boxes = run.linear(m_boxes[i], boxes, i < 2 ? nn::Activation::Relu : nn::Activation::None);
            for (float& value : boxes.mutableData<float>())
                value = 1 / (1 + std::exp(-value));
            outputs["pred_boxes"] = boxes;
        }
        return outputs;
    }

private:
    static constexpr std::int64_t learnedPositions = 50;

    static int headCount(const checkpoint::ModelConfig& config, std::string_view key) {
        const std::int64_t heads = config.positive({key}, 8);
        if (config.positive({"d_model"}, 256) % heads != 0)
            throw config.error(key, "which does not divide d_model");
        return static_cast<int>(heads);
    }

    /// The mask of the map's cells [B, H W] u8, by the nearest pixel.
    static Tensor maskOf(const Tensor& given, const Tensor& pixels, std::int64_t height, std::int64_t width) {
        const std::int64_t batch = pixels.size(0);
        const Tensor mask = Tensor::empty({batch, height * width}, DType::U8);
        std::uint8_t* to = mask.mutablePointer<std::uint8_t>();
        if (!given.defined()) {
            std::fill_n(to, static_cast<std::size_t>(mask.elements()), std::uint8_t{1});
            return mask;
        }
        if (given.size(0) != batch || given.size(1) != pixels.size(2) || given.size(2) != pixels.size(3))
            throw UsageError(fmt::format("The pixel mask has shape {} where [{}, {}, {}] is needed.",
                                         given.shape().toText(), batch, pixels.size(2), pixels.size(3)));
        const auto nearest = [](std::int64_t i, std::int64_t from, std::int64_t count) {
            const float scale = static_cast<float>(from) / static_cast<float>(count);
            return std::min(from - 1, static_cast<std::int64_t>(std::floor(static_cast<float>(i) * scale)));
        };
        for (std::int64_t item = 0; item < batch; ++item)
            for (std::int64_t y = 0; y < height; ++y)
                for (std::int64_t x = 0; x < width; ++x)
                    to[(item * height + y) * width + x] = given.at({item, nearest(y, given.size(1), height),
                                                                    nearest(x, given.size(2), width)}) != 0;
        return mask;
    }

    /// [B, H W, D]: rows in the first half, columns in the second.
    [[nodiscard]] Tensor placesOf(const Tensor& mask, std::int64_t height, std::int64_t width) const {
        const std::int64_t batch = mask.size(0);
        const std::int64_t half = config().hiddenSize / 2;
        const Tensor places = Tensor::empty({batch, height * width, 2 * half});
        float* to = places.mutablePointer<float>();
        const auto each = [&](const auto& write) {
            for (std::int64_t item = 0; item < batch; ++item)
                for (std::int64_t y = 0; y < height; ++y)
                    for (std::int64_t x = 0; x < width; ++x)
                        write(item, y, x, to + ((item * height + y) * width + x) * 2 * half);
        };
        if (m_rows.defined()) {
            if (height > learnedPositions || width > learnedPositions)
                throw UsageError(fmt::format("A map of {} x {} has more rows or columns than the {} learned "
                                             "positions; give a smaller image.",
                                             height, width, learnedPositions));
            each([&](std::int64_t, std::int64_t y, std::int64_t x, float* place) {
                std::copy_n(m_columns.pointer<float>() + x * half, half, place);
                std::copy_n(m_rows.pointer<float>() + y * half, half, place + half);
            });
            return places;
        }
        // Cells counted by the mask, from 0 to 2 pi along each side.
        const std::uint8_t* cells = mask.pointer<std::uint8_t>();
        const auto counted = [&](std::int64_t item, std::int64_t y, std::int64_t x, bool down) {
            const std::int64_t size = down ? height : width;
            const std::int64_t end = down ? y : x;
            float count = 0;
            float all = 0;
            for (std::int64_t i = 0; i < size; ++i) {
                const float cell = cells[(item * height + (down ? i : y)) * width + (down ? x : i)];
                all += cell;
                if (i <= end)
                    count += cell;
            }
            return count / (all + 1e-6F) * 2 * std::numbers::pi_v<float>;
        };
        std::vector<double> periods;
        periods.reserve(static_cast<std::size_t>(half));
        for (std::int64_t j = 0; j < half; ++j)
            periods.push_back(std::pow(10000.0, static_cast<double>(j - j % 2) / static_cast<double>(half)));
        each([&](std::int64_t item, std::int64_t y, std::int64_t x, float* place) {
            for (const bool down : {true, false}) {
                const float angle = counted(item, y, x, down);
                for (std::int64_t j = 0; j < half; ++j) {
                    const double value = static_cast<double>(angle) / periods[static_cast<std::size_t>(j)];
                    place[(down ? 0 : half) + j] =
                        static_cast<float>(j % 2 == 0 ? std::sin(value) : std::cos(value));
                }
            }
        });
        return places;
    }

    nn::Activation m_activation;
    ResnetTrunk m_trunk;
    LinearId m_input;
    Tensor m_rows; ///< learned positions; undefined: sines
    Tensor m_columns;
    std::vector<EncoderLayer> m_encoder;
    Tensor m_queries;
    std::vector<DecoderLayer> m_decoder;
    nn::Norm m_norm;
    LinearId m_classes;
    std::vector<LinearId> m_boxes;
};

} // namespace

std::shared_ptr<const Network> buildDetr(const checkpoint::ModelConfig& config, Weights& weights) {
    StackConfig stack = networkConfig(config);
    stack.hiddenSize = config.positive({"d_model"}, 256);
    stack.layers = config.positive({"encoder_layers"}, 6) + 2 * config.positive({"decoder_layers"}, 6);
    stack.heads = static_cast<int>(config.positive({"encoder_attention_heads"}, 8));
    stack.keyValueHeads = stack.heads;
    return std::make_shared<const Detr>(std::move(stack), config, weights);
}

} // namespace orrery::model
