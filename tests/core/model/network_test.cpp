// SPDX-License-Identifier: GPL-3.0-or-later
// Networks: what must hold of every family, whatever its forward function.
#include "base/error.h"
#include "base/json.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors_writer.h"
#include "model/model.h"
#include "model/network.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

namespace orrery::model {
namespace {

const std::filesystem::path golden = ORRERY_GOLDEN_DIR "/hf";

/// The recorded inputs of a case.
NamedTensors recorded(const std::string& name) {
    const auto expected = checkpoint::Checkpoint::open(golden / name / "expected.safetensors");
    NamedTensors inputs;
    for (const std::string& tensor : expected->names()) {
        const bool random = tensor.starts_with("output.rng.");
        if (random || tensor.starts_with("input.")) {
            const Tensor value = expected->tensor(tensor);
            inputs[tensor.substr(random ? 7 : 6)] =
                value.to(isFloating(value.dtype()) ? DType::F32 : DType::I64);
        }
    }
    return inputs;
}

/// Every golden case that a network opens.
std::vector<std::string> networkCases() {
    std::vector<std::string> result;
    for (const auto& entry : std::filesystem::directory_iterator(golden)) {
        const auto config = entry.path() / "config.json";
        if (std::filesystem::exists(config) &&
            networkFamilyFor(checkpoint::ModelConfig::read(config).modelType()) != nullptr)
            result.push_back(entry.path().filename().string());
    }
    std::sort(result.begin(), result.end());
    return result;
}

double relative(const Tensor& a, const Tensor& b) {
    EXPECT_EQ(a.shape().toText(), b.shape().toText());
    const auto x = a.toFloats();
    const auto y = b.toFloats();
    double worst = 0;
    double largest = 1e-3;
    for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
        worst = std::max(worst, std::abs(static_cast<double>(x[i]) - static_cast<double>(y[i])));
        largest = std::max(largest, std::abs(static_cast<double>(y[i])));
    }
    return worst / largest;
}

class Networks : public testing::TestWithParam<std::string> {
protected:
    std::shared_ptr<Model> model = Model::open(golden / GetParam());
    NamedTensors inputs = recorded(GetParam());
};

TEST_P(Networks, AnItemOfABatchIsComputedAsIfAlone) {
    // Nystromformer starts its inverse from the largest sum of the whole batch, and the reference's
    // Autoformer mixes up the delays of the items.
    if (GetParam() == "nystromformer-mlm" || GetParam() == "autoformer")
        GTEST_SKIP() << "the items of a batch depend on each other, as in the reference";
    std::int64_t batch = 0;
    for (const auto& [name, tensor] : inputs) {
        if (name.starts_with("rng.") || tensor.rank() == 0 || (batch > 0 && tensor.size(0) != batch))
            GTEST_SKIP() << name << " is not given by item";
        batch = tensor.size(0);
    }
    const NamedTensors together = model->run(inputs);
    for (std::int64_t item = 0; item < batch; ++item) {
        NamedTensors one;
        for (const auto& [name, tensor] : inputs)
            one[name] = tensor.slice(0, item, item + 1).contiguous();
        for (const auto& [name, tensor] : model->run(one)) {
            const Tensor& all = together.at(name);
            const bool byItem = all.rank() > 0 && all.size(0) == batch && tensor.size(0) == 1 &&
                                !name.starts_with("logits_per_"); // every image with every text
            if (byItem) {
                EXPECT_LT(relative(tensor, all.slice(0, item, item + 1)), 1e-4) << name;
            }
        }
    }
}

TEST_P(Networks, Bf16IsWithinItsBound) {
    if (GetParam() == "reformer-lsh")
        GTEST_SKIP() << "rounding changes the buckets that positions are hashed to";
    const auto narrow = Model::open(golden / GetParam(), {.dtype = DType::BF16});
    const NamedTensors exact = model->run(inputs);
    for (const auto& [name, tensor] : narrow->run(inputs))
        EXPECT_LT(relative(tensor, exact.at(name)), 0.1) << name;
}

TEST_P(Networks, SitesAreListedWithTheirShapesAndCanBeCaptured) {
    const std::int64_t batch = inputs.begin()->second.size(0);
    const auto sites = model->sites(batch, 8);
    ASSERT_FALSE(sites.empty());
    std::set<std::string> names;
    std::vector<std::string> globs;
    for (const auto& site : sites) {
        EXPECT_TRUE(names.insert(site.name).second) << site.name << " twice";
        globs.push_back(site.name);
    }
    probe::Trace trace(globs);
    Context context;
    context.trace = &trace;
    const NamedTensors outputs = model->run(inputs, context);
    EXPECT_EQ(trace.names().size(), sites.size());
    for (const auto& site : sites)
        EXPECT_EQ(trace.tensor(site.name).rank(), site.shape.rank()) << site.name;
    // Watching changes nothing.
    for (const auto& [name, tensor] : model->run(inputs))
        EXPECT_LT(relative(outputs.at(name), tensor), 1e-5) << name;
    EXPECT_GT(model->traceBytes(globs, batch, 8), 0U);
}

TEST_P(Networks, EditsReachWhatFollows) {
    const NamedTensors clean = model->run(inputs);
    const auto sites = model->sites(1, 8);
    std::size_t changed = 0;
    for (std::size_t i = 0; i < sites.size(); i += std::max<std::size_t>(1, sites.size() / 12)) {
        // Weights over a single key, or over equal values (DETR's first queries), are what they are.
        const bool weighs = sites[i].name.ends_with("hook_q") || sites[i].name.ends_with("hook_k") ||
                            sites[i].name.ends_with("hook_attn_scores");
        if (weighs && (GetParam() == "segformer" || sites[i].name.starts_with("decoder.blocks.0.attn")))
            continue;
        const probe::Edits edits{probe::Edit::apply(sites[i].name, [](const Tensor& tensor) {
            const Tensor other = tensor.clone();
            unsigned count = 0;
            for (float& value : other.mutableData<float>()) // no norm undoes this
                value = value * 0.5F + 0.1F * static_cast<float>(++count % 7);
            tensor.copyFrom(other);
        })};
        probe::Trace trace({sites[i].name});
        Context context;
        context.edits = &edits;
        context.trace = &trace;
        bool differs = false;
        try {
            for (const auto& [name, tensor] : model->run(inputs, context))
                differs = differs || relative(tensor, clean.at(name)) > 1e-6;
        } catch (const UsageError& error) { // a pattern that is only shown says so
            EXPECT_TRUE(sites[i].name.ends_with("pattern")) << error.what();
            EXPECT_NE(std::string(error.what()).find("cannot be edited"), std::string::npos) << error.what();
            continue;
        }
        changed += differs ? 1 : 0;
        if (!differs)
            ADD_FAILURE() << "editing " << sites[i].name << " changed no output";
    }
    EXPECT_GT(changed, 0U);
    // Nothing of an edit stays behind.
    for (const auto& [name, tensor] : model->run(inputs))
        EXPECT_LT(relative(tensor, clean.at(name)), 1e-6) << name;
}

TEST_P(Networks, ModulesParametersAndCost) {
    std::int64_t linears = 0;
    std::as_const(*model).forEachLinear([&](const nn::Linear& linear) {
        EXPECT_FALSE(linear.name().empty());
        ++linears;
    });
    EXPECT_GT(linears, 0);
    const ModuleInfo modules = model->modules();
    EXPECT_EQ(modules.parameterCount, model->parameterCount());
    const auto checkpoint = checkpoint::Checkpoint::open(golden / GetParam());
    EXPECT_LE(model->parameterCount(), static_cast<std::int64_t>(checkpoint->totalElements()));
    EXPECT_TRUE(model->unusedTensors().empty()) << model->unusedTensors().front();
    const RunCost one = model->cost(1, 8);
    const RunCost two = model->cost(2, 8);
    EXPECT_GT(one.operations, 0);
    EXPECT_GT(one.peakBytes, 0U);
    EXPECT_GT(two.operations, 1.5 * one.operations);
    EXPECT_FALSE(model->fingerprint().empty());
    EXPECT_FALSE(model->task().empty());
}

TEST_P(Networks, FormatsOfACopyAreItsOwn) {
    const auto copy = model->copy();
    copy->forEachLinear([](nn::Linear& linear) {
        Tensor half = linear.format()->toDense().clone();
        for (float& value : half.mutableData<float>())
            value *= 0.5F;
        linear.setFormat(nn::denseFormat(half, false));
    });
    double difference = 0;
    const NamedTensors before = model->run(inputs);
    for (const auto& [name, tensor] : copy->run(inputs))
        difference = std::max(difference, relative(tensor, before.at(name)));
    EXPECT_GT(difference, 1e-4);
}

TEST_P(Networks, MissingTensorsAndWrongShapesAreSentences) {
    const auto folder = std::filesystem::temp_directory_path() / "orrery_network_hostile";
    const auto checkpoint = checkpoint::Checkpoint::open(golden / GetParam());
    const std::vector<std::string> names = checkpoint->names();
    for (std::size_t k = 0; k < names.size(); k += std::max<std::size_t>(1, names.size() / 10)) {
        if (names[k].ends_with("num_batches_tracked") || names[k].ends_with("mask_token") ||
            names[k].ends_with("masked_spec_embed")) // read by no run
            continue;
        for (const bool missing : {true, false}) {
            std::filesystem::remove_all(folder);
            std::filesystem::create_directories(folder);
            std::filesystem::copy(golden / GetParam() / "config.json", folder / "config.json");
            std::vector<std::pair<std::string, Tensor>> tensors;
            for (const std::string& name : names) {
                if (name != names[k])
                    tensors.emplace_back(name, checkpoint->tensor(name));
                else if (!missing)
                    tensors.emplace_back(name, Tensor::zeros({7, 1, 3}));
            }
            checkpoint::writeSafetensors(folder / "model.safetensors", tensors);
            try {
                const auto opened = Model::open(folder);
                // What may be missing is a bias or a whole optional part.
                EXPECT_TRUE(missing) << names[k] << " of a wrong shape was taken";
            } catch (const InputError& error) {
                EXPECT_NE(std::string(error.what()).find("orrery_network_hostile"), std::string::npos)
                    << error.what();
            }
        }
    }
    std::filesystem::remove_all(folder);
}

TEST_P(Networks, BrokenConfigurationsAreSentences) {
    const auto folder = std::filesystem::temp_directory_path() / "orrery_network_config";
    const Json config = readJsonFile(golden / GetParam() / "config.json");
    for (const auto& [key, value] : config.items()) {
        if (!value.is_number_integer() || key == "pad_token_id" || key == "eos_token_id")
            continue;
        for (const std::int64_t broken : {std::int64_t{0}, std::int64_t{-3}, std::int64_t{1} << 40}) {
            Json changed = config;
            changed[key] = broken;
            std::filesystem::remove_all(folder);
            std::filesystem::create_directories(folder);
            writeFileAtomically(folder / "config.json", changed.dump());
            std::filesystem::copy(golden / GetParam() / "model.safetensors", folder / "model.safetensors");
            try {
                static_cast<void>(Model::open(folder)->run(inputs)); // many keys decide nothing here
            } catch (const Error& error) {
                EXPECT_EQ(std::string(error.what()).find("src/"), std::string::npos) << error.what();
            }
        }
    }
    std::filesystem::remove_all(folder);
}

TEST_P(Networks, InputsAreChecked) {
    NamedTensors unknown = inputs;
    unknown["no_such_input"] = Tensor::zeros({1});
    EXPECT_THROW(static_cast<void>(model->run(unknown)), UsageError);
    EXPECT_THROW(static_cast<void>(model->run(NamedTensors{})), UsageError);
    for (const NetworkInput& input : model->inputs())
        if (inputs.contains(input.name)) {
            NamedTensors wrong = inputs;
            wrong[input.name] = Tensor::zeros({1, 2, 3, 4, 5, 6}, input.dtype);
            EXPECT_THROW(static_cast<void>(model->run(wrong)), UsageError) << input.name;
        }
    probe::Trace trace({"no.such.site"});
    Context context;
    context.trace = &trace;
    EXPECT_THROW(static_cast<void>(model->run(inputs, context)), UsageError);
}

INSTANTIATE_TEST_SUITE_P(Cases, Networks, testing::ValuesIn(networkCases()), [](const auto& test) {
    std::string name = test.param;
    std::replace_if(
        name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
    return name;
});

TEST(NetworkModels, WhatIsNoTextSaysSo) {
    const auto model = Model::open(golden / "vit");
    EXPECT_TRUE(model->isNetwork());
    EXPECT_EQ(model->task(), "image classification");
    EXPECT_EQ(model->layers(), 2);
    EXPECT_EQ(model->labels().size(), 5U);
    EXPECT_FALSE(model->canUnembed());
    EXPECT_THROW(static_cast<void>(model->run(ModelInput::ofIds({1, 2, 3}))), UsageError);
    EXPECT_THROW(static_cast<void>(model->unembed(Tensor::zeros({1, 32}))), UsageError);
    EXPECT_THROW(static_cast<void>(model->stack()), UsageError);
    EXPECT_FALSE(Model::open(golden / "bert-mlm")->isNetwork());
}

TEST(NetworkModels, StacksTakeNamedInputsToo) {
    const auto model = Model::open(golden / "bert-mlm");
    const NamedTensors inputs = recorded("bert-mlm");
    const NamedTensors outputs = model->run(inputs);
    ModelInput input;
    input.inputIds = inputs.at("input_ids");
    input.attentionMask = inputs.at("attention_mask");
    if (inputs.contains("token_type_ids"))
        input.typeIds = inputs.at("token_type_ids");
    EXPECT_EQ(relative(outputs.at("logits"), model->run(input).logits), 0);
    EXPECT_THROW(static_cast<void>(model->run(NamedTensors{{"pixel_values", Tensor::zeros({1})}})),
                 UsageError);
}

TEST(NetworkModels, HeadsOfAPatternCanBeEdited) {
    const auto model = Model::open(golden / "vit");
    const NamedTensors inputs = recorded("vit");
    const probe::Edits edits{probe::Edit::zero("attentions.0", 1)};
    probe::Trace trace({"blocks.0.attn.hook_pattern", "blocks.0.attn.hook_z"});
    Context context;
    context.trace = &trace;
    context.edits = &edits;
    static_cast<void>(model->run(inputs, context));
    const Tensor pattern = trace.pattern(0).full();
    const Tensor z = trace.tensor("blocks.0.attn.hook_z");
    EXPECT_EQ(pattern.at({0, 1, 0, 0}), 0);
    EXPECT_NE(pattern.at({0, 0, 0, 0}), 0);
    EXPECT_EQ(z.at({0, 3, 1, 2}), 0);
    const probe::Edits wrong{probe::Edit::zero("blocks.0.hook_resid_pre", 1)};
    Context refused;
    refused.edits = &wrong;
    EXPECT_THROW(static_cast<void>(model->run(inputs, refused)), UsageError);
}

TEST(NetworkModels, OtherSizesOfImagesWork) {
    for (const char* name :
         {"vit", "deit", "dinov2", "beit", "swin", "swinv2", "resnet", "convnext", "poolformer"}) {
        const auto model = Model::open(golden / name);
        for (const auto& [height, width] : {std::pair<std::int64_t, std::int64_t>{40, 56}, {37, 61}}) {
            const Tensor pixels = Tensor::full({1, 3, height, width}, 0.25);
            for (const auto& [output, tensor] : model->run(NamedTensors{{"pixel_values", pixels}}))
                for (const float value : tensor.toFloats())
                    ASSERT_TRUE(std::isfinite(value)) << name << " " << output;
        }
        EXPECT_THROW(
            static_cast<void>(model->run(NamedTensors{{"pixel_values", Tensor::zeros({1, 4, 32, 32})}})),
            UsageError);
    }
}

} // namespace
} // namespace orrery::model
