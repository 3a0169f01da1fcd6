// SPDX-License-Identifier: GPL-3.0-or-later
// Convolutions against plain loops, over sizes, strides, paddings, dilations and groups.
#include "onednn/convolution.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <thread>

namespace orrery::onednn {
namespace {

Tensor randomTensor(const Shape& shape, unsigned seed) {
    const Tensor tensor = Tensor::empty(shape);
    unsigned state = seed * 2654435761U + 1;
    for (float& value : tensor.mutableData<float>()) {
        state = state * 1664525U + 1013904223U;
        value = static_cast<float>(state >> 8U) / static_cast<float>(1U << 23U) - 1.0F;
    }
    return tensor;
}

double activated(kernels::Activation kind, double x) {
    switch (kind) {
    case kernels::Activation::Relu:
        return std::max(x, 0.0);
    case kernels::Activation::Silu:
        return x / (1 + std::exp(-x));
    case kernels::Activation::Gelu:
        return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    default:
        return x;
    }
}

double wanted(const Tensor& x, const Tensor& weight, std::int64_t groups, const Tensor& scale,
              const Tensor& bias, const Window2d& window, kernels::Activation activation,
              std::array<std::int64_t, 4> at) {
    const auto [item, row, column, channel] = at;
    const std::int64_t perGroup = weight.size(1);
    const std::int64_t first = channel / (weight.size(0) / groups) * perGroup;
    double sum = 0;
    for (std::int64_t c = 0; c < perGroup; ++c)
        for (std::int64_t i = 0; i < weight.size(2); ++i)
            for (std::int64_t j = 0; j < weight.size(3); ++j) {
                const std::int64_t y = row * window.stride[0] - window.before[0] + i * window.dilation[0];
                const std::int64_t z = column * window.stride[1] - window.before[1] + j * window.dilation[1];
                if (y >= 0 && y < x.size(1) && z >= 0 && z < x.size(2))
                    sum += x.at({item, y, z, first + c}) * weight.at({channel, c, i, j});
            }
    if (scale.defined())
        sum *= scale.at({channel});
    if (bias.defined())
        sum += bias.at({channel});
    return activated(activation, sum);
}

RC_GTEST_PROP(Convolution, IsThePlainSum, ()) {
    const auto size = [](std::int64_t low, std::int64_t high) { return *rc::gen::inRange(low, high + 1); };
    Window2d window;
    window.stride = {size(1, 3), size(1, 3)};
    window.before = {size(0, 3), size(0, 3)};
    window.after = {size(0, 3), size(0, 3)};
    window.dilation = {size(1, 3), size(1, 3)};
    const bool depthwise = *rc::gen::arbitrary<bool>();
    const std::int64_t groups = depthwise ? size(1, 20) : size(1, 3);
    const std::int64_t inputs = groups * (depthwise ? 1 : size(1, 9));
    const std::int64_t outputs = groups * (depthwise ? size(1, 2) : size(1, 9));
    const Tensor x = randomTensor({size(1, 3), size(1, 12), size(1, 12), inputs}, 1);
    const Tensor weight = randomTensor({outputs, inputs / groups, size(1, 5), size(1, 5)}, 2);
    const std::int64_t rows = window.positions(0, x.size(1), weight.size(2));
    const std::int64_t columns = window.positions(1, x.size(2), weight.size(3));
    RC_PRE(rows > 0 && columns > 0);
    const Tensor scale = *rc::gen::arbitrary<bool>() ? randomTensor({outputs}, 3) : Tensor{};
    const Tensor bias = *rc::gen::arbitrary<bool>() ? randomTensor({outputs}, 4) : Tensor{};
    const auto activation = *rc::gen::element(kernels::Activation::None, kernels::Activation::Relu,
                                              kernels::Activation::Silu, kernels::Activation::Gelu);
    const Tensor out = Tensor::empty({x.size(0), rows, columns, outputs});
    convolution(x, ConvolutionWeight(weight, groups, scale), window, bias, activation, out);
    for (std::int64_t i = 0; i < out.elements(); ++i) {
        const std::array<std::int64_t, 4> at{i / (rows * columns * outputs), i / (columns * outputs) % rows,
                                             i / outputs % columns, i % outputs};
        const double want = wanted(x, weight, groups, scale, bias, window, activation, at);
        RC_ASSERT(std::abs(out.at({at[0], at[1], at[2], at[3]}) - want) < 1e-4 * (1 + std::abs(want)));
    }
}

TEST(Convolution, OneWeightServesSeveralSizesAndThreads) {
    const ConvolutionWeight weight(randomTensor({8, 8, 3, 3}, 5), 1);
    const Window2d window{.before = {1, 1}, .after = {1, 1}};
    const auto run = [&](std::int64_t size) {
        const Tensor x = randomTensor({1, size, size, 8}, 6);
        const Tensor out = Tensor::empty(x.shape());
        convolution(x, weight, window, {}, kernels::Activation::None, out);
        return out.toFloats();
    };
    const auto small = run(4);
    const auto large = run(40);
    std::vector<std::thread> threads;
    std::vector<std::vector<float>> results(4);
    for (std::size_t i = 0; i < 4; ++i)
        threads.emplace_back([&, i] { results[i] = run(i % 2 == 0 ? 4 : 40); });
    for (std::thread& thread : threads)
        thread.join();
    for (std::size_t i = 0; i < 4; ++i)
        EXPECT_EQ(results[i], i % 2 == 0 ? small : large);
}

TEST(Convolution, HalfWeightsAreWidened) {
    const Tensor weight = randomTensor({4, 2, 3, 3}, 7).to(DType::BF16);
    const Tensor x = randomTensor({2, 5, 6, 4}, 8);
    const Window2d window{.stride = {2, 2}, .before = {1, 1}, .after = {1, 1}};
    const Tensor a = Tensor::empty({2, 3, 3, 4});
    const Tensor b = Tensor::empty({2, 3, 3, 4});
    convolution(x, ConvolutionWeight(weight, 2), window, {}, kernels::Activation::None, a);
    convolution(x, ConvolutionWeight(weight.to(DType::F32), 2), window, {}, kernels::Activation::None, b);
    EXPECT_EQ(a.toFloats(), b.toFloats());
}

} // namespace
} // namespace orrery::onednn
