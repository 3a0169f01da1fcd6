// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "base/random.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "nn/workspace.h"

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

double expectedAt(const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t row,
                  std::int64_t out) {
    double sum = bias.at({out});
    for (std::int64_t i = 0; i < x.size(1); ++i)
        sum += x.at({row, i}) * weight.at({out, i});
    return sum;
}

RC_GTEST_PROP(Linear, IsTheProductWithItsEpilogue, ()) {
    Generator generator(1);
    const auto rows = *rc::gen::inRange<std::int64_t>(1, 20);
    const auto in = *rc::gen::inRange<std::int64_t>(1, 40);
    const auto out = *rc::gen::inRange<std::int64_t>(1, 40);
    const bool transposed = *rc::gen::arbitrary<bool>();
    const Tensor weight = random({out, in}, generator);
    const Tensor bias = random({out}, generator);
    const Tensor x = random({rows, in}, generator);
    const Tensor residual = random({rows, out}, generator);
    const Linear linear(
        "test", denseFormat(transposed ? weight.transpose(0, 1).contiguous() : weight, transposed), bias);
    const Tensor y = residual.clone();
    linear.run(x, y, Activation::Relu, y);
    for (std::int64_t i = 0; i < rows; ++i)
        for (std::int64_t j = 0; j < out; ++j)
            RC_ASSERT(std::abs(y.at({i, j}) - (std::max(0.0, expectedAt(x, weight, bias, i, j)) +
                                               residual.at({i, j}))) < 1e-4);
}

TEST(Linear, StackedMatricesAreOneProduct) {
    Generator generator(2);
    const Tensor a = random({3, 8}, generator);
    const Tensor b = random({5, 8}, generator);
    const auto format = stackedFormat({a, b});
    EXPECT_EQ(format->outputs(), 8);
    const Tensor dense = format->toDense();
    EXPECT_EQ(dense.at({2, 7}), a.at({2, 7}));
    EXPECT_EQ(dense.at({4, 1}), b.at({1, 1}));
}

TEST(Linear, RefusesAFormatOfOtherSize) {
    Generator generator(3);
    Linear linear("blocks.0.mlp.in", denseFormat(random({4, 8}, generator), false), {});
    EXPECT_THROW(linear.setFormat(denseFormat(random({8, 4}, generator), false)), Error);
}

TEST(Linear, Bf16IsWithinItsRounding) {
    Generator generator(4);
    const Tensor weight = random({32, 64}, generator);
    const Tensor x = random({16, 64}, generator);
    const Tensor exact = Tensor::empty({16, 32});
    const Tensor rounded = Tensor::empty({16, 32});
    denseFormat(weight, false, DType::F32)->apply(x, {}, exact);
    denseFormat(weight, false, DType::BF16)->apply(x, {}, rounded);
    for (int i = 0; i < 16; ++i)
        for (int j = 0; j < 32; ++j)
            EXPECT_NEAR(rounded.at({i, j}), exact.at({i, j}), 0.02 * 8 * 3);
    EXPECT_NE(rounded.toFloats(), exact.toFloats());
}

TEST(Linear, ActivationsByTheirNamesInFiles) {
    EXPECT_EQ(activationFromName("gelu_new", "config.json"), Activation::GeluTanh);
    EXPECT_EQ(activationFromName("swish", "config.json"), Activation::Silu);
    EXPECT_THROW(static_cast<void>(activationFromName("mish", "config.json")), InputError);
}

TEST(Norm, LayerNormInPlace) {
    Generator generator(5);
    const Tensor x = random({3, 16}, generator);
    const Tensor before = x.clone();
    const Norm norm(Norm::Kind::LayerNorm, Tensor::full({16}, 2), Tensor::full({16}, 1), 1e-5);
    norm.run(x, x);
    double mean = 0;
    double square = 0;
    for (int i = 0; i < 16; ++i)
        mean += before.at({1, i}) / 16;
    for (int i = 0; i < 16; ++i)
        square += (before.at({1, i}) - mean) * (before.at({1, i}) - mean) / 16;
    EXPECT_NEAR(x.at({1, 4}), (before.at({1, 4}) - mean) / std::sqrt(square + 1e-5) * 2 + 1, 1e-5);
}

TEST(Workspace, LeavesABufferToThoseWhoStillLookAtIt) {
    Workspace workspace;
    const Tensor first = workspace.take(Workspace::Slot::Qkv, {4, 4});
    first.fill(1);
    const std::byte* address = nullptr;
    {
        const Tensor second = workspace.take(Workspace::Slot::Qkv, {4, 4});
        EXPECT_NE(second.rawData(), first.rawData());
        second.fill(2);
        address = second.rawData();
    }
    EXPECT_EQ(first.at({3, 3}), 1);
    EXPECT_EQ(workspace.take(Workspace::Slot::Qkv, {2, 2}).rawData(), address);
}

} // namespace
} // namespace orrery::nn
