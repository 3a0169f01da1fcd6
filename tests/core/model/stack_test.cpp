// SPDX-License-Identifier: GPL-3.0-or-later
// What the parts of the stack promise: each compared with the plainest way of computing the same.
#include "base/error.h"
#include "core/model/folder.h"
#include "model/differentiable.h"
#include "model/model.h"
#include "model/stack.h"
#include "nn/key_value_cache.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace orrery::model {
namespace {

std::shared_ptr<Model> opened(const std::string& name, DType dtype = DType::F32) {
    return Model::open(std::filesystem::path(ORRERY_GOLDEN_DIR "/hf") / name, {.dtype = dtype});
}

ModelInput inputOf(std::int64_t batch, std::int64_t length, std::int64_t vocabulary) {
    std::vector<std::vector<std::int64_t>> rows(static_cast<std::size_t>(batch));
    std::int64_t next = 11;
    for (auto& row : rows)
        for (std::int64_t i = 0; i < length; ++i)
            row.push_back(5 + (next = next * 37 % 1009) % (vocabulary - 5));
    return ModelInput::ofIds(rows, 0);
}

void expectNear(const Tensor& found, const Tensor& expected, double relative, const std::string& what = "") {
    ASSERT_EQ(found.shape(), expected.shape()) << what;
    const auto a = found.toFloats();
    const auto b = expected.toFloats();
    float largest = 1;
    for (const float value : b)
        largest = std::max(largest, std::abs(value));
    float worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        worst = std::max(worst, std::abs(a[i] - b[i]));
    EXPECT_LE(worst, relative * largest) << what;
}

TEST(Stack, RotaryPositionsAreRelative) {
    for (const char* name : {"llama-gqa", "qwen3", "gemma", "gpt-neox", "mistral-sliding"}) {
        const auto model = opened(name);
        ModelInput input = inputOf(2, 9, model->vocabulary());
        const Tensor expected = model->run(input).logits;
        input.positionIds = Tensor::empty({2, 9}, DType::I64);
        for (std::int64_t i = 0; i < 18; ++i)
            input.positionIds.mutablePointer<std::int64_t>()[i] = i % 9 + (i < 9 ? 13 : 4);
        expectNear(model->run(input).logits, expected, 1e-4, name);
    }
}

TEST(Stack, ASlidingWindowIsADenseMask) {
    Folder folder("mistral-sliding");
    const ModelInput input = inputOf(2, 20, 110);
    const Tensor expected = folder.open()->run(input).logits.clone();
    folder.config["sliding_window"] = nullptr;
    const auto model = folder.open();
    probe::Edits edits;
    for (int layer = 0; layer < 2; ++layer)
        edits.add(probe::Edit::apply(
            fmt::format("blocks.{}.attn.hook_attn_scores", layer), [](const Tensor& scores) {
                for (std::int64_t i = 0; i < scores.size(2); ++i)
                    for (std::int64_t j = 0; j + 6 <= i; ++j)
                        scores.select(2, i).select(2, j).fill(-std::numeric_limits<double>::infinity());
            }));
    Context context;
    context.edits = &edits;
    expectNear(model->run(input, context).logits, expected, 1e-4);
}

TEST(Stack, WindowsCutTheLazyPattern) {
    for (const char* name : {"mistral-sliding", "modernbert-mlm"}) {
        const auto model = opened(name);
        const ModelInput input = inputOf(1, 20, model->vocabulary());
        probe::Trace trace({"attentions.*", "blocks.*.attn.hook_attn_scores"});
        Context context;
        context.trace = &trace;
        static_cast<void>(model->run(input, context));
        for (int layer = 0; layer < static_cast<int>(model->layers()); ++layer) {
            const std::int64_t window = model->config().layer(layer).window;
            const Tensor pattern = trace.pattern(layer).full();
            const Tensor scores = trace.tensor(probe::SiteKind::Scores, layer);
            for (std::int64_t i = 0; i < 20; ++i)
                for (std::int64_t j = 0; j < 20; ++j) {
                    const bool seen = std::abs(i - j) < window && (!model->causal() || j <= i);
                    EXPECT_EQ(pattern.at({0, 1, i, j}) > 0, seen) << name << layer << " " << i << " " << j;
                    EXPECT_EQ(std::isinf(scores.at({0, 1, i, j})), !seen);
                }
        }
    }
}

TEST(Stack, AMixtureIsTheWeightedSumOfItsChosenExperts) {
    const auto model = opened("mixtral-moe");
    const ModelInput input = inputOf(2, 7, model->vocabulary());
    probe::Trace trace({"*"});
    Context context;
    context.trace = &trace;
    static_cast<void>(model->run(input, context));
    const std::int64_t width = model->hiddenSize();
    const std::int64_t units = model->config().feedForward;
    for (int layer = 0; layer < static_cast<int>(model->layers()); ++layer) {
        const Block& block = model->stack().blocks[static_cast<std::size_t>(layer)];
        const Tensor given = trace.tensor(probe::SiteKind::Norm2, layer);
        const Tensor weights = trace.tensor(probe::SiteKind::ExpertWeights, layer);
        const Tensor expected = Tensor::zeros({2, 7, width});
        for (std::int64_t row = 0; row < 14; ++row) {
            const float* x = given.pointer<float>() + row * width;
            const float* p = weights.pointer<float>() + row * 4;
            EXPECT_NEAR(std::accumulate(p, p + 4, 0.0F), 1, 1e-5);
            std::vector<std::size_t> order{0, 1, 2, 3};
            std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] > p[b]; });
            for (const std::size_t chosen : {order[0], order[1]}) {
                const Tensor in = block.experts[chosen].in.format()->toDense();
                const Tensor out = block.experts[chosen].out.format()->toDense();
                const double share = p[chosen] / (p[order[0]] + p[order[1]]);
                for (std::int64_t unit = 0; unit < units; ++unit) {
                    double gate = 0;
                    double up = 0;
                    for (std::int64_t i = 0; i < width; ++i) {
                        gate += x[i] * in.at({unit, i});
                        up += x[i] * in.at({units + unit, i});
                    }
                    const double hidden = gate / (1 + std::exp(-gate)) * up;
                    for (std::int64_t i = 0; i < width; ++i)
                        expected.mutablePointer<float>()[row * width + i] +=
                            static_cast<float>(share * hidden * out.at({i, unit}));
                }
            }
        }
        expectNear(trace.tensor(probe::SiteKind::MlpOut, layer), expected, 1e-4);
    }
}

