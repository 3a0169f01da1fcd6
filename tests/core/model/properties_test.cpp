// SPDX-License-Identifier: GPL-3.0-or-later
// What must hold of every model, whatever its weights.
#include "base/error.h"
#include "kernels/threads.h"
#include "model/model.h"
#include "nn/key_value_cache.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <thread>

namespace orrery::model {
namespace {

const std::vector<std::string>& folders() {
    static const std::vector<std::string> all{"bert-base-model",
                                              "roberta-mlm",
                                              "gpt2",
                                              "bert-qa",
                                              "llama-gqa",
                                              "mistral-sliding",
                                              "qwen2",
                                              "qwen3",
                                              "gemma",
                                              "mixtral-moe",
                                              "gpt-neox",
                                              "opt",
                                              "bloom-alibi",
                                              "distilbert-mlm",
                                              "albert-mlm",
                                              "electra-mlm",
                                              "electra-discriminator",
                                              "roformer-mlm",
                                              "modernbert-mlm",
                                              "deberta-v1-mlm",
                                              "deberta-v2-mlm",
                                              "xlnet-lm"};
    return all;
}

const std::vector<std::string>& causalFolders() {
    static const std::vector<std::string> all{
        "gpt2",        "llama-gqa", "llama-rope-llama3", "mistral-sliding", "qwen2", "qwen3", "gemma",
        "mixtral-moe", "opt",       "bloom-alibi",       "gpt-neox"};
    return all;
}

std::shared_ptr<const Model> opened(const std::string& name) {
    static std::map<std::string, std::shared_ptr<const Model>> models;
    auto& model = models[name];
    if (!model)
        model = Model::open(std::filesystem::path(ORRERY_GOLDEN_DIR "/hf") / name);
    return model;
}

ModelInput randomInput(const Model& model, std::int64_t batch, std::int64_t length) {
    std::vector<std::vector<std::int64_t>> rows(static_cast<std::size_t>(batch));
    for (auto& row : rows)
        row = *rc::gen::container<std::vector<std::int64_t>>(
            static_cast<std::size_t>(length), rc::gen::inRange<std::int64_t>(3, model.vocabulary()));
    return ModelInput::ofIds(rows, 0);
}

/// Largest difference; of tensors with large numbers relative to the largest.
double difference(const Tensor& a, const Tensor& b) {
    if (!a.defined() && !b.defined())
        return 0;
    RC_ASSERT(a.shape() == b.shape());
    const auto x = a.toFloats();
    const auto y = b.toFloats();
    double worst = 0;
    double largest = 1;
    for (std::size_t i = 0; i < x.size(); ++i) {
        worst = std::max(worst, std::abs(static_cast<double>(x[i]) - static_cast<double>(y[i])));
        largest = std::max(largest, std::abs(static_cast<double>(y[i])));
    }
    return worst / largest;
}

void sameOutputs(const ModelOutput& a, const ModelOutput& b, double tolerance = 2e-4) {
    RC_ASSERT(difference(a.lastHidden, b.lastHidden) <= tolerance);
    RC_ASSERT(difference(a.logits, b.logits) <= tolerance);
    RC_ASSERT(difference(a.pooled, b.pooled) <= tolerance);
}

/// An edit somewhere in the model, of any kind that has a meaning there.
probe::Edit randomEdit(const Model& model, std::int64_t length) {
    const auto sites = model.sites(1, length);
    const auto& site = sites[*rc::gen::inRange<std::size_t>(0, sites.size())];
    probe::Edit edit;
    edit.site = site.name;
    edit.kind = *rc::gen::element(probe::EditKind::Zero, probe::EditKind::Scale, probe::EditKind::Replace,
                                  probe::EditKind::Mean, probe::EditKind::Patch);
    edit.factor = *rc::gen::inRange(-4, 5) / 2.0;
    if (edit.kind == probe::EditKind::Replace)
        edit.value = Tensor::full({1}, *rc::gen::inRange(-2, 3) / 4.0);
    if (edit.kind == probe::EditKind::Patch)
        edit.value = Tensor::full(site.shape, 0.25);
    const bool byHead = site.name.find(".attn.hook") != std::string::npos;
    if (byHead && *rc::gen::arbitrary<bool>())
        edit.head = *rc::gen::inRange(0, site.name.ends_with("k") || site.name.ends_with("v")
                                             ? model.config().keyValueHeads
                                             : model.headsPerLayer());
    if (site.shape.rank() > 2 && *rc::gen::arbitrary<bool>())
        edit.positions = {*rc::gen::inRange<std::int64_t>(0, length)};
    return edit;
}

RC_GTEST_PROP(Model, TracingChangesNothing, ()) {
    const auto model = opened(*rc::gen::elementOf(folders()));
    const ModelInput input = randomInput(*model, 2, *rc::gen::inRange<std::int64_t>(1, 20));
    probe::Trace trace({"*"});
    Context context;
    context.trace = &trace;
    const ModelOutput traced = model->run(input, context);
    sameOutputs(model->run(input), traced);
    for (const probe::SiteInfo& site : model->sites(2, input.length())) {
        RC_ASSERT(trace.has(site.name));
        RC_ASSERT(trace.tensor(site.name).shape() == site.shape);
    }
    // Heads add up to the attention's output without its bias; rows of patterns add up to one.
    for (int layer = 0; layer < static_cast<int>(model->layers()); ++layer) {
        const Tensor pattern = trace.pattern(layer).full();
        const auto values = pattern.toFloats();
        const auto width = static_cast<std::size_t>(pattern.size(3));
        for (std::size_t row = 0; row < values.size() / width; ++row) {
            double sum = 0;
            for (std::size_t j = 0; j < width; ++j)
                sum += static_cast<double>(values[row * width + j]);
            RC_ASSERT(std::abs(sum - 1) < 1e-4);
        }
    }
}

RC_GTEST_PROP(Model, ScalingByOneChangesNothing, ()) {
    const auto model = opened(*rc::gen::elementOf(folders()));
    const std::int64_t length = *rc::gen::inRange<std::int64_t>(1, 16);
    const ModelInput input = randomInput(*model, 2, length);
    const auto sites = model->sites(2, length);
    const probe::Edits edits{
        probe::Edit::scale(sites[*rc::gen::inRange<std::size_t>(0, sites.size())].name, 1)};
    Context context;
    context.edits = &edits;
    sameOutputs(model->run(input), model->run(input, context));
}

RC_GTEST_PROP(Model, AnEditedRunFromThePrefixIsOneFromScratch, ()) {
    const auto model = opened(*rc::gen::elementOf(folders()));
    const std::int64_t length = *rc::gen::inRange<std::int64_t>(2, 14);
    const ModelInput input = randomInput(*model, *rc::gen::inRange<std::int64_t>(1, 3), length);
    const PrefixCache prefix = model->runForEditing(input);
    sameOutputs(prefix.output, model->run(input));
    std::vector<probe::Edits> variants;
    const int count = *rc::gen::inRange(1, 5);
    for (int i = 0; i < count; ++i) {
        probe::Edits edits;
        edits.add(randomEdit(*model, length));
        if (*rc::gen::arbitrary<bool>())
            edits.add(randomEdit(*model, length));
        variants.push_back(std::move(edits));
    }
    const auto batched = model->runEditedBatch(variants, prefix, {}, *rc::gen::inRange<std::int64_t>(0, 4));
    for (std::size_t i = 0; i < variants.size(); ++i) {
        Context context;
        context.edits = &variants[i];
        const ModelOutput scratch = model->run(input, context);
        sameOutputs(scratch, model->runEdited(variants[i], prefix), 1e-3);
        sameOutputs(scratch, batched[i], 1e-3);
    }
}

RC_GTEST_PROP(Model, ARowOfABatchIsTheRowAlone, ()) {
    const auto model = opened(*rc::gen::elementOf(folders()));
    const std::int64_t length = *rc::gen::inRange<std::int64_t>(1, 20);
    ModelInput input = randomInput(*model, 3, length);
    const ModelOutput all = model->run(input);
    ModelInput one;
    one.inputIds = input.inputIds.slice(0, 1, 2).contiguous();
    const ModelOutput alone = model->run(one);
    RC_ASSERT(difference(all.lastHidden.slice(0, 1, 2), alone.lastHidden) < 2e-4);
}

RC_GTEST_PROP(Model, PaddingChangesNothing, ()) {
    const auto model = opened(*rc::gen::elementOf(folders()));
    const std::int64_t length = *rc::gen::inRange<std::int64_t>(1, 14);
    const std::int64_t padding = *rc::gen::inRange<std::int64_t>(1, 6);
    const ModelInput input = randomInput(*model, 1, length);
    const auto ids = input.inputIds.toIntegers();
    const ModelInput padded =
        ModelInput::ofIds({ids, std::vector<std::int64_t>(static_cast<std::size_t>(length + padding), 5)},
                          model->config().padToken.value_or(0));
    const ModelOutput a = model->run(input);
    const ModelOutput b = model->run(padded);
    RC_ASSERT(difference(a.lastHidden, b.lastHidden.slice(0, 0, 1).slice(1, 0, length)) < 2e-4);
}

RC_GTEST_PROP(Model, DecodingWithTheCacheIsTheWholeRun, ()) {
    const auto model = opened(*rc::gen::elementOf(causalFolders()));
    const std::int64_t length = *rc::gen::inRange<std::int64_t>(2, 24);
    const ModelInput input = randomInput(*model, 2, length);
    const ModelOutput whole = model->run(input);
    nn::KeyValueCache cache;
    Context context;
    context.cache = &cache;
    std::int64_t place = 0;
    while (place < length) {
        const std::int64_t count = std::min(length - place, *rc::gen::inRange<std::int64_t>(1, 5));
        ModelInput part;
        part.inputIds = input.inputIds.slice(1, place, place + count).contiguous();
        const ModelOutput output = model->run(part, context);
        RC_ASSERT(difference(output.logits, whole.logits.slice(1, place, place + count)) < 5e-4);
        place += count;
    }
    RC_ASSERT(cache.length() == length);
    RC_ASSERT(cache.bytes() > 0U);
}

TEST(Model, LogitsAtChosenRows) {
    const auto model = opened("roberta-mlm");
    ModelInput input = ModelInput::ofIds({5, 6, 7, 8, 9});
    const Tensor all = model->run(input).logits;
    input.logits = LogitRows::Chosen;
    input.logitPositions = {3, -1};
    const ModelOutput chosen = model->run(input);
    EXPECT_EQ(chosen.logits.shape(), Shape({1, 2, model->vocabulary()}));
    EXPECT_EQ(chosen.logitPositions, (std::vector<std::int64_t>{3, 4}));
    EXPECT_NEAR(chosen.logits.at({0, 0, 17}), all.at({0, 3, 17}), 1e-4);
    EXPECT_NEAR(chosen.logits.at({0, 1, 17}), all.at({0, 4, 17}), 1e-4);
    input.logits = LogitRows::None;
    EXPECT_FALSE(model->run(input).logits.defined());
    input.logits = LogitRows::Chosen;
    input.logitPositions = {5};
    EXPECT_THROW(static_cast<void>(model->run(input)), UsageError);
}

TEST(Model, UnembeddingTheLastResidualGivesTheLogits) {
    for (const char* name : {"gpt2", "roberta-mlm"}) {
        const auto model = opened(name);
        const ModelInput input = ModelInput::ofIds({5, 6, 7, 8});
        probe::Trace trace({"blocks.-1.hook_resid_post", "last_hidden_state"});
        Context context;
        context.trace = &trace;
        const ModelOutput output = model->run(input, context);
        const Tensor residual = model->config().finalNorm ? trace.tensor("blocks.1.hook_resid_post")
                                                          : trace.tensor("last_hidden_state");
        const Tensor lens = model->unembed(residual);
        EXPECT_EQ(lens.shape(), output.logits.shape());
        EXPECT_NEAR(lens.at({0, 2, 9}), output.logits.at({0, 2, 9}), 1e-4);
    }
    EXPECT_THROW(static_cast<void>(opened("bert-qa")->unembed(Tensor::zeros({1, 32}))), UsageError);
}

TEST(Model, ThreadCountsAgreeAndOneCountRepeats) {
    const auto model = opened("gpt2");
    const ModelInput input = ModelInput::ofIds({{5, 6, 7, 8, 9, 10, 11}, {3, 4, 5, 6, 7, 8, 9}}, 0);
    const int before = kernels::threads();
    std::vector<std::vector<float>> results;
    for (const int threads : {1, 2, 2, 3}) {
        kernels::setThreads(threads);
        results.push_back(model->run(input).logits.toFloats());
    }
    kernels::setThreads(before);
    EXPECT_EQ(results[1], results[2]);
    for (const auto& other : results)
        for (std::size_t i = 0; i < other.size(); ++i)
            ASSERT_NEAR(other[i], results[0][i], 2e-4);
}

TEST(Model, TwoThreadsMayRunItAtOnce) {
    const auto model = opened("roberta-mlm");
    const ModelInput input = ModelInput::ofIds({5, 6, 7, 8, 9, 10, 11});
    const auto expected = model->run(input).logits.toFloats();
    std::vector<std::thread> threads;
    std::atomic<int> wrong = 0;
    for (int t = 0; t < 2; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 20; ++i) {
                const auto got = model->run(input).logits.toFloats();
                for (std::size_t k = 0; k < got.size(); ++k)
                    if (std::abs(got[k] - expected[k]) > 1e-4F)
                        ++wrong;
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(wrong, 0);
}

TEST(Model, Bf16IsNearF32) {
    const auto folder = std::filesystem::path(ORRERY_GOLDEN_DIR "/hf/roberta-mlm");
    const ModelInput input = ModelInput::ofIds({5, 6, 7, 8, 9, 10, 11});
    const Tensor exact = opened("roberta-mlm")->run(input).logits;
    const Tensor narrow = Model::open(folder, {.dtype = DType::BF16})->run(input).logits;
    double largest = 0;
    for (const float value : exact.toFloats())
        largest = std::max(largest, std::abs(static_cast<double>(value)));
    EXPECT_LT(difference(exact, narrow), 5e-2 * largest);
    EXPECT_GT(difference(exact, narrow), 0);
}

TEST(Model, ACancelledRunStops) {
    CancelToken token;
    token.cancel();
    Context context;
    context.progress = Progress([](const ProgressState&) {}, token);
    EXPECT_THROW(static_cast<void>(opened("gpt2")->run(ModelInput::ofIds({5, 6}), context)), Cancelled);
}

TEST(Model, ARunIsCancelledWhileItRuns) {
    // Cancelled by its own third module: nothing after it runs.
    CancelToken token;
    int modules = 0;
    Context context;
    context.progress = Progress([](const ProgressState&) {}, token);
    context.timed = [&](std::string_view, double) {
        if (++modules == 3)
            token.cancel();
    };
    EXPECT_THROW(static_cast<void>(opened("gpt2")->run(ModelInput::ofIds({5, 6}), context)), Cancelled);
    EXPECT_LE(modules, 6);
}

TEST(Model, KeepsNoMemoryOfWhatOthersHold) {
    const auto model = opened("gpt2");
    const ModelOutput first = model->run(ModelInput::ofIds({5, 6, 7}));
    const auto before = first.logits.toFloats();
    static_cast<void>(model->run(ModelInput::ofIds({9, 10, 11})));
    EXPECT_EQ(first.logits.toFloats(), before);
}

TEST(Model, ModulesAndCost) {
    const auto model = opened("gpt2");
    const ModuleInfo tree = model->modules();
    EXPECT_EQ(tree.parameterCount, model->parameterCount());
    EXPECT_EQ(tree.parameterCount,
              110 * 32 + 40 * 32 + 2 * 32 +
                  2 * (4 * 32 + 32 * 96 + 96 + 32 * 32 + 32 + 32 * 128 + 128 + 128 * 32 + 32));
    EXPECT_EQ(tree.bytes, static_cast<std::size_t>(tree.parameterCount) * 4);
    const RunCost cost = model->cost(2, 10);
    EXPECT_EQ(cost.matmulOperations, 2.0 * 20 * (2 * (32 * 96 + 32 * 32 + 2 * 32 * 128) + 32 * 110));
    EXPECT_GT(cost.peakBytes, 0U);
    EXPECT_TRUE(model->unusedTensors().empty());
    EXPECT_EQ(model->fingerprint().size(), 64U);
}

TEST(Model, TimesItsModules) {
    std::vector<std::string> names;
    Context context;
    context.timed = [&](std::string_view name, double) { names.emplace_back(name); };
    static_cast<void>(opened("gpt2")->run(ModelInput::ofIds({5, 6}), context));
    EXPECT_NE(std::find(names.begin(), names.end(), "blocks.1.attn.qkv"), names.end());
    EXPECT_NE(std::find(names.begin(), names.end(), "blocks.0.attn.mix"), names.end());
    EXPECT_NE(std::find(names.begin(), names.end(), "embed"), names.end());
    EXPECT_NE(std::find(names.begin(), names.end(), "unembed"), names.end());
}

/// Gives every position the mean of all real ones: the simplest mixer there is.
class MeanMixer final : public nn::TokenMixer {
public:
    [[nodiscard]] std::string name() const override { return "mean"; }
    [[nodiscard]] nn::MixingSupport supports() const override { return {}; }
    [[nodiscard]] Tensor run(const nn::MixerInput& input, const Context&) const override {
        const Tensor out = Tensor::zeros(input.hidden.shape());
        const std::int64_t length = input.hidden.size(1);
        for (std::int64_t b = 0; b < out.size(0); ++b)
            for (std::int64_t d = 0; d < out.size(2); ++d) {
                double sum = 0;
                for (std::int64_t l = 0; l < length; ++l)
                    sum += input.hidden.at({b, l, d}) / static_cast<double>(length);
                out.select(0, b).select(1, d).fill(sum);
            }
        return out;
    }
    [[nodiscard]] probe::AttentionPattern matrix(const nn::MixerInput& input) const override {
        const std::int64_t length = input.hidden.size(1);
        return probe::AttentionPattern(
            Tensor::full({input.hidden.size(0), 1, length, length}, 1.0 / static_cast<double>(length)));
    }
    [[nodiscard]] nn::Cost cost(std::int64_t batch, std::int64_t length, std::int64_t width) const override {
        return {.operations = static_cast<double>(batch * length * width)};
    }
};

TEST(Model, AMixerTakesThePlaceOfAttention) {
    const auto model = opened("bert-base-model");
    const auto changed = model->copy();
    changed->setMixer(1, std::make_shared<MeanMixer>());
    const ModelInput input = ModelInput::ofIds({5, 6, 7, 8});
    probe::Trace trace({"blocks.1.attn.hook_pattern", "blocks.1.hook_resid_pre", "blocks.1.hook_resid_mid"});
    Context context;
    context.trace = &trace;
    const Tensor mixed = changed->run(input, context).lastHidden;
    EXPECT_GT(difference(mixed, model->run(input).lastHidden), 1e-3);
    EXPECT_NEAR(trace.pattern(1).matrix(0, 0)->at(2, 3), 0.25, 1e-6);
    double mean = 0;
    for (int l = 0; l < 4; ++l)
        mean += trace.tensor("blocks.1.hook_resid_pre").at({0, l, 7}) / 4;
    EXPECT_NEAR(trace.tensor("blocks.1.hook_resid_mid").at({0, 2, 7}),
                trace.tensor("blocks.1.hook_resid_pre").at({0, 2, 7}) + mean, 1e-5);
    EXPECT_FALSE(probe::findSite("blocks.1.attn.hook_q", changed->layout()));
    // For one run only.
    Context once;
    once.mixers[1] = std::make_shared<MeanMixer>();
    EXPECT_LT(difference(model->run(input, once).lastHidden, mixed), 1e-6);
    const probe::Edits queries{probe::Edit::zero("blocks.1.attn.hook_q")};
    once.edits = &queries; // there are none: never ignored silently
    EXPECT_THROW(static_cast<void>(model->run(input, once)), UsageError);
    Context causal;
    causal.mixers[-1] = std::make_shared<MeanMixer>();
    EXPECT_THROW(static_cast<void>(opened("gpt2")->run(input, causal)), UsageError);
}

TEST(Model, WrongInputsAreSentences) {
    const auto model = opened("bert-base-model");
    nn::KeyValueCache cache;
    Context decoding;
    decoding.cache = &cache;
    EXPECT_THROW(static_cast<void>(model->run(ModelInput::ofIds({5}), decoding)), UsageError);
    EXPECT_THROW(static_cast<void>(model->run(ModelInput{})), UsageError);
    EXPECT_THROW(static_cast<void>(model->run(ModelInput::ofIds({-1}))), UsageError);
    EXPECT_THROW(static_cast<void>(model->run(ModelInput::ofIds({model->vocabulary()}))), UsageError);
    EXPECT_THROW(static_cast<void>(model->run(ModelInput::ofIds(
                     std::vector<std::int64_t>(static_cast<std::size_t>(model->maxPositions()) + 1, 5)))),
                 UsageError);
    ModelInput input = ModelInput::ofIds({5, 6});
    input.attentionMask = Tensor::full({1, 3}, 1, DType::I64);
    EXPECT_THROW(static_cast<void>(model->run(input)), UsageError);
    input.attentionMask = {};
    input.typeIds = Tensor::full({1, 2}, 7, DType::I64);
    EXPECT_THROW(static_cast<void>(model->run(input)), UsageError);
    input.typeIds = {};
    input.positionIds = Tensor::full({1, 2}, 4000, DType::I64);
    EXPECT_THROW(static_cast<void>(model->run(input)), UsageError);
    EXPECT_THROW(static_cast<void>(model->encode("no tokenizer here")), InputError);
}

} // namespace
} // namespace orrery::model
