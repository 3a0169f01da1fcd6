// SPDX-License-Identifier: GPL-3.0-or-later
// Perceiver IO (Jaegle et al. 2021, "Perceiver IO: A General Architecture for Structured Inputs & Outputs")
// for texts: a few latents look at the input, work among themselves, and are looked at by learned queries,
// one for each position of the output.
#include "base/error.h"
#include "model/networks/sequence_families.h"
#include "model/networks/text.h"
#include "model/networks/transformer.h"
#include "model/networks/vision.h"

#include <fmt/format.h>

#include <cmath>

namespace orrery::model {
namespace {

constexpr double normEpsilon = 1e-5; ///< of every norm: config.json's is not read by the reference

struct PerceiverSpec {
    std::int64_t queryWidth = 0; ///< of what looks
    std::int64_t keyWidth = 0;   ///< of what is looked at
    std::int64_t queryKey = 0;   ///< channels of queries and keys together
    std::int64_t values = 0;
    std::int64_t heads = 1;
    std::int64_t widening = 1; ///< of the feed-forward
    bool cross = false;
    bool residual = true; ///< whether the queries are added to the result
    nn::Activation activation = nn::Activation::Gelu;
};

class PerceiverLayer {
public:
    PerceiverLayer(const Weights& scope, const PerceiverSpec& spec)
        : m_spec(spec),
          m_queryNorm(scope.layerNorm("ln1", "attention.self.layernorm1", spec.queryWidth, normEpsilon)),
          m_query(scope.linear("attn.q", "attention.self.query", spec.queryWidth, spec.queryKey)),
          m_key(scope.linear("attn.k", "attention.self.key", spec.keyWidth, spec.queryKey)),
          m_value(scope.linear("attn.v", "attention.self.value", spec.keyWidth, spec.values)),
          m_out(scope.linear("attn.out", "attention.output.dense", spec.values, spec.queryWidth)),
          m_norm(scope.layerNorm("ln2", "layernorm", spec.queryWidth, normEpsilon)),
          m_in(scope.linear("mlp.in", "mlp.dense1", spec.queryWidth, spec.widening * spec.queryWidth)),
          m_fedOut(scope.linear("mlp.out", "mlp.dense2", spec.widening * spec.queryWidth, spec.queryWidth)) {
        if (spec.cross)
            m_keyNorm = scope.layerNorm("ln_cross", "attention.self.layernorm2", spec.keyWidth, normEpsilon);
    }

