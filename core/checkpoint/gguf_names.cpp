// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "checkpoint/gguf_model.h"

#include <algorithm>

namespace orrery::checkpoint {
namespace {

using enum GgufTransform;

// Names of GGUF: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (standardised tensor names).

const GgufArchitecture bert{"bert",
                            "BertModel",
                            {{"token_embd", "embeddings.word_embeddings"},
                             {"position_embd", "embeddings.position_embeddings"},
                             {"token_types", "embeddings.token_type_embeddings"},
                             {"token_embd_norm", "embeddings.LayerNorm"},
                             {"blk.{}.attn_q", "encoder.layer.{}.attention.self.query"},
                             {"blk.{}.attn_k", "encoder.layer.{}.attention.self.key"},
                             {"blk.{}.attn_v", "encoder.layer.{}.attention.self.value"},
                             {"blk.{}.attn_output", "encoder.layer.{}.attention.output.dense"},
                             {"blk.{}.attn_output_norm", "encoder.layer.{}.attention.output.LayerNorm"},
                             {"blk.{}.ffn_up", "encoder.layer.{}.intermediate.dense"},
                             {"blk.{}.ffn_down", "encoder.layer.{}.output.dense"},
                             {"blk.{}.layer_output_norm", "encoder.layer.{}.output.LayerNorm"}}};

const GgufArchitecture gpt2{"gpt2",
                            "GPT2LMHeadModel",
                            {{"token_embd", "transformer.wte"},
                             {"position_embd", "transformer.wpe"},
                             {"blk.{}.attn_norm", "transformer.h.{}.ln_1"},
                             {"blk.{}.attn_qkv", "transformer.h.{}.attn.c_attn", Transposed},
                             {"blk.{}.attn_output", "transformer.h.{}.attn.c_proj", Transposed},
                             {"blk.{}.ffn_norm", "transformer.h.{}.ln_2"},
                             {"blk.{}.ffn_up", "transformer.h.{}.mlp.c_fc", Transposed},
                             {"blk.{}.ffn_down", "transformer.h.{}.mlp.c_proj", Transposed},
                             {"output_norm", "transformer.ln_f"},
                             {"output", "lm_head"}}};

std::vector<GgufName> llamaNames(bool paired) {
    return {{"token_embd", "model.embed_tokens"},
            {"blk.{}.attn_norm", "model.layers.{}.input_layernorm"},
            {"blk.{}.attn_q", "model.layers.{}.self_attn.q_proj", paired ? RotaryQuery : None},
            {"blk.{}.attn_k", "model.layers.{}.self_attn.k_proj", paired ? RotaryKey : None},
            {"blk.{}.attn_v", "model.layers.{}.self_attn.v_proj"},
            {"blk.{}.attn_output", "model.layers.{}.self_attn.o_proj"},
            {"blk.{}.ffn_norm", "model.layers.{}.post_attention_layernorm"},
            {"blk.{}.ffn_gate", "model.layers.{}.mlp.gate_proj"},
            {"blk.{}.ffn_up", "model.layers.{}.mlp.up_proj"},
            {"blk.{}.ffn_down", "model.layers.{}.mlp.down_proj"},
            {"output_norm", "model.norm"},
            {"output", "lm_head"}};
}

const GgufArchitecture llama{"llama", "LlamaForCausalLM", llamaNames(true)};
const GgufArchitecture qwen2{"qwen2", "Qwen2ForCausalLM", llamaNames(false)};

std::vector<GgufName> qwen3Names() {
    std::vector<GgufName> names = llamaNames(false);
    names.push_back({"blk.{}.attn_q_norm", "model.layers.{}.self_attn.q_norm"});
    names.push_back({"blk.{}.attn_k_norm", "model.layers.{}.self_attn.k_norm"});
    return names;
}
const GgufArchitecture qwen3{"qwen3", "Qwen3ForCausalLM", qwen3Names()};

/// The layer's digits in name, where it is the pattern; none where it is not, empty for a pattern without.
std::optional<std::string_view> layerIn(std::string_view name, std::string_view pattern) {
    const auto place = pattern.find("{}");
    if (place == std::string_view::npos)
        return name == pattern ? std::optional(std::string_view()) : std::nullopt;
    const std::string_view before = pattern.substr(0, place);
    const std::string_view after = pattern.substr(place + 2);
    if (name.size() <= before.size() + after.size() || !name.starts_with(before) || !name.ends_with(after))
        return std::nullopt;
    const std::string_view digits = name.substr(before.size(), name.size() - before.size() - after.size());
    const bool sound = std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
    return sound ? std::optional(digits) : std::nullopt;
}

std::string filled(std::string_view pattern, std::string_view layer) {
    std::string result(pattern);
    if (const auto place = result.find("{}"); place != std::string::npos)
        result.replace(place, 2, layer);
    return result;
}

RenamedTensor renamed(const GgufArchitecture& architecture, std::string_view name,
                      std::string_view GgufName::*from, std::string_view GgufName::*to) {
    for (const std::string_view suffix : {".weight", ".bias"}) {
        if (!name.ends_with(suffix))
            continue;
        const std::string_view base = name.substr(0, name.size() - suffix.size());
        for (const GgufName& known : architecture.names)
            if (const auto layer = layerIn(base, known.*from)) {
                // A transposed bias is as it was; a rotary one is permuted like its matrix.
                const bool plain = suffix == ".bias" && known.transform == Transposed;
                return {filled(known.*to, *layer) + std::string(suffix), plain ? None : known.transform};
            }
    }
    return {std::string(name), None};
}

} // namespace

const GgufArchitecture* ggufArchitecture(std::string_view id) {
    for (const GgufArchitecture* known : {&bert, &gpt2, &llama, &qwen2, &qwen3})
        if (known->id == id)
            return known;
    return nullptr;
}

RenamedTensor toHuggingFace(const GgufArchitecture& architecture, std::string_view name) {
    return renamed(architecture, name, &GgufName::gguf, &GgufName::huggingFace);
}

RenamedTensor toGguf(const GgufArchitecture& architecture, std::string_view name) {
    return renamed(architecture, name, &GgufName::huggingFace, &GgufName::gguf);
}

std::vector<std::int32_t> rotaryOrder(std::int64_t heads, std::int64_t rows) {
    ORRERY_CHECK(heads > 0 && rows % heads == 0 && rows / heads % 2 == 0 && rows < (std::int64_t{1} << 31U),
                 "heads of pairs");
    const std::int64_t size = rows / heads;
    std::vector<std::int32_t> order(static_cast<std::size_t>(rows));
    for (std::int64_t row = 0; row < rows; ++row) {
        const std::int64_t inHead = row % size;
        const std::int64_t half = inHead / (size / 2);
        const std::int64_t pair = inHead % (size / 2);
        order[static_cast<std::size_t>(row)] = static_cast<std::int32_t>(row - inHead + 2 * pair + half);
    }
    return order;
}

} // namespace orrery::checkpoint
