// SPDX-License-Identifier: GPL-3.0-or-later
// Causal models between GPT-2 and LLaMA: GPT-Neo, GPT-J, GPT-NeoX, Phi, OPT, BLOOM.
#include "base/error.h"
#include "model/family.h"
#include "model/family_reading.h"
#include "model/rotary_reading.h"

#include <fmt/format.h>

#include <utility>

namespace orrery::model {
namespace {

using checkpoint::ModelConfig;

/// A family as two functions and two texts.
class Family final : public ModelFamily {
public:
    Family(std::string id, std::string title, StackConfig (*reader)(const ModelConfig&),
           WeightNames (*namer)())
        : m_id(std::move(id)), m_title(std::move(title)), m_read(reader), m_names(namer) {}
    [[nodiscard]] std::string id() const override { return m_id; }
    [[nodiscard]] std::string title() const override { return m_title; }
    [[nodiscard]] StackConfig read(const ModelConfig& config) const override { return m_read(config); }
    [[nodiscard]] WeightNames names() const override { return m_names(); }

private:
    std::string m_id;
    std::string m_title;
    StackConfig (*m_read)(const ModelConfig&);
    WeightNames (*m_names)();
};

/// Sizes under the names of GPT-2 and of everyone else, and what all of this file have in common.
StackConfig readSizes(const ModelConfig& config) {
    StackConfig stack;
    stack.vocabulary = config.positive({"vocab_size"});
    stack.hiddenSize = config.positive({"hidden_size", "n_embd", "n_embed"});
    stack.layers = config.positive({"num_hidden_layers", "n_layer", "num_layers"});
    stack.heads = static_cast<int>(config.positive({"num_attention_heads", "n_head", "num_heads"}));
    stack.feedForward = config.positive({"intermediate_size", "n_inner", "ffn_dim"}, 4 * stack.hiddenSize);
    stack.maxPositions = config.positive({"max_position_embeddings", "n_positions", "seq_length"}, 2048);
    stack.normEpsilon = config.real({"layer_norm_eps", "layer_norm_epsilon"}, 1e-5);
    stack.normPlacement = NormPlacement::Before;
    stack.finalNorm = true;
    stack.causal = true;
    stack.pooling = Pooling::Last;
    return stack;
}

void readActivation(const ModelConfig& config, StackConfig& stack, std::string_view fallback) {
    stack.activation = nn::activationFromName(config.text({"activation_function", "hidden_act"}, fallback),
                                              config.fileName());
}

WeightNames headNames() {
    WeightNames names;
    names.headDecoder = "lm_head";
    names.lastTokenScore = "score";
    names.classifier = "classifier";
    names.questionAnswering = "qa_outputs";
    return names;
}

/// "attention_types" [[["global", "local"], 12]] written out, or "attention_layers" as it stands.
std::vector<std::string> neoLayers(const ModelConfig& config, std::int64_t layers) {
    std::vector<std::string> types = config.texts({"attention_layers"}, {});
    if (types.empty()) {
        const Json& groups =
            config.json().contains("attention_types") ? config.json()["attention_types"] : Json();
        const auto broken = [&] {
            return config.error("attention_types", "but it must hold pairs of types and counts");
        };
        if (groups.is_null()) {
            for (std::int64_t layer = 0; layer < layers; ++layer)
                types.emplace_back(layer % 2 == 0 ? "global" : "local");
        } else if (!groups.is_array()) {
            throw broken();
        } else {
            for (const Json& group : groups) {
                if (!group.is_array() || group.size() != 2 || !group[0].is_array() ||
                    !group[1].is_number_integer() || group[0].empty())
                    throw broken();
                const auto count = group[1].get<std::int64_t>();
                for (std::int64_t i = 0; i < count && static_cast<std::int64_t>(types.size()) <= layers; ++i)
                    for (const Json& type : group[0]) {
                        if (!type.is_string())
                            throw broken();
                        types.push_back(type.get<std::string>());
                    }
            }
        }
    }
    if (static_cast<std::int64_t>(types.size()) != layers)
        throw InputError(fmt::format("{}: the types of attention name {} layers of {}.", config.fileName(),
                                     types.size(), layers));
    return types;
}

StackConfig readGptNeo(const ModelConfig& config) {
    StackConfig stack = readSizes(config);
    readActivation(config, stack, "gelu_new");
    stack.scaleScores = false;
    stack.qkvBias = false;
    readCommon(config, HeadKind::CausalLM, stack);
    const std::vector<std::string> types = neoLayers(config, stack.layers);
    for (std::size_t layer = 0; layer < types.size(); ++layer) {
        if (types[layer] == "local")
            stack.layerSettings[layer].window = config.positive({"window_size"}, 256);
        else if (types[layer] != "global")
            throw InputError(
                fmt::format("{}: the type of attention \"{}\" is not known; known are global and local.",
                            config.fileName(), types[layer]));
    }
    return stack;
}

WeightNames gptNeoNames() {
    WeightNames names = headNames();
    names.prefix = "transformer.";
    names.tokenEmbedding = "wte";
    names.positionEmbedding = "wpe";
    names.query = "h.{}.attn.attention.q_proj";
    names.key = "h.{}.attn.attention.k_proj";
    names.value = "h.{}.attn.attention.v_proj";
    names.attentionOut = "h.{}.attn.attention.out_proj";
    names.norm1 = "h.{}.ln_1";
    names.norm2 = "h.{}.ln_2";
    names.mlpIn = "h.{}.mlp.c_fc";
    names.mlpOut = "h.{}.mlp.c_proj";
    names.finalNorm = "ln_f";
    return names;
}

StackConfig readGptJ(const ModelConfig& config) {
    StackConfig stack = readSizes(config);
    readActivation(config, stack, "gelu_new");
    stack.qkvBias = stack.attentionOutBias = false;
    stack.parallelBranches = stack.oneNorm = true;
    stack.tiedEmbeddings = false;
    readCommon(config, HeadKind::CausalLM, stack);
    useRotary(config, stack, {.layout = nn::RotaryLayout::Adjacent});
    const bool whole =
        config.json().contains("rotary_dim") && !config.has("rotary_dim"); // null: all of a head
    const std::int64_t turning = whole ? stack.headSize : config.positive({"rotary_dim"}, 64);
    if (turning > stack.headSize || turning % 2 != 0)
        throw config.error("rotary_dim",
                           fmt::format("but it must be even and at most the head size {}", stack.headSize));
    stack.rotaries.front().dimensions = turning;
    return stack;
}

WeightNames gptJNames() {
    WeightNames names = headNames();
    names.prefix = "transformer.";
    names.tokenEmbedding = "wte";
    names.query = "h.{}.attn.q_proj";
    names.key = "h.{}.attn.k_proj";
    names.value = "h.{}.attn.v_proj";
    names.attentionOut = "h.{}.attn.out_proj";
    names.norm1 = "h.{}.ln_1";
    names.mlpIn = "h.{}.mlp.fc_in";
    names.mlpOut = "h.{}.mlp.fc_out";
    names.finalNorm = "ln_f";
    names.headBias = "lm_head.bias";
    return names;
}

StackConfig readGptNeoX(const ModelConfig& config) {
    StackConfig stack = readSizes(config);
    readActivation(config, stack, "gelu");
    stack.qkvOrder = QkvOrder::ByHead;
    stack.qkvBias = stack.attentionOutBias = config.boolean({"attention_bias"}, true);
    stack.parallelBranches = config.boolean({"use_parallel_residual"}, true);
    stack.tiedEmbeddings = false;
    readCommon(config, HeadKind::CausalLM, stack);
    useRotary(config, stack, {.part = 0.25});
    return stack;
}

WeightNames gptNeoXNames() {
    WeightNames names = headNames();
    names.prefix = "gpt_neox.";
    names.tokenEmbedding = "embed_in";
    names.fusedQkv = "layers.{}.attention.query_key_value";
    names.attentionOut = "layers.{}.attention.dense";
    names.norm1 = "layers.{}.input_layernorm";
    names.norm2 = "layers.{}.post_attention_layernorm";
    names.mlpIn = "layers.{}.mlp.dense_h_to_4h";
    names.mlpOut = "layers.{}.mlp.dense_4h_to_h";
    names.finalNorm = "final_layer_norm";
    names.headDecoder = "embed_out";
    return names;
}

StackConfig readPhi(const ModelConfig& config) {
    StackConfig stack = readSizes(config);
    readActivation(config, stack, "gelu_new");
    stack.keyValueHeads = static_cast<int>(config.positive({"num_key_value_heads"}, stack.heads));
    stack.parallelBranches = stack.oneNorm = true;
    stack.tiedEmbeddings = false;
    if (config.boolean({"qk_layernorm"}, false))
        throw config.error("qk_layernorm", "which is not supported yet");
    readCommon(config, HeadKind::CausalLM, stack);
    useRotary(config, stack, {.part = 0.5});
    return stack;
}

WeightNames phiNames() {
    WeightNames names = headNames();
    names.prefix = "model.";
    names.tokenEmbedding = "embed_tokens";
    names.query = "layers.{}.self_attn.q_proj";
    names.key = "layers.{}.self_attn.k_proj";
    names.value = "layers.{}.self_attn.v_proj";
    names.attentionOut = "layers.{}.self_attn.dense";
    names.norm1 = "layers.{}.input_layernorm";
    names.mlpIn = "layers.{}.mlp.fc1";
    names.mlpOut = "layers.{}.mlp.fc2";
    names.finalNorm = "final_layernorm";
    names.headBias = "lm_head.bias";
    names.classifier = "score";
    return names;
}

StackConfig readOpt(const ModelConfig& config) {
    StackConfig stack = readSizes(config);
    readActivation(config, stack, "relu");
    stack.embeddingSize = config.positive({"word_embed_proj_dim"}, stack.hiddenSize);
    stack.projectFirst = true;
    stack.projectionBias = false;
    stack.outputProjection = stack.embeddingSize != stack.hiddenSize;
    stack.positionCount = PositionCount::SkipMasked;
    stack.positionOffset = stack.reservedPositions = 2;
    const bool before = config.boolean({"do_layer_norm_before"}, true);
    stack.normPlacement = before ? NormPlacement::Before : NormPlacement::After;
    stack.finalNorm = before && !config.boolean({"_remove_final_layer_norm"}, false);
    stack.qkvBias = stack.attentionOutBias = stack.mlpBias = config.boolean({"enable_bias"}, true);
    if (!config.boolean({"layer_norm_elementwise_affine"}, true))
        throw config.error("layer_norm_elementwise_affine", "but norms without weights are not supported");
    readCommon(config, HeadKind::CausalLM, stack);
    return stack;
}

WeightNames optNames() {
    WeightNames names = headNames();
    names.prefix = "model.";
    names.tokenEmbedding = "decoder.embed_tokens";
    names.positionEmbedding = "decoder.embed_positions";
    names.embeddingProjection = "decoder.project_in";
    names.outputProjection = "decoder.project_out";
    names.query = "decoder.layers.{}.self_attn.q_proj";
    names.key = "decoder.layers.{}.self_attn.k_proj";
    names.value = "decoder.layers.{}.self_attn.v_proj";
    names.attentionOut = "decoder.layers.{}.self_attn.out_proj";
    names.norm1 = "decoder.layers.{}.self_attn_layer_norm";
    names.norm2 = "decoder.layers.{}.final_layer_norm";
    names.mlpIn = "decoder.layers.{}.fc1";
    names.mlpOut = "decoder.layers.{}.fc2";
    names.finalNorm = "decoder.final_layer_norm";
    return names;
}

StackConfig readBloom(const ModelConfig& config) {
    StackConfig stack = readSizes(config);
    stack.activation = nn::Activation::GeluTanh;
    stack.positions = PositionKind::Alibi;
    stack.qkvOrder = QkvOrder::ByHead;
    stack.embeddingNorm = true;
    if (config.boolean({"apply_residual_connection_post_layernorm"}, false))
        throw config.error("apply_residual_connection_post_layernorm", "which is not supported yet");
    readCommon(config, HeadKind::CausalLM, stack);
    return stack;
}

WeightNames bloomNames() {
    WeightNames names = headNames();
    names.prefix = "transformer.";
    names.tokenEmbedding = "word_embeddings";
    names.embeddingNorm = "word_embeddings_layernorm";
    names.fusedQkv = "h.{}.self_attention.query_key_value";
    names.attentionOut = "h.{}.self_attention.dense";
    names.norm1 = "h.{}.input_layernorm";
    names.norm2 = "h.{}.post_attention_layernorm";
    names.mlpIn = "h.{}.mlp.dense_h_to_4h";
    names.mlpOut = "h.{}.mlp.dense_4h_to_h";
    names.finalNorm = "ln_f";
    return names;
}

} // namespace

std::vector<const ModelFamily*> gptRelatives() {
    static const Family neo("gpt_neo", "GPT-Neo", readGptNeo, gptNeoNames);
    static const Family j("gptj", "GPT-J", readGptJ, gptJNames);
    static const Family neoX("gpt_neox", "GPT-NeoX", readGptNeoX, gptNeoXNames);
    static const Family phi("phi", "Phi", readPhi, phiNames);
    static const Family opt("opt", "OPT", readOpt, optNames);
    static const Family bloom("bloom", "BLOOM", readBloom, bloomNames);
    return {&neo, &j, &neoX, &phi, &opt, &bloom};
}

} // namespace orrery::model