TEST(Stack, EditedExpertWeightsChooseOtherExperts) {
    const auto model = opened("mixtral-moe");
    const ModelInput input = inputOf(1, 5, model->vocabulary());
    probe::Edits edits;
    edits.add(probe::Edit::replace("blocks.0.mlp.hook_expert_weights",
                                   Tensor::of<float>({4}, {0, 0.25F, 0, 0.75F})));
    probe::Trace trace({"blocks.0.mlp.hook_expert_weights", "blocks.0.hook_mlp_out"});
    Context context;
    context.trace = &trace;
    const Tensor clean = model->run(input, context).logits.clone();
    context.edits = &edits;
    const Tensor changed = model->run(input, context).logits;
    EXPECT_NEAR(trace.tensor("blocks.0.mlp.hook_expert_weights").at({0, 3, 3}), 0.75, 1e-6);
    EXPECT_NE(changed.toFloats(), clean.toFloats());
}

TEST(Stack, LayersOfOneGroupShareWhatIsExchanged) {
    const auto model = opened("albert-mlm")->copy();
    std::vector<std::string> names;
    model->forEachLinear([&](nn::Linear& linear) {
        names.push_back(linear.name());
        if (linear.name() == "blocks.0.mlp.out")
            linear.setFormat(nn::denseFormat(Tensor::zeros({linear.outputs(), linear.inputs()}), false));
    });
    EXPECT_EQ(std::count(names.begin(), names.end(), "blocks.0.mlp.out"), 1);
    EXPECT_EQ(std::count(names.begin(), names.end(), "blocks.1.mlp.out"), 0);
    probe::Trace trace({"blocks.*.hook_mlp_out"});
    Context context;
    context.trace = &trace;
    static_cast<void>(model->run(inputOf(1, 5, model->vocabulary()), context));
    for (int layer = 1; layer < 3; ++layer) // what is left is the bias
        EXPECT_NEAR(trace.tensor(probe::SiteKind::MlpOut, layer).at({0, 1, 3}),
                    trace.tensor(probe::SiteKind::MlpOut, 0).at({0, 4, 3}), 1e-6);
    EXPECT_EQ(model->modules().parameterCount, model->parameterCount());
}

