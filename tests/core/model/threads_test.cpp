// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers do not hang on the number of threads, nor on who else runs.
#include "kernels/threads.h"
#include "model/model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace orrery::model {
namespace {

const std::filesystem::path golden = ORRERY_GOLDEN_DIR "/hf";

/// Inputs that differ from place to place.
NamedTensors inputsOf(const Model& model, std::int64_t batch, std::int64_t length) {
    NamedTensors inputs = model.exampleInputs(batch, length);
    std::mt19937 random(7);
    for (auto& [name, tensor] : inputs) {
        if (tensor.dtype() == DType::I64) {
            if (name.ends_with("ids") && model.vocabulary() > 4)
                for (std::int64_t& id : tensor.mutableData<std::int64_t>())
                    id = name == "token_type_ids"
                             ? 0
                             : 3 + static_cast<std::int64_t>(random()) % (model.vocabulary() - 3);
        } else if (!name.ends_with("mask")) {
            std::normal_distribution<float> normal;
            for (float& value : tensor.mutableData<float>())
                value = normal(random);
        }
    }
    return inputs;
}

bool identical(const NamedTensors& a, const NamedTensors& b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](const auto& x, const auto& y) {
               const Tensor left = x.second.contiguous();
               const Tensor right = y.second.contiguous();
               return x.first == y.first && left.shape() == right.shape() &&
                      std::memcmp(left.rawData(), right.rawData(), left.bytes()) == 0;
           });
}

void expectNear(const NamedTensors& a, const NamedTensors& b, const std::string& where) {
    ASSERT_EQ(a.size(), b.size());
    for (const auto& [name, tensor] : a) {
        const auto left = tensor.toFloats();
        const auto right = b.at(name).toFloats();
        ASSERT_EQ(left.size(), right.size());
        float most = 0;
        for (const float value : left)
            most = std::max(most, std::abs(value));
        for (std::size_t i = 0; i < left.size(); ++i)
            ASSERT_NEAR(left[i], right[i], 2e-5 * std::max(1.0F, most)) << where << ", " << name << " " << i;
    }
}

class Threads : public ::testing::TestWithParam<const char*> {
    kernels::ThreadsScope m_scope;
};

TEST_P(Threads, AnyNumberGivesTheSameNumbers) {
    const auto model = Model::open(golden / GetParam());
    const NamedTensors inputs = inputsOf(*model, 3, 33);
    kernels::setThreads(1);
    const NamedTensors one = model->run(inputs);
    for (const int count : {1, 2, 3, 5, 8}) {
        kernels::setThreads(count);
        const NamedTensors first = model->run(inputs);
        expectNear(one, first, std::to_string(count) + " threads");
        EXPECT_TRUE(identical(first, model->run(inputs))) << count;
        // What the first product packs is the same, whoever packs it.
        EXPECT_TRUE(identical(first, Model::open(golden / GetParam())->run(inputs))) << count;
    }
}

TEST_P(Threads, ARunMindsNoOther) {
    const auto model = Model::open(golden / GetParam());
    const NamedTensors inputs = inputsOf(*model, 2, 24);
    kernels::setThreads(2);
    const NamedTensors alone = model->run(inputs);
    const auto fresh = Model::open(golden / GetParam()); // packs while both run
    std::atomic<int> wrong{0};
    const auto runs = [&](const Model& own) {
        for (int i = 0; i < 5; ++i)
            wrong += identical(alone, own.run(inputs)) ? 0 : 1;
    };
    std::thread other([&] { runs(*fresh); });
    std::thread third([&] { runs(*fresh); });
    runs(*model);
    other.join();
    third.join();
    EXPECT_EQ(wrong.load(), 0);
}

// Encoders, decoders, encoder-decoders, and networks of every kind.
INSTANTIATE_TEST_SUITE_P(Families, Threads,
                         ::testing::Values("bert-mlm", "modernbert-mlm", "deberta-v2-mlm", "gpt2",
                                           "llama-gqa", "mixtral-moe", "bart", "t5-gated", "whisper", "vit",
                                           "swin", "convnext", "wav2vec2-ctc", "mamba", "mamba2",
                                           "longformer-mlm", "bigbird-block-sparse", "reformer-lsh",
                                           "informer-prob"),
                         [](const auto& given) {
                             std::string name = given.param;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

TEST(TwoModels, RunAtOnceFromTwoThreads) {
    const kernels::ThreadsScope scope;
    kernels::setThreads(2);
    std::vector<std::pair<std::shared_ptr<Model>, NamedTensors>> models;
    std::vector<NamedTensors> alone;
    for (const char* name : {"bert-mlm", "gpt2", "vit", "mamba"}) {
        models.emplace_back(Model::open(golden / name), NamedTensors{});
        models.back().second = inputsOf(*models.back().first, 2, 20);
        alone.push_back(models.back().first->run(models.back().second));
    }
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    threads.reserve(models.size());
    for (std::size_t i = 0; i < models.size(); ++i)
        threads.emplace_back([&, i] {
            for (int run = 0; run < 20; ++run)
                wrong += identical(alone[i], models[i].first->run(models[i].second)) ? 0 : 1;
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(wrong.load(), 0);
}

} // namespace
} // namespace orrery::model
