// SPDX-License-Identifier: GPL-3.0-or-later
// LLaMA (Touvron et al. 2023) and those that share its block: RMS norms before both halves, rotary positions,
// grouped queries, a gated feed-forward.
#include "base/error.h"
#include "model/family.h"
#include "model/family_reading.h"
#include "model/rotary_reading.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace orrery::model {
namespace {

using checkpoint::ModelConfig;

/// What differs between the relatives; each reads only the settings that its own configuration has.
struct Variant {
    std::string id;
    std::string title;
    void (*adjust)(const ModelConfig& config, StackConfig& stack) = nullptr; ///< after readCommon
    bool tied = false;
    std::string activation = "silu";
    double theta = 10000;
    double epsilon = 1e-6;
    std::int64_t keyValueHeads = 0; ///< by default; 0: as many as heads
    std::int64_t headSize = 0;      ///< by default; 0: hidden size over heads
    bool fused = false;             ///< q, k, v in one matrix; gate and units in one
    bool sandwich = false;          ///< norms after both halves too
};

void everyLayerSlides(const ModelConfig& config, StackConfig& stack, std::int64_t fallback) {
    useWindows(config, stack, fallback, [](std::int64_t) { return true; });
}

void mistral(const ModelConfig& config, StackConfig& stack) {
    everyLayerSlides(config, stack, 4096);
}

void phi3(const ModelConfig& config, StackConfig& stack) {
    everyLayerSlides(config, stack, 0);
}

void mixtral(const ModelConfig& config, StackConfig& stack) {
    everyLayerSlides(config, stack, 0);
    stack.experts = static_cast<int>(config.integerIn({"num_local_experts"}, {.low = 1, .high = 4096}, 8));
    stack.expertsPerToken = static_cast<int>(config.integerIn(
        {"num_experts_per_tok"}, {.low = 1, .high = stack.experts}, std::min(2, stack.experts)));
}

/// Qwen's upper layers slide, where sliding is switched on at all.
void qwenWindows(const ModelConfig& config, StackConfig& stack) {
    const bool on = config.boolean({"use_sliding_window"}, false);
    const std::int64_t first = config.integer({"max_window_layers"}, 28);
    if (on)
        useWindows(config, stack, 4096, [&](std::int64_t layer) { return layer >= first; });
}

void qwen2(const ModelConfig& config, StackConfig& stack) {
    qwenWindows(config, stack);
    stack.qkvBias = true;
    stack.attentionOutBias = false;
    stack.mlpBias = false;
}

void qwen3(const ModelConfig& config, StackConfig& stack) {
    qwenWindows(config, stack);
    stack.headNorms = true;
}

void gemma(const ModelConfig& config, StackConfig& stack) {
    stack.normPlusOne = true;
    stack.embeddingScale =
        static_cast<double>(static_cast<float>(std::sqrt(static_cast<double>(stack.hiddenSize))));
    if (config.boolean({"use_bidirectional_attention"}, false))
        throw config.error("use_bidirectional_attention", "which is not supported yet");
}

double cap(const ModelConfig& config, std::string_view key, double fallback) {
    if (config.json().contains(std::string(key)) && !config.has(key))
        return 0;
    const double value = config.real({key}, fallback);
    if (!std::isfinite(value) || !(value > 0))
        throw config.error(key, "but it must be a positive number");
    return value;
}

void gemma2(const ModelConfig& config, StackConfig& stack) {
    gemma(config, stack);
    stack.normPlacement = NormPlacement::Both;
    const double scalar = config.real({"query_pre_attn_scalar"}, 256);
    if (!std::isfinite(scalar) || !(scalar > 0))
        throw config.error("query_pre_attn_scalar", "but it must be a positive number");
    stack.scoreScale = 1 / std::sqrt(scalar);
    stack.scoreCap = cap(config, "attn_logit_softcapping", 50);
    stack.logitCap = cap(config, "final_logit_softcapping", 30);
    useWindows(config, stack, 4096, [](std::int64_t layer) { return layer % 2 == 0; });
}

class LlamaLike final : public ModelFamily {
public:
    explicit LlamaLike(Variant variant) : m_variant(std::move(variant)) {}
    [[nodiscard]] std::string id() const override { return m_variant.id; }
    [[nodiscard]] std::string title() const override { return m_variant.title; }