TEST(Stack, LeftPaddingChangesNothing) {
    for (const char* name :
         {"llama-gqa", "mistral-sliding", "bloom-alibi", "gpt-neox", "opt", "mixtral-moe"}) {
        const auto model = opened(name);
        const ModelInput alone = inputOf(1, 6, model->vocabulary());
        const Tensor expected = model->run(alone).logits;
        std::vector<std::int64_t> ids(4, 0);
        const auto real = alone.inputIds.toIntegers();
        ids.insert(ids.end(), real.begin(), real.end());
        ModelInput padded = ModelInput::ofIds(ids);
        padded.attentionMask = Tensor::of<std::int64_t>({1, 10}, {0, 0, 0, 0, 1, 1, 1, 1, 1, 1});
        expectNear(model->run(padded).logits.slice(1, 4, 10), expected, 1e-4, name);
        // The same token by token, the mask held by the cache.
        nn::KeyValueCache cache;
        Context context;
        context.cache = &cache;
        ModelInput part = padded;
        part.inputIds = padded.inputIds.slice(1, 0, 7).contiguous();
        part.attentionMask = padded.attentionMask.slice(1, 0, 7).contiguous();
        static_cast<void>(model->run(part, context));
        for (std::int64_t i = 7; i < 10; ++i) {
            ModelInput step;
            step.inputIds = padded.inputIds.slice(1, i, i + 1).contiguous();
            expectNear(model->run(step, context).logits, expected.slice(1, i - 4, i - 3), 1e-4, name);
        }
    }
}

TEST(Stack, Bf16StaysNearF32) {
    for (const char* name : {"llama-gqa", "mistral-sliding", "qwen3", "gemma", "gpt-neox", "opt",
                             "bloom-alibi", "distilbert-mlm", "albert-mlm", "electra-mlm", "roformer-mlm",
                             "modernbert-mlm", "deberta-v2-mlm", "xlnet-lm", "fnet-mlm"}) {
        const auto model = opened(name);
        const ModelInput input = inputOf(2, 9, model->vocabulary());
        expectNear(opened(name, DType::BF16)->run(input).logits, model->run(input).logits, 6e-2, name);
    }
}

TEST(Stack, CostCountsEveryProduct) {
    const auto llama = opened("llama-gqa");
    EXPECT_EQ(llama->cost(2, 10).matmulOperations,
              2.0 * 20 * (2 * (32 * 64 + 32 * 32 + 3 * 32 * 64) + 32 * 110));
    // Two of four experts a token.
    const auto mixtral = opened("mixtral-moe");
    EXPECT_EQ(mixtral->cost(2, 10).matmulOperations,
              2.0 * 20 * (2 * (32 * 64 + 32 * 32 + 32 * 4 + 2 * 3 * 32 * 40) + 32 * 110));
    const auto mistral = opened("mistral-sliding");
    EXPECT_LT(mistral->cost(1, 60).attentionOperations, llama->cost(1, 60).attentionOperations);
    for (const char* name : {"llama-gqa", "opt", "albert-mlm", "modernbert-mlm", "mixtral-moe"}) {
        const auto model = opened(name);
        EXPECT_EQ(model->modules().parameterCount, model->parameterCount()) << name;
        EXPECT_GT(model->predictedBytes(1, 16), 0U);
        EXPECT_TRUE(model->unusedTensors().empty()) << name << " " << model->unusedTensors().front();
    }
}

