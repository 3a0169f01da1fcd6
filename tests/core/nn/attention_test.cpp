// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/random.h"
#include "nn/dense_attention.h"
#include "nn/key_value_cache.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

namespace orrery::nn {
namespace {

Tensor random(const Shape& shape, Generator& generator) {
    Tensor tensor = Tensor::empty(shape);
    for (float& value : tensor.mutableData<float>())
        value = static_cast<float>(generator.normal());
    return tensor;
}

AttentionInput problem(std::int64_t batch, std::int64_t rows, std::int64_t heads, std::int64_t groups,
                       std::int64_t size, bool causal, std::uint64_t seed) {
    Generator generator(seed);
    const Tensor qkv = random({batch, rows, heads + 2 * groups, size}, generator);
    AttentionInput input;
    input.query = qkv.slice(2, 0, heads);
    input.key = qkv.slice(2, heads, heads + groups);
    input.value = qkv.slice(2, heads + groups, heads + 2 * groups);
    input.scale = 1 / std::sqrt(static_cast<double>(size));
    input.causal = causal;
    return input;
}

RC_GTEST_PROP(Attention, FusedAndDenseAgree, ()) {
    const auto groups = *rc::gen::inRange<std::int64_t>(1, 3);
    const auto heads = groups * *rc::gen::inRange<std::int64_t>(1, 3);
    const auto rows = *rc::gen::inRange<std::int64_t>(1, 70);
    AttentionInput input = problem(*rc::gen::inRange<std::int64_t>(1, 3), rows, heads, groups, 8,
                                   *rc::gen::arbitrary<bool>(), 3);
    if (*rc::gen::arbitrary<bool>())
        input.window = *rc::gen::inRange<std::int64_t>(1, 80);
    const AttentionOutput fused = fusedAttention()->run(input, true, {});
    const DenseAttention dense = denseAttention(input, {}, {}, {});
    const auto a = fused.output.toFloats();
    const auto b = dense.output.toFloats();
    RC_ASSERT(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i)
        RC_ASSERT(std::abs(a[i] - b[i]) < 1e-5F);
    const auto lazy = fusedAttention()->matrix(input, fused).full().toFloats();
    const auto whole = dense.pattern.toFloats();
    for (std::size_t i = 0; i < lazy.size(); ++i)
        RC_ASSERT(std::abs(lazy[i] - whole[i]) < 1e-5F);
}

TEST(Attention, DenseShowsScoresAndPattern) {
    const AttentionInput input = problem(1, 4, 2, 2, 8, false, 5);
    const auto uniform = [](const Tensor& scores) { scores.fill(0); };
    const DenseAttention result = denseAttention(input, uniform, {}, {});
    EXPECT_NEAR(result.pattern.at({0, 1, 2, 3}), 0.25, 1e-6);
    const auto first = [](const Tensor& pattern) {
        pattern.fill(0);
        pattern.select(3, 0).fill(1);
    };
    const DenseAttention copied = denseAttention(input, {}, first, {});
    EXPECT_NEAR(copied.output.at({0, 3, 1, 5}), input.value.at({0, 0, 1, 5}), 1e-6);
}

TEST(Attention, CostGrowsAsItsFormula) {
    const Cost cost = fusedAttention()->cost(2, 10, 20, 3, 8, false);
    EXPECT_EQ(cost.operations, 4.0 * 2 * 3 * 10 * 20 * 8);
    EXPECT_FALSE(cost.operationsFormula.empty());
}

TEST(KeyValueCache, KeepsWhatIsAppendedAcrossGrowth) {
    Generator generator(9);
    KeyValueCache cache;
    std::vector<Tensor> keys;
    for (int step = 0; step < 7; ++step) {
        cache.prepare(2, 3, step + 1);
        for (int layer = 0; layer < 2; ++layer) {
            const Tensor key = random({3, step + 1, 2, 4}, generator);
            cache.append(layer, key, key);
            if (layer == 1)
                keys.push_back(key);
        }
        cache.commit(step + 1, {});
    }
    EXPECT_EQ(cache.length(), 28);
    std::int64_t place = 0;
    for (const Tensor& key : keys) {
        EXPECT_EQ(cache.key(1).slice(1, place, place + key.size(1)).toFloats(), key.toFloats());
        place += key.size(1);
    }
    cache.truncate(3);
    EXPECT_EQ(cache.key(0).size(1), 3);
    EXPECT_THROW(cache.prepare(2, 4, 1), Error);
}

} // namespace
} // namespace orrery::nn
