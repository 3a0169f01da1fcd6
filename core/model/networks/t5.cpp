// SPDX-License-Identifier: GPL-3.0-or-later
// T5 (Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text
// Transformer") and its heirs: RMS norms before, scores that are not scaled, and positions told by a bias of
// the scores, learned for distances in buckets. mT5 (Xue et al. 2021) is the same; UMT5 (Chung et al. 2023)
// has such a bias in every block.
#include "base/error.h"
#include "model/networks/encoder_decoder.h"
#include "model/networks/families.h"
#include "model/networks/transformer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace orrery::model {
namespace {

struct Sizes {
    std::int64_t width = 0;
    std::int64_t words = 0;
    std::int64_t encoderLayers = 0;
    std::int64_t decoderLayers = 0;
    std::int64_t buckets = 0;
    std::int64_t maxDistance = 0;
    SequenceSpec spec{};

    static Sizes read(const checkpoint::ModelConfig& config) {
        Sizes sizes;
        const bool first = config.modelType() == "t5"; // mT5 and UMT5 begin from the second version
        sizes.width = config.positive({"d_model"}, 512);
        sizes.words = config.positive({"vocab_size"}, first ? 32128 : 250112);
        sizes.encoderLayers = config.positive({"num_layers"}, first ? 6 : 8);
        sizes.decoderLayers = config.positive({"num_decoder_layers"}, sizes.encoderLayers);
        sizes.buckets = config.positive({"relative_attention_num_buckets"}, 32);
        sizes.maxDistance = config.positive({"relative_attention_max_distance"}, 128);
        if (sizes.buckets < 4 || sizes.buckets % 2 != 0)
            throw config.error("relative_attention_num_buckets", "which must be even and at least 4");
        if (sizes.maxDistance <= sizes.buckets / 2)
            throw config.error("relative_attention_max_distance",
                               "which must be more than half of relative_attention_num_buckets");
        SequenceSpec& spec = sizes.spec;
        spec.width = sizes.width;
        spec.feedForward = config.positive({"d_ff"}, first ? 2048 : 1024);
        constexpr std::int64_t most = 1 << 16;
        const std::int64_t heads = config.positive({"num_heads"}, first ? 8 : 6);
        spec.headSize = config.positive({"d_kv"}, 64);
        if (heads > most || spec.headSize > most)
            throw config.error(heads > most ? "num_heads" : "d_kv", "which is more than any model has");
        spec.heads = static_cast<int>(heads);
        spec.epsilon = config.real({"layer_norm_epsilon"}, 1e-6);
        spec.rmsNorm = true;
        spec.scaleScores = false;
        const std::string feed = config.text({"feed_forward_proj"}, first ? "relu" : "gated-gelu");
        spec.gated = feed.starts_with("gated-");
        // By "gated-gelu" the tanh approximation is meant.
        const std::string function = feed == "gated-gelu" ? "gelu_new" : spec.gated ? feed.substr(6) : feed;
        spec.activation = nn::activationFromName(function, config.fileName());
        return sizes;
    }
};

/// The bucket of a key `distance` positions behind the query (negative: ahead of it). Half of the buckets are
/// for single distances, the others for ever wider ranges up to maxDistance. The logarithm is taken in f32:
/// the border of a range must fall where the weights were trained.
std::int64_t bucketOf(std::int64_t distance, bool bothSides, std::int64_t buckets, std::int64_t maxDistance) {
    std::int64_t first = 0;
    if (bothSides) {
        buckets /= 2;
        first = distance < 0 ? buckets : 0;
        distance = std::abs(distance);
    } else {
        distance = std::max<std::int64_t>(0, distance);
    }
    const std::int64_t single = buckets / 2;
    if (distance < single)
        return first + distance;
    const auto whole =
        static_cast<float>(std::log(static_cast<double>(maxDistance) / static_cast<double>(single)));
    const float share = std::log(static_cast<float>(distance) / static_cast<float>(single)) / whole;
    const auto further = static_cast<std::int64_t>(share * static_cast<float>(buckets - single));
    return first + std::min(single + further, buckets - 1);
}

/// The scores' bias [1, H, L, S] of queries held .. held + L - 1 and keys 0 .. S - 1; table [buckets, H].
Tensor relativeBias(const Tensor& table, std::int64_t queries, std::int64_t keys, std::int64_t held,
                    bool bothSides, std::int64_t maxDistance) {
    const std::int64_t heads = table.size(1);
    const std::int64_t furthest = held + queries - 1;
    std::vector<float> byDistance(static_cast<std::size_t>(furthest + keys)); // [key - query + furthest]
    const Tensor bias = Tensor::empty({1, heads, queries, keys});
    for (std::int64_t head = 0; head < heads; ++head) {
        for (std::int64_t i = 0; i < furthest + keys; ++i)
            byDistance[static_cast<std::size_t>(i)] =
                table.pointer<float>()[bucketOf(furthest - i, bothSides, table.size(0), maxDistance) * heads +
                                       head];
        for (std::int64_t query = 0; query < queries; ++query)
            std::copy_n(byDistance.begin() + (furthest - held - query), keys,
                        bias.mutablePointer<float>() + (head * queries + query) * keys);
    }
    return bias;
}

/// One of the two stacks.
class Tower {
public:
    Tower(const Weights& scope, const Sizes& sizes, bool decoder)
        : m_decoder(decoder), m_maxDistance(sizes.maxDistance) {
        const std::int64_t layers = decoder ? sizes.decoderLayers : sizes.encoderLayers;
        for (std::int64_t i = 0; i < layers; ++i) {
            const Weights block = scope.in(fmt::format("blocks.{}", i), fmt::format("block.{}", i));
            m_blocks.emplace_back(block, sizes.spec, namesOf(sizes.spec.gated, decoder));
            const char* bias = "layer.0.SelfAttention.relative_attention_bias.weight";
            if (i == 0 || block.has(bias))
                m_biases.push_back(
                    block.parameter("attn.distances", bias, {sizes.buckets, sizes.spec.heads}));
            if (decoder) // stored by early versions, never used
                block.ignore("layer.1.EncDecAttention.relative_attention_bias.weight");
        }
        if (m_biases.size() > 1 && m_biases.size() != m_blocks.size())
            m_biases.resize(1);
        m_norm = scope.rmsNorm("ln_final", "final_layer_norm", sizes.width, sizes.spec.epsilon);
    }
    [[nodiscard]] int layers() const { return static_cast<int>(m_blocks.size()); }
    [[nodiscard]] const nn::Norm& norm() const { return m_norm; }