TEST(Stack, WhatHasNoBackwardSaysSo) {
    for (const char* name : {"mixtral-moe", "deberta-v2-mlm", "xlnet-lm", "fnet-mlm"})
        EXPECT_THROW(static_cast<void>(DifferentiableModel(*opened(name))), UsageError) << name;
}

TEST(Stack, BrokenConfigurationsAreSentences) {
    struct Case {
        const char* folder;
        const char* key;
        Json value;
        std::vector<std::string> words;
    };
    const Json yarn = {{"rope_type", "mystery"}, {"factor", 2}};
    const std::vector<Case> cases{
        {"llama-gqa", "num_key_value_heads", 3, {"4", "3"}},
        {"llama-gqa", "num_key_value_heads", 0, {"num_key_value_heads"}},
        {"llama-gqa", "head_dim", -8, {"head_dim"}},
        {"llama-gqa", "rope_parameters", yarn, {"mystery", "llama3"}},
        {"llama-gqa", "rope_parameters", {{"rope_type", "linear"}}, {"factor"}},
        {"llama-gqa", "rope_parameters", {{"rope_type", "linear"}, {"factor", -1}}, {"factor", "above 0"}},
        {"llama-gqa", "rope_parameters", {{"rope_theta", 0}}, {"rope_theta"}},
        {"llama-rope-llama3",
         "rope_parameters",
         {{"rope_type", "llama3"}, {"factor", 4}},
         {"low_freq_factor"}},
        {"llama-gqa",
         "rope_parameters",
         {{"rope_type", "longrope"}, {"short_factor", {1}}, {"long_factor", {1}}},
         {"short_factor", "4"}},
        {"llama-gqa", "hidden_act", "mish", {"mish"}},
        {"mistral-sliding", "sliding_window", 0, {"sliding_window"}},
        {"mistral-sliding", "sliding_window", -3, {"sliding_window"}},
        {"modernbert-mlm", "local_attention", 0, {"local_attention"}},
        {"modernbert-mlm", "layer_types", {"full_attention"}, {"layer_types"}},
        {"mixtral-moe", "num_local_experts", 0, {"num_local_experts"}},
        {"mixtral-moe", "num_experts_per_tok", 9, {"num_experts_per_tok"}},
        {"gpt-neox", "rope_parameters", {{"partial_rotary_factor", 2}}, {"head"}},
        {"gpt-neox", "rope_parameters", {{"partial_rotary_factor", 0.4}}, {"pairs"}},
        {"albert-mlm", "num_hidden_groups", 9, {"num_hidden_groups"}},
        {"albert-mlm", "inner_group_num", 2, {"inner_group_num"}},
        {"albert-mlm", "embedding_size", 8, {"word_embeddings", "[120, 16]"}},
        {"deberta-v2-mlm", "position_buckets", 1, {"position_buckets"}},
        {"deberta-v2-mlm", "pos_att_type", {"c2c"}, {"pos_att_type"}},
        {"xlnet-lm", "attn_type", "uni", {"attn_type"}},
    };
    for (const Case& broken : cases) {
        Folder folder(broken.folder);
        folder.config[broken.key] = broken.value;
        const std::string said = folder.sentence();
        for (const std::string& word : broken.words)
            EXPECT_NE(said.find(word), std::string::npos)
                << broken.folder << " " << broken.key << ": " << said;
    }
    for (const char* key :
         {"vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"}) {
        Folder folder("llama-gqa");
        folder.config.erase(key);
        EXPECT_NE(folder.sentence().find(key), std::string::npos);
    }
    Folder missing("mixtral-moe");
    missing.named("model.layers.1.block_sparse_moe.experts.3.w2.weight").first = "something.else";
    EXPECT_NE(missing.sentence().find("experts.3.w2.weight"), std::string::npos);
}

} // namespace
} // namespace orrery::model