    [[nodiscard]] StackConfig read(const ModelConfig& config) const override {
        StackConfig stack;
        stack.vocabulary = config.positive({"vocab_size"});
        stack.hiddenSize = config.positive({"hidden_size"});
        stack.layers = config.positive({"num_hidden_layers"});
        stack.heads = static_cast<int>(config.positive({"num_attention_heads"}));
        // A null in the file means that the number follows from others, a missing key the family's own.
        const auto otherwise = [&](const char* key, std::int64_t own, std::int64_t derived) {
            return config.positive({key}, own == 0 || config.json().contains(key) ? derived : own);
        };
        stack.keyValueHeads =
            static_cast<int>(otherwise("num_key_value_heads", m_variant.keyValueHeads, stack.heads));
        if (config.has("head_dim") || (m_variant.headSize > 0 && !config.json().contains("head_dim")))
            stack.headSize = otherwise("head_dim", m_variant.headSize, m_variant.headSize);
        stack.feedForward = config.positive({"intermediate_size"});
        stack.maxPositions = config.positive({"max_position_embeddings"}, 2048);
        stack.normKind = NormKind::RmsNorm;
        stack.normEpsilon = config.real({"rms_norm_eps"}, m_variant.epsilon);
        stack.normPlacement = NormPlacement::Before;
        stack.finalNorm = true;
        stack.causal = true;
        stack.gated = true;
        stack.activation = nn::activationFromName(
            config.text({"hidden_activation", "hidden_act"}, m_variant.activation), config.fileName());
        stack.qkvBias = stack.attentionOutBias = config.boolean({"attention_bias"}, false);
        stack.mlpBias = config.boolean({"mlp_bias"}, false);
        stack.tiedEmbeddings = m_variant.tied;
        readCommon(config, HeadKind::CausalLM, stack);
        stack.pooling = Pooling::Last;
        useRotary(config, stack, {.theta = m_variant.theta});
        if (m_variant.adjust != nullptr)
            m_variant.adjust(config, stack);
        return stack;
    }

    [[nodiscard]] WeightNames names() const override {
        WeightNames names;
        names.prefix = "model.";
        names.tokenEmbedding = "embed_tokens";
        names.norm1 = "layers.{}.input_layernorm";
        names.norm2 = "layers.{}.post_attention_layernorm";
        if (m_variant.sandwich) {
            names.attentionNorm = "layers.{}.post_attention_layernorm";
            names.norm2 = "layers.{}.pre_feedforward_layernorm";
            names.mlpNorm = "layers.{}.post_feedforward_layernorm";
        }
        names.attentionOut = "layers.{}.self_attn.o_proj";
        if (m_variant.fused) {
            names.fusedQkv = "layers.{}.self_attn.qkv_proj";
            names.mlpIn = "layers.{}.mlp.gate_up_proj";
        } else {
            names.query = "layers.{}.self_attn.q_proj";
            names.key = "layers.{}.self_attn.k_proj";
            names.value = "layers.{}.self_attn.v_proj";
            names.mlpGate = "layers.{}.mlp.gate_proj";
            names.mlpIn = "layers.{}.mlp.up_proj";
        }
        names.queryNorm = "layers.{}.self_attn.q_norm";
        names.keyNorm = "layers.{}.self_attn.k_norm";
        names.mlpOut = "layers.{}.mlp.down_proj";
        names.router = "layers.{}.block_sparse_moe.gate";
        names.expertGate = "layers.{}.block_sparse_moe.experts.{}.w1";
        names.expertIn = "layers.{}.block_sparse_moe.experts.{}.w3";
        names.expertOut = "layers.{}.block_sparse_moe.experts.{}.w2";
        names.finalNorm = "norm";
        names.headDecoder = "lm_head";
        names.lastTokenScore = "score";
        names.classifier = "score";
        names.questionAnswering = "qa_outputs";
        return names;
    }

private:
    Variant m_variant;
};

} // namespace

std::vector<const ModelFamily*> llamaFamilies() {
    static const LlamaLike all[] = {
        LlamaLike({.id = "llama", .title = "LLaMA"}),
        LlamaLike({.id = "mistral", .title = "Mistral", .adjust = mistral, .keyValueHeads = 8}),
        LlamaLike({.id = "mixtral",
                   .title = "Mixtral",
                   .adjust = mixtral,
                   .theta = 1e6,
                   .epsilon = 1e-5,
                   .keyValueHeads = 8}),
        LlamaLike({.id = "qwen2", .title = "Qwen2", .adjust = qwen2}),
        LlamaLike({.id = "qwen3", .title = "Qwen3", .adjust = qwen3, .headSize = 128}),
        LlamaLike({.id = "gemma",
                   .title = "Gemma",
                   .adjust = gemma,
                   .tied = true,
                   .activation = "gelu_pytorch_tanh",
                   .headSize = 256}),
        LlamaLike({.id = "gemma2",
                   .title = "Gemma 2",
                   .adjust = gemma2,
                   .tied = true,
                   .activation = "gelu_pytorch_tanh",
                   .headSize = 256,
                   .sandwich = true}),
        LlamaLike({.id = "phi3", .title = "Phi-3", .adjust = phi3, .epsilon = 1e-5, .fused = true}),
    };
    std::vector<const ModelFamily*> result;
    for (const LlamaLike& family : all)
        result.push_back(&family);
    return result;
}

} // namespace orrery::model
