// SPDX-License-Identifier: GPL-3.0-or-later
// Whole models on the tape: what they compute is what the engine computes, and the gradient of every
// parameter is what differences say.
#include "autograd/backward.h"
#include "autograd/gradient_check.h"
#include "autograd/tape.h"
#include "base/random.h"
#include "core/model/folder.h"
#include "model/differentiable.h"
#include "model/model.h"
#include "ops/elementwise.h"
#include "ops/loss.h"
#include "ops/reduce.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

namespace orrery::model {
namespace {

using autograd::backward;

constexpr const char* cases[] = {"bert-mlm",   "bert-base-model", "bert-seqcls",   "bert-tokcls",
                                 "bert-qa",    "roberta-mlm",     "gpt2",          "llama-gqa",
                                 "qwen3",      "gpt-neox",        "opt",           "bloom-alibi",
                                 "albert-mlm", "roformer-mlm",    "modernbert-mlm"};

std::shared_ptr<Model> open(const std::string& name) {
    if (name == "opt") { // differences cannot say what the slope is beside the kinks of its ReLU
        Folder folder(name);
        folder.config["activation_function"] = "gelu";
        return folder.open();
    }
    return Model::open(std::filesystem::path(ORRERY_GOLDEN_DIR "/hf") / name);
}

/// Two rows, the second shorter and padded.
ModelInput inputOf(const Model& model) {
    Generator generator(17);
    std::vector<std::vector<std::int64_t>> rows(2);
    for (std::size_t row = 0; row < rows.size(); ++row)
        for (std::size_t i = 0; i < 7 - 2 * row; ++i)
            rows[row].push_back(5 + static_cast<std::int64_t>(
                                        generator.below(static_cast<std::uint64_t>(model.vocabulary() - 5))));
    return ModelInput::ofIds(rows, model.config().padToken.value_or(0));
}

/// What the model says, as one number that every output has a part in.
Tensor lossOf(const ModelOutput& output) {
    const Tensor& said = output.logits.defined() ? output.logits : output.pooled;
    const Tensor flat = said.detached();
    const Tensor targets = Tensor::empty(flat.shape().without(-1), DType::I64);
    std::int64_t next = 0;
    for (std::int64_t& target : targets.mutableData<std::int64_t>())
        target = (next += 3) % said.size(-1);
    const Tensor loss = ops::crossEntropy(said, targets, {.ignoreIndex = -100, .labelSmoothing = 0.1});
    return ops::add(loss, ops::mean(ops::square(output.lastHidden)));
}

void expectNear(const Tensor& a, const Tensor& b, double relative, const std::string& what) {
    ASSERT_EQ(a.shape(), b.shape()) << what;
    const Tensor x = a.to(DType::F64);
    const Tensor y = b.to(DType::F64);
    double largest = 0;
    double worst = 0;
    for (std::size_t i = 0; i < x.data<double>().size(); ++i) {
        largest = std::max(largest, std::fabs(y.data<double>()[i]));
        worst = std::max(worst, std::fabs(x.data<double>()[i] - y.data<double>()[i]));
    }
    EXPECT_LE(worst, relative * largest + 1e-9) << what;
}

class Differentiable : public testing::TestWithParam<const char*> {};

TEST_P(Differentiable, ComputesWhatTheEngineComputes) {
    const auto model = open(GetParam());
    ModelInput input = inputOf(*model);
    const auto compare = [&] {
        const ModelOutput expected = model->run(input);
        const ModelOutput found = DifferentiableModel(*model).run(input);
        const auto both = [&](const Tensor& a, const Tensor& b, const char* what) {
            ASSERT_EQ(a.defined(), b.defined()) << what;
            if (a.defined())
                expectNear(a, b, 1e-4, what);
        };
        // What stands at a padded position is nobody's business: compare the first row and the last one's
        // logits.
        both(found.lastHidden.slice(0, 0, 1), expected.lastHidden.slice(0, 0, 1), "last hidden state");
        both(found.pooled, expected.pooled, "pooled");
        if (expected.logits.defined())
            both(found.logits.slice(0, 0, 1), expected.logits.slice(0, 0, 1), "logits");
        EXPECT_EQ(found.logitPositions, expected.logitPositions);
    };
    compare();
    input.logits = LogitRows::Chosen;
    input.logitPositions = {1, -2};
    compare();
}

TEST_P(Differentiable, EveryParametersGradientAgreesWithDifferences) {
    const auto model = open(GetParam());
    const DifferentiableModel differentiable(*model, DType::F64);
    const ModelInput input = inputOf(*model);
    Generator generator(23);
    int moving = 0;
    for (const auto& [name, value] : differentiable.parameters()) {
        const Tensor direction = Tensor::empty(value.shape(), DType::F64);
        for (double& element : direction.mutableData<double>())
            element = generator.normal();
        // The derivative along one random direction: a function of one number.
        const auto along = [&, &parameter = name, &start = value](std::span<const Tensor> in) {
            return std::vector<Tensor>{lossOf(
                differentiable.run(input, {{parameter, ops::add(start, ops::mul(direction, in[0]))}}))};
        };
        const auto result =
            autograd::checkGradients(along, {Tensor::zeros({}, DType::F64)}, {.absoluteTolerance = 1e-9});
        EXPECT_TRUE(result) << name << ": " << result.message;
        const Tensor leaf = autograd::watch(value);
        const auto gradients = backward(lossOf(differentiable.run(input, {{name, leaf}})));
        moving += ops::norm(gradients.of(leaf)).item() > 1e-6 ? 1 : 0;
    }
    // A pooler that no head reads has no gradient; nearly everything else must have one.
    EXPECT_GE(moving, static_cast<int>(differentiable.parameters().size()) - 6);
}

TEST_P(Differentiable, AllWaysOfRunningGiveTheSameGradients) {
    const auto model = open(GetParam());
    const DifferentiableModel differentiable(*model, DType::F64);
    const ModelInput input = inputOf(*model);
    const auto gradientsOf = [&](const DifferentiableOptions& options) {
        const Parameters leaves = differentiable.watched();
        const auto gradients =
            backward(lossOf(differentiable.run(input, leaves, options)), {.checkFinite = true});
        std::map<std::string, Tensor> result;
        for (const auto& [name, leaf] : leaves)
            result.emplace(name, gradients.of(leaf));
        return result;
    };
    const auto fused = gradientsOf({});
    const auto dense = gradientsOf({.densePatterns = true});
    const auto recomputed = gradientsOf({.recompute = true});
    const auto single = [&] {
        const DifferentiableModel narrow(*model);
        const Parameters leaves = narrow.watched();
        const auto gradients = backward(lossOf(narrow.run(input, leaves)));
        std::map<std::string, Tensor> result;
        for (const auto& [name, leaf] : leaves)
            result.emplace(name, gradients.of(leaf));
        return result;
    }();
    double largest = 0;
    for (const auto& [name, gradient] : fused)
        largest = std::max(largest, ops::norm(gradient).item());
    for (const auto& [name, gradient] : fused) {
        expectNear(dense.at(name), gradient, 1e-8, name + " with dense patterns");
        expectNear(recomputed.at(name), gradient, 1e-10, name + " recomputed");
        EXPECT_LE(ops::norm(ops::sub(single.at(name).to(DType::F64), gradient)).item(), 1e-4 * largest)
            << name << " in f32";
    }
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, Differentiable, testing::ValuesIn(cases), [](const auto& test) {
    std::string name = test.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

TEST(DifferentiableSites, AreSeenChangedAndWatched) {
    const auto model = open("gpt2");
    const DifferentiableModel differentiable(*model, DType::F64);
    const ModelInput input = inputOf(*model);
    std::vector<std::string> seen;
    DifferentiableOptions look;
    look.densePatterns = true;
    look.atSite = [&](probe::SiteId site, const Tensor& tensor) {
        seen.push_back(probe::siteName(site));
        return tensor;
    };
    const ModelOutput plain = differentiable.run(input, {}, look);
    for (const char* name :
         {"hook_embed", "hook_pos_embed", "blocks.0.hook_resid_pre", "blocks.0.ln1.hook_normalized",
          "blocks.0.attn.hook_q", "blocks.0.attn.hook_attn_scores", "blocks.0.attn.hook_pattern",
          "blocks.0.attn.hook_z", "blocks.0.hook_attn_out", "blocks.0.hook_resid_mid",
          "blocks.0.mlp.hook_pre", "blocks.0.mlp.hook_post", "blocks.0.hook_mlp_out",
          "blocks.1.hook_resid_post", "ln_final.hook_normalized", "logits"})
        EXPECT_EQ(std::count(seen.begin(), seen.end(), name), 1) << name;

    // Any site as a leaf: its gradient says how the loss changes when the site does.
    for (const char* name :
         {"blocks.1.attn.hook_pattern", "blocks.0.attn.hook_z", "blocks.1.mlp.hook_post"}) {
        Tensor leaf;
        DifferentiableOptions watching = look;
        watching.atSite = [&](probe::SiteId site, const Tensor& tensor) {
            return probe::siteName(site) == name ? leaf = autograd::watch(tensor.detached()) : tensor;
        };
        const auto gradient = backward(lossOf(differentiable.run(input, {}, watching))).of(leaf);
        const Tensor nudge = ops::scale(gradient, 1e-6 / ops::norm(gradient).item());
        const auto lossWith = [&](double factor) {
            DifferentiableOptions nudging = look;
            nudging.atSite = [&](probe::SiteId site, const Tensor& tensor) {
                return probe::siteName(site) == name ? ops::add(tensor, ops::scale(nudge, factor)) : tensor;
            };
            return lossOf(differentiable.run(input, {}, nudging)).item();
        };
        const double slope = ops::norm(gradient).item();
        EXPECT_NEAR((lossWith(1) - lossWith(-1)) / 2e-6, slope, 1e-5 * slope) << name;
    }

    // inputs_embeds: the rows of the table given by hand are the same run.
    DifferentiableOptions embedded;
    const Tensor rows = Tensor::empty({input.batch(), input.length(), model->hiddenSize()});
    const Tensor found = model->embeddingRows(input.inputIds.data<std::int64_t>());
    embedded.tokenEmbeddings = found.reshape(rows.shape());
    expectNear(differentiable.run(input, {}, embedded).logits, plain.logits, 1e-12, "logits from embeddings");
}

TEST(DifferentiableSites, RefuseWhatCannotBe) {
    const auto model = open("bert-mlm");
    const DifferentiableModel differentiable(*model);
    const ModelInput input = inputOf(*model);
    EXPECT_THROW((void)differentiable.run(input, {{"no.such.weight", Tensor::zeros({1})}}), UsageError);
    EXPECT_THROW((void)differentiable.run(input, {{"embed.tokens", Tensor::zeros({1})}}), UsageError);
    DifferentiableOptions both;
    both.recompute = true;
    both.atSite = [](probe::SiteId, const Tensor& tensor) { return tensor; };
    EXPECT_THROW((void)differentiable.run(input, {}, both), UsageError);
    DifferentiableOptions misshapen;
    misshapen.tokenEmbeddings = Tensor::zeros({1, 2, 3});
    EXPECT_THROW((void)differentiable.run(input, {}, misshapen), UsageError);
    EXPECT_THROW((void)differentiable.run(ModelInput::ofIds({model->vocabulary()})), UsageError);
}

} // namespace
} // namespace orrery::model