    [[nodiscard]] Tensor run(NetworkRun& run, const Tensor& embedded, std::int64_t held,
                             SequencePlace place) const {
        run.visit(place.name + ".hook_embed", embedded);
        const std::int64_t length = embedded.size(1);
        std::vector<Tensor> biases;
        for (const Tensor& table : m_biases)
            biases.push_back(relativeBias(table, length, held + length, held, !m_decoder, m_maxDistance));
        place.bias = biases.front();
        if (biases.size() > 1)
            place.biases = std::move(biases);
        return runTower(run, m_blocks, m_norm, embedded, std::move(place));
    }

private:
    static SequenceNames namesOf(bool gated, bool decoder) {
        const auto attention = [](const std::string& layer, const std::string& path) {
            return SequenceNames::Attention{.query = layer + path + ".q",
                                            .key = layer + path + ".k",
                                            .value = layer + path + ".v",
                                            .out = layer + path + ".o",
                                            .norm = layer + "layer_norm"};
        };
        SequenceNames names;
        names.self = attention("layer.0.", "SelfAttention");
        if (decoder)
            names.cross = attention("layer.1.", "EncDecAttention");
        const std::string last = decoder ? "layer.2." : "layer.1.";
        const std::string feed = last + "DenseReluDense.";
        names.mlpIn = gated ? std::vector<std::string>{feed + "wi_0", feed + "wi_1"}
                            : std::vector<std::string>{feed + "wi"};
        names.mlpOut = feed + "wo";
        names.mlpNorm = last + "layer_norm";
        return names;
    }