    /// x [B, L, queryWidth]; memory: what a crossing layer looks at.
    [[nodiscard]] Tensor run(NetworkRun& run, const Tensor& x, const Tensor& memory, const Tensor& mask,
                             const std::string& name, const std::string& alias, int number) const {
        const Tensor normed = run.norm(m_queryNorm, x);
        run.visit(name + ".ln1.hook_normalized", normed);
        const Tensor source = m_spec.cross ? run.norm(m_keyNorm, memory) : normed;
        const int heads = static_cast<int>(m_spec.heads);
        nn::AttentionInput parts;
        parts.query = headsOf(run.linear(m_query, normed), heads);
        parts.key = headsOf(run.linear(m_key, source), heads);
        parts.value = headsOf(run.linear(m_value, source), heads);
        parts.scale = 1 / std::sqrt(static_cast<double>(parts.query.size(3)));
        parts.keyMask = mask;
        Tensor out = run.linear(m_out, joinHeads(run.attention({name + ".attn", alias, number}, parts)));
        run.visit(name + ".hook_attn_out", out);
        if (m_spec.residual)
            out = run.add(out, x);
        run.visit(name + ".hook_resid_mid", out);
        const Tensor hidden = run.linear(m_in, run.norm(m_norm, out), m_spec.activation);
        run.visit(name + ".mlp.hook_post", hidden);
        const Tensor fed = run.linear(m_fedOut, hidden);
        run.visit(name + ".hook_mlp_out", fed);
        return run.add(fed, out);
    }

private:
    PerceiverSpec m_spec;
    nn::Norm m_queryNorm;
    nn::Norm m_keyNorm;
    LinearId m_query;
    LinearId m_key;
    LinearId m_value;
    LinearId m_out;
    nn::Norm m_norm;
    LinearId m_in;
    LinearId m_fedOut;
};

class Perceiver final : public Network {
public:
    Perceiver(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& all)
        : Network(std::move(stack)), m_repeats(config.positive({"num_blocks"}, 1)) {
        const StackConfig& sizes = this->config();
        const std::int64_t latents = config.positive({"d_latents"}, 1280);
        const std::int64_t width = sizes.hiddenSize;
        const Weights weights = all.in("", "perceiver");
        m_latents = weights.parameter("latents", "embeddings.latents",
                                      {config.positive({"num_latents"}, 256), latents});
        m_words =
            weights.table("embed.words", "input_preprocessor.embeddings.weight", {sizes.vocabulary, width});
        m_positions = weights.parameter("embed.positions", "input_preprocessor.position_embeddings.weight",
                                        {sizes.maxPositions, width});
        PerceiverSpec spec;
        spec.activation = nn::activationFromName(config.text({"hidden_act"}, "gelu"), config.fileName());
        spec.queryWidth = latents;
        spec.keyWidth = width;
        const bool byQuery = config.text({"cross_attention_shape_for_attention"}, "kv") == "q";
        spec.queryKey = config.positive({"qk_channels"}, byQuery ? latents : width);
        spec.values = config.positive({"v_channels"}, spec.queryKey);
        spec.heads = config.positive({"num_cross_attention_heads"}, 8);
        spec.widening = config.positive({"cross_attention_widening_factor"}, 1);
        spec.cross = true;
        spec.residual = config.boolean({"use_query_residual"}, true);
        m_encoder.push_back(layer(config, weights.in("encoder", "encoder.cross_attention"), spec));
        spec.keyWidth = latents;
        spec.queryKey = config.positive({"qk_channels"}, latents);
        spec.values = config.positive({"v_channels"}, spec.queryKey);
        spec.heads = config.positive({"num_self_attention_heads"}, 8);
        spec.widening = config.positive({"self_attention_widening_factor"}, 1);
        spec.cross = false;
        spec.residual = true;
        if (spec.values != latents)
            throw config.error("v_channels",
                               "which differs from d_latents, so that layers cannot follow each other");
        for (std::int64_t i = 0; i < config.positive({"num_self_attends_per_block"}, 26); ++i)
            m_layers.push_back(layer(
                config, weights.in(fmt::format("blocks.{}", i), fmt::format("encoder.self_attends.{}", i)),
                spec));
        // The decoder of the masked language model, whose sizes the reference has fixed.
        m_queries =
            weights.parameter("decoder.queries", "decoder.output_position_encodings.position_embeddings",
                              {sizes.maxPositions, width});
        spec.queryWidth = width;
        spec.queryKey = 256;
        spec.values = width;
        spec.heads = 8;
        spec.widening = 1;
        spec.cross = true;
        spec.residual = false;
        m_decoder.push_back(layer(config, weights.in("decoder", "decoder.decoding_cross_attention"), spec));
        m_head = all.tied("unembed", m_words,
                          all.parameter("unembed.bias", "embedding_decoder.bias", {sizes.vocabulary}));
    }
    [[nodiscard]] std::string task() const override { return "masked language model"; }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override {
        std::vector<NetworkInput> inputs = textInputs(config().maxPositions);
        inputs.front().name = "inputs";
        return inputs;
    }
    [[nodiscard]] Tensor tokenEmbedding() const override { return m_words; }

    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const override {
        const Tensor& ids = inputs.at("inputs");
        checkLength(ids.size(1), config().maxPositions);
        const Tensor mask = maskInput(inputs, ids.shape());
        const Tensor words = run.embed(m_words, ids);
        run.visit("hook_embed", words);
        const Tensor embedded = run.addRepeated(words, m_positions.slice(0, 0, ids.size(1)));
        Tensor x = repeatedRows(run, m_latents, ids.size(0));
        int number = 0;
        x = m_encoder.front().run(run, x, embedded, mask, "encoder", attentions(0, "cross_"), number++);
        std::int64_t state = 0;
        std::int64_t self = 0;
        for (std::int64_t repeat = 0; repeat < m_repeats; ++repeat) {
            for (const PerceiverLayer& each : m_layers) {
                const std::string name = fmt::format("blocks.{}", self);
                run.visit(name + ".hook_resid_pre", x, hiddenStates(state++));
                x = each.run(run, x, {}, {}, name, attentions(self), number++);
                ++self;
            }
            run.visit(fmt::format("blocks.{}.hook_resid_post", self - 1), x, hiddenStates(state++));
        }
        const Tensor queries = repeatedRows(run, m_queries, ids.size(0));
        const Tensor decoded =
            m_decoder.front().run(run, queries, x, {}, "decoder", attentions(1, "cross_"), number);
        run.visit("decoder.hook_resid_post", decoded);
        return {{"last_hidden_state", x}, {"logits", run.linear(m_head, decoded)}};
    }

private:
    /// A layer whose heads divide its channels.
    [[nodiscard]] static PerceiverLayer layer(const checkpoint::ModelConfig& config, const Weights& scope,
                                              const PerceiverSpec& spec) {
        if (spec.queryKey % spec.heads != 0 || spec.values % spec.heads != 0)
            throw config.error("d_model",
                               fmt::format("where {} heads cannot share {} channels of queries and {} "
                                           "of values",
                                           spec.heads, spec.queryKey, spec.values));
        return {scope, spec};
    }
    /// [n, D] as [B, n, D]
    [[nodiscard]] static Tensor repeatedRows(NetworkRun& run, const Tensor& rows, std::int64_t batch) {
        const Tensor result = run.empty({batch, rows.size(0), rows.size(1)});
        for (std::int64_t item = 0; item < batch; ++item)
            result.select(0, item).copyFrom(rows);
        return result;
    }

