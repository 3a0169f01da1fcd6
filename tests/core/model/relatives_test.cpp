// SPDX-License-Identifier: GPL-3.0-or-later
// Families that are others in disguise: the same numbers under other names or in another order must give the
// same words.
#include "core/model/folder.h"
#include "model/model.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace orrery::model {
namespace {

std::vector<float> logits(const Model& model) {
    return model.run(ModelInput::ofIds({{5, 26, 7, 81, 9, 40, 11}, {60, 3, 44, 51, 6, 77, 18}}, 0))
        .logits.toFloats();
}

void expectSame(const std::vector<float>& found, const std::vector<float>& expected) {
    ASSERT_EQ(found.size(), expected.size());
    float largest = 1;
    float worst = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
        largest = std::max(largest, std::abs(expected[i]));
        worst = std::max(worst, std::abs(found[i] - expected[i]));
    }
    EXPECT_LE(worst, 1e-4F * largest);
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

Tensor stacked(const std::vector<Tensor>& parts) {
    Shape shape = parts.front().shape();
    shape[0] = 0;
    for (const Tensor& part : parts)
        shape[0] += part.size(0);
    Tensor result = Tensor::empty(shape);
    std::int64_t row = 0;
    for (const Tensor& part : parts) {
        result.slice(0, row, row + part.size(0)).copyFrom(part);
        row += part.size(0);
    }
    return result;
}

void drop(Folder& folder, const std::string& piece) {
    std::erase_if(folder.tensors,
                  [&](const auto& tensor) { return tensor.first.find(piece) != std::string::npos; });
}

TEST(Relatives, Phi3IsLlamaWithFusedMatrices) {
    Folder folder("llama-gqa");
    const auto expected = logits(*folder.open());
    for (int layer = 0; layer < 2; ++layer) {
        const std::string base = fmt::format("model.layers.{}.", layer);
        const auto part = [&](const std::string& name) {
            return folder.named(base + name + ".weight").second;
        };
        const Tensor qkv =
            stacked({part("self_attn.q_proj"), part("self_attn.k_proj"), part("self_attn.v_proj")});
        const Tensor gate = stacked({part("mlp.gate_proj"), part("mlp.up_proj")});
        for (const char* name :
             {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "mlp.gate_proj", "mlp.up_proj"})
            drop(folder, base + name);
        folder.tensors.emplace_back(base + "self_attn.qkv_proj.weight", qkv);
        folder.tensors.emplace_back(base + "mlp.gate_up_proj.weight", gate);
    }
    folder.config["model_type"] = "phi3";
    folder.config["architectures"] = {"Phi3ForCausalLM"};
    expectSame(logits(*folder.open()), expected);
}

TEST(Relatives, CamembertAndXlmRobertaAreRoberta) {
    Folder folder("roberta-mlm");
    const auto expected = logits(*folder.open());
    for (const char* type : {"camembert", "xlm-roberta"}) {
        folder.config["model_type"] = type;
        expectSame(logits(*folder.open()), expected);
    }
}

/// GPT-NeoX's first layer norm in place of the second one, and every head whole.
void oneNorm(Folder& folder) {
    for (int layer = 0; layer < 2; ++layer)
        for (const char* kind : {"weight", "bias"})
            folder.named(fmt::format("gpt_neox.layers.{}.post_attention_layernorm.{}", layer, kind)).second =
                folder.named(fmt::format("gpt_neox.layers.{}.input_layernorm.{}", layer, kind)).second;
}

/// Queries, keys and values [H * d, ...] out of a matrix or bias by heads; order: of the numbers of a head.
std::vector<Tensor> parted(const Tensor& fused, const std::vector<std::int64_t>& order) {
    constexpr std::int64_t heads = 4;
    constexpr std::int64_t size = 8;
    std::vector<Tensor> parts;
    for (std::int64_t which = 0; which < 3; ++which) {
        Shape shape = fused.shape();
        shape[0] = heads * size;
        const Tensor part = Tensor::empty(shape);
        for (std::int64_t head = 0; head < heads; ++head)
            for (std::int64_t i = 0; i < size; ++i) {
                const std::int64_t from = which < 2 ? order[static_cast<std::size_t>(i)] : i;
                part.select(0, head * size + i).copyFrom(fused.select(0, (head * 3 + which) * size + from));
            }
        parts.push_back(part);
    }
    return parts;
}

TEST(Relatives, PhiIsGptNeoXWithOneNorm) {
    Folder folder("gpt-neox");
    oneNorm(folder);
    const auto expected = logits(*folder.open());
    for (int layer = 0; layer < 2; ++layer)
        for (const char* kind : {"weight", "bias"}) {
            const Tensor fused =
                folder.named(fmt::format("gpt_neox.layers.{}.attention.query_key_value.{}", layer, kind))
                    .second;
            const auto parts = parted(fused, {0, 1, 2, 3, 4, 5, 6, 7});
            for (std::size_t i = 0; i < 3; ++i)
                folder.tensors.emplace_back(
                    fmt::format("model.layers.{}.self_attn.{}_proj.{}", layer, "qkv"[i], kind), parts[i]);
        }
    drop(folder, "query_key_value");
    drop(folder, "post_attention_layernorm");
    folder.rename([](std::string name) {
        name = replaced(name, "gpt_neox.embed_in", "model.embed_tokens");
        name = replaced(name, "gpt_neox.final_layer_norm", "model.final_layernorm");
        name = replaced(name, "gpt_neox.", "model.");
        name = replaced(name, "attention.dense", "self_attn.dense");
        name = replaced(name, "dense_h_to_4h", "fc1");
        name = replaced(name, "dense_4h_to_h", "fc2");
        return replaced(name, "embed_out", "lm_head");
    });
    folder.tensors.emplace_back("lm_head.bias", Tensor::zeros({110}));
    folder.config["model_type"] = "phi";
    folder.config["architectures"] = {"PhiForCausalLM"};
    expectSame(logits(*folder.open()), expected);
}

TEST(Relatives, GptJIsGptNeoXWithNeighboursTurning) {
    Folder folder("gpt-neox");
    oneNorm(folder);
    folder.config["rope_parameters"]["partial_rotary_factor"] = 0.5;
    folder.config["hidden_act"] = "gelu_new";
    for (int layer = 0; layer < 2; ++layer)
        for (const char* name : {"query_key_value", "dense"})
            folder.named(fmt::format("gpt_neox.layers.{}.attention.{}.bias", layer, name)).second.fill(0);
    const auto expected = logits(*folder.open());
    for (int layer = 0; layer < 2; ++layer) {
        const Tensor fused =
            folder.named(fmt::format("gpt_neox.layers.{}.attention.query_key_value.weight", layer)).second;
        // Four of eight numbers turn: pairs (0, 2) and (1, 3) there are (0, 1) and (2, 3) here.
        const auto parts = parted(fused, {0, 2, 1, 3, 4, 5, 6, 7});
        for (std::size_t i = 0; i < 3; ++i)
            folder.tensors.emplace_back(fmt::format("transformer.h.{}.attn.{}_proj.weight", layer, "qkv"[i]),
                                        parts[i]);
    }
    drop(folder, "query_key_value");
    drop(folder, "post_attention_layernorm");
    drop(folder, "attention.dense.bias");
    folder.rename([](std::string name) {
        name = replaced(name, "gpt_neox.embed_in", "transformer.wte");
        name = replaced(name, "gpt_neox.final_layer_norm", "transformer.ln_f");
        name = replaced(name, "gpt_neox.layers", "transformer.h");
        name = replaced(name, "input_layernorm", "ln_1");
        name = replaced(name, "attention.dense", "attn.out_proj");
        name = replaced(name, "dense_h_to_4h", "fc_in");
        name = replaced(name, "dense_4h_to_h", "fc_out");
        return replaced(name, "embed_out", "lm_head");
    });
    folder.tensors.emplace_back("lm_head.bias", Tensor::zeros({110}));
    folder.config = {{"model_type", "gptj"},
                     {"architectures", {"GPTJForCausalLM"}},
                     {"vocab_size", 110},
                     {"n_embd", 32},
                     {"n_layer", 2},
                     {"n_head", 4},
                     {"n_inner", 64},
                     {"n_positions", 40},
                     {"rotary_dim", 4},
                     {"activation_function", "gelu_new"},
                     {"tie_word_embeddings", false}};
    expectSame(logits(*folder.open()), expected);
}

TEST(Relatives, GptNeoIsGpt2WithUnscaledScoresAndWindows) {
    Folder folder("gpt2");
    folder.config["scale_attn_weights"] = false;
    for (int layer = 0; layer < 2; ++layer)
        folder.named(fmt::format("transformer.h.{}.attn.c_attn.bias", layer)).second.fill(0);
    const auto expected = logits(*folder.open());
    for (int layer = 0; layer < 2; ++layer) {
        const std::string base = fmt::format("transformer.h.{}.", layer);
        const Tensor fused = folder.named(base + "attn.c_attn.weight").second; // [in, out]
        for (int i = 0; i < 3; ++i)
            folder.tensors.emplace_back(fmt::format("{}attn.attention.{}_proj.weight", base, "qkv"[i]),
                                        fused.slice(1, 32 * i, 32 * (i + 1)).transpose(0, 1).contiguous());
        for (const char* name : {"attn.c_proj", "mlp.c_fc", "mlp.c_proj"}) {
            Tensor& weight = folder.named(base + name + ".weight").second;
            weight = weight.transpose(0, 1).contiguous();
        }
    }
    drop(folder, "c_attn");
    folder.rename([](std::string name) { return replaced(name, "attn.c_proj", "attn.attention.out_proj"); });
    folder.config["model_type"] = "gpt_neo";
    folder.config["architectures"] = {"GPTNeoForCausalLM"};
    folder.config["hidden_size"] = 32;
    folder.config["num_layers"] = 2;
    folder.config["num_heads"] = 4;
    folder.config["intermediate_size"] = folder.named("transformer.h.0.mlp.c_fc.weight").second.size(0);
    folder.config["attention_types"] = Json::parse(R"([[["global", "local"], 1]])");
    folder.config["window_size"] = 16;
    expectSame(logits(*folder.open()), expected);
    folder.config["window_size"] = 2;
    const auto windowed = folder.open();
    EXPECT_EQ(windowed->config().layer(1).window, 2);
    EXPECT_NE(logits(*windowed), expected);
}

TEST(Relatives, Gemma2CapsScoresAndLogits) {
    // Gemma's weights with two more norms: without caps and with norms that change nothing but the scale,
    // both halves of the formula can be followed by hand at the logits.
    Folder folder("gemma");
    folder.config["model_type"] = "gemma2";
    folder.config["architectures"] = {"Gemma2ForCausalLM"};
    folder.config["query_pre_attn_scalar"] = 16;
    folder.config["sliding_window"] = 4;
    for (int layer = 0; layer < 2; ++layer)
        for (const char* name : {"pre_feedforward_layernorm", "post_feedforward_layernorm"})
            folder.tensors.emplace_back(fmt::format("model.layers.{}.{}.weight", layer, name),
                                        Tensor::zeros({32}));
    folder.config["final_logit_softcapping"] = nullptr;
    folder.config["attn_logit_softcapping"] = nullptr;
    const auto plain = logits(*folder.open());
    folder.config["final_logit_softcapping"] = 5.0;
    auto capped = logits(*folder.open());
    for (std::size_t i = 0; i < plain.size(); ++i)
        ASSERT_NEAR(capped[i], 5 * std::tanh(plain[i] / 5), 1e-3);
    // A cap far above every score is none; one below them bounds them.
    folder.config["attn_logit_softcapping"] = 1e6;
    folder.config["final_logit_softcapping"] = nullptr;
    expectSame(logits(*folder.open()), plain);
    folder.config["attn_logit_softcapping"] = 0.5;
    const auto model = folder.open();
    EXPECT_EQ(model->config().layer(0).window, 4);
    probe::Trace trace({"blocks.*.attn.hook_attn_scores", "attentions.*"});
    Context context;
    context.trace = &trace;
    static_cast<void>(model->run(ModelInput::ofIds({5, 6, 7, 8, 9, 10, 11}), context));
    for (const float score : trace.tensor("blocks.1.attn.hook_attn_scores").toFloats())
        EXPECT_TRUE(std::isinf(score) || std::abs(score) <= 0.5F);
    EXPECT_EQ(trace.pattern(0).full().at({0, 0, 6, 2}), 0);
    EXPECT_GT(trace.pattern(1).full().at({0, 0, 6, 2}), 0);
}

} // namespace
} // namespace orrery::model