    bool m_decoder;
    std::int64_t m_maxDistance;
    std::vector<SequenceBlock> m_blocks;
    std::vector<Tensor> m_biases; ///< one for all blocks, or one each
    nn::Norm m_norm;
};

Tensor tokensOf(const Weights& weights, const Sizes& sizes) {
    return sharedTokens(weights,
                        {"shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"},
                        {sizes.words, sizes.width});
}

class T5 final : public EncoderDecoder {
public:
    T5(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& weights, const Sizes& sizes)
        : EncoderDecoder(std::move(stack),
                         {.layers = static_cast<int>(sizes.decoderLayers),
                          .positions = 0,
                          .start = config.integer({"decoder_start_token_id", "pad_token_id"}, 0)}),
          m_encoder(weights.in("encoder", "encoder"), sizes, false),
          m_decoder(weights.in("decoder", "decoder"), sizes, true) {
        setTokens(tokensOf(weights, sizes));
        if (!isArchitecture(this->config(), "ForConditionalGeneration"))
            return;
        // The first version used the embedding once more, scaled down; later ones have a matrix of their own.
        // Files of mT5 say "tied" or not whatever they hold; it never scales.
        const bool tied = config.boolean({"tie_word_embeddings"}, true);
        const bool scaled = config.boolean({"scale_decoder_outputs"}, tied && config.modelType() != "mt5");
        const double scale = scaled ? 1 / std::sqrt(static_cast<double>(sizes.width)) : 1;
        setWords((tied || config.modelType() == "mt5") && !weights.has("lm_head.weight")
                     ? weights.tied("unembed", tokens())
                     : weights.linear("unembed", "lm_head", sizes.width, sizes.words, Bias::No),
                 {}, scale);
    }

    [[nodiscard]] std::string task() const override { return writes() ? "text to text" : "base model"; }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override { return textInputs(); }

protected:
    [[nodiscard]] Tensor encode(const NamedTensors& inputs, const Tensor& keyMask,
                                NetworkRun& run) const override {
        const SequencePlace place{.name = "encoder", .aliases = "encoder_", .keyMask = keyMask};
        return m_encoder.run(run, run.embed(tokens(), inputs.at("input_ids")), 0, place);
    }
    [[nodiscard]] Tensor decode(DecoderRun& decoder, NetworkRun& run) const override {
        decoder.place.firstLayer = m_encoder.layers();
        return m_decoder.run(run, run.embed(tokens(), decoder.ids), decoder.held, decoder.place);
    }
    [[nodiscard]] const nn::Norm& decoderNorm() const override { return m_decoder.norm(); }

private:
    Tower m_encoder;
    Tower m_decoder;
};

/// The encoder saved alone.
class T5Encoder final : public Network {
public:
    T5Encoder(StackConfig stack, const Weights& weights, const Sizes& sizes)
        : Network(std::move(stack)), m_tokens(tokensOf(weights, sizes)),
          m_tower(weights.in("encoder", "encoder"), sizes, false) {}
    [[nodiscard]] std::string task() const override { return "embedding of texts"; }
    [[nodiscard]] Tensor tokenEmbedding() const override { return m_tokens; }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override {
        NetworkInput ids{.name = "input_ids",
                         .meaning = "token ids",
                         .example = {1, 16},
                         .sizes = {-1, -1},
                         .dtype = DType::I64};
        NetworkInput mask = ids;
        mask.name = "attention_mask";
        mask.meaning = "1 for tokens, 0 for padding";
        mask.required = false;
        return {ids, mask};
    }
    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const override {
        const Tensor& ids = inputs.at("input_ids");
        SequencePlace place{.name = "encoder"};
        if (const auto mask = inputs.find("attention_mask"); mask != inputs.end())
            place.keyMask = keyMaskOf(mask->second, ids.shape());
        return {{"last_hidden_state", m_tower.run(run, run.embed(m_tokens, ids), 0, place)}};
    }

private:
    Tensor m_tokens;
    Tower m_tower;
};

} // namespace

std::shared_ptr<const Network> buildT5(const checkpoint::ModelConfig& config, Weights& weights) {
    const Sizes sizes = Sizes::read(config);
    StackConfig stack = networkConfig(config);
    const bool encoderOnly = isArchitecture(stack, "EncoderModel");
    stack.hiddenSize = sizes.width;
    stack.layers = sizes.encoderLayers + (encoderOnly ? 0 : 2 * sizes.decoderLayers);
    stack.heads = sizes.spec.heads;
    stack.keyValueHeads = stack.heads;
    stack.headSize = sizes.spec.headSize;
    stack.feedForward = sizes.spec.feedForward;
    stack.vocabulary = sizes.words;
    // Distances have no end; what is said is what the model was trained with.
    stack.maxPositions = config.positive({"n_positions"}, 512);
    if (encoderOnly)
        return std::make_shared<const T5Encoder>(std::move(stack), weights, sizes);
    return std::make_shared<const T5>(std::move(stack), config, weights, sizes);
}

} // namespace orrery::model