    std::int64_t m_repeats;
    Tensor m_latents;
    Tensor m_words;
    Tensor m_positions;
    std::vector<PerceiverLayer> m_encoder; ///< one
    std::vector<PerceiverLayer> m_layers;  ///< of a block that is repeated
    Tensor m_queries;
    std::vector<PerceiverLayer> m_decoder; ///< one
    LinearId m_head;
};

} // namespace

std::shared_ptr<const Network> buildPerceiver(const checkpoint::ModelConfig& config, Weights& weights) {
    StackConfig stack = networkConfig(config);
    if (!isArchitecture(stack, "ForMaskedLM"))
        throw config.error("architectures", "but of Perceivers only PerceiverForMaskedLM is known");
    stack.hiddenSize = config.positive({"d_model"}, 768);
    stack.vocabulary = config.positive({"vocab_size"}, 262);
    stack.maxPositions = config.positive({"max_position_embeddings"}, 2048);
    constexpr std::int64_t most = 1 << 16;
    const std::int64_t repeats = config.positive({"num_blocks"}, 1);
    const std::int64_t layers = config.positive({"num_self_attends_per_block"}, 26);
    if (repeats > most || layers > most)
        throw config.error("num_blocks", "which with num_self_attends_per_block gives too many layers");
    stack.layers = 2 + repeats * layers;
    stack.heads = static_cast<int>(config.positive({"num_self_attention_heads"}, 8));
    stack.keyValueHeads = stack.heads;
    return std::make_shared<const Perceiver>(std::move(stack), config, weights);
}

} // namespace orrery::model
