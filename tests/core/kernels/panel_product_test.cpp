// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/kernels/isa_sweep.h"
#include "kernels/panel_product.h"
#include "kernels/threads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace orrery::kernels {
namespace {

using test::forEachIsa;
using test::randomTensor;

struct Case {
    std::int64_t rows, columns, depth;
    DType dtype = DType::F32;
    Activation activation = Activation::None;
    enum class Residual { None, Apart, Output } residual = Residual::None;
    bool narrowOutput = false;
};

double activated(Activation kind, double value) {
    return kind == Activation::Relu ? std::max(value, 0.0) : value;
}

/// Every element of small products and a sample of large ones against sums in f64.
void check(const Case& c, Generator& generator, Isa set) {
    const bool bf16 = c.dtype == DType::BF16;
    const Tensor x = randomTensor({c.rows, c.depth}, generator, c.dtype);
    const Tensor weight = randomTensor({c.columns, c.depth}, generator, c.dtype);
    const Tensor bias = randomTensor({c.columns}, generator);
    const Tensor residual = randomTensor({c.rows, c.columns}, generator);
    const PanelType type = bf16 ? PanelType::BF16 : PanelType::F32;
    std::vector<float> panels((panelBytes(type, c.columns, c.depth) + 3) / 4);
    packPanels(type, {weight.rawData(), bf16 ? PanelSource::Type::BF16 : PanelSource::Type::F32, c.depth, 1},
               0, c.columns, c.columns, c.depth, panels.data());
    const Tensor out =
        c.residual == Case::Residual::Output
            ? residual.clone()
            : Tensor::full({c.rows, c.columns}, 1e30, c.narrowOutput ? DType::BF16 : DType::F32);
    PanelProduct product;
    product.type = type;
    product.x = x.rawData();
    product.xBf16 = bf16;
    product.xStride = c.depth;
    product.panels = panels.data();
    product.rows = c.rows;
    product.columns = c.columns;
    product.depth = c.depth;
    product.out = out.mutableRawData();
    product.outBf16 = c.narrowOutput;
    product.outStride = c.columns;
    product.bias = bias.pointer<float>();
    product.activation = c.activation;
    if (c.residual != Case::Residual::None) {
        product.residual = c.residual == Case::Residual::Output ? out.rawData() : residual.rawData();
        product.residualStride = c.columns;
    }
    multiplyPanels(product);

    const Tensor a = x.to(DType::F32);
    const Tensor w = weight.to(DType::F32);
    const Tensor got = out.to(DType::F32);
    const std::int64_t step = std::max<std::int64_t>(1, c.rows * c.columns * c.depth / 4000000);
    for (std::int64_t at = 0; at < c.rows * c.columns; at += step) {
        const std::int64_t row = at / c.columns;
        const std::int64_t column = at % c.columns;
        double sum = 0;
        double size = 0;
        for (std::int64_t k = 0; k < c.depth; ++k) {
            const double term = static_cast<double>(a.pointer<float>()[row * c.depth + k]) *
                                static_cast<double>(w.pointer<float>()[column * c.depth + k]);
            sum += term;
            size += std::abs(term);
        }
        double want = activated(c.activation, sum + bias.at({column}));
        if (c.residual != Case::Residual::None)
            want += residual.at({row, column});
        // f32 sums of products that are exact in f32 or rounded once; bf16 outputs keep 8 bits.
        const double bound = 1e-6 * size + 1e-6 + (c.narrowOutput ? std::abs(want) / 200 : 0);
        ASSERT_NEAR(got.at({row, column}), want, bound)
            << c.rows << " x " << c.columns << " x " << c.depth << ", " << name(set) << ", row " << row
            << ", column " << column;
    }
}

TEST(PanelProduct, AnySizesGiveTheSums) {
    Generator generator(3);
    for (int round = 0; round < 12; ++round) {
        const auto size = [&](int most) { return 1 + static_cast<std::int64_t>(generator.uniform() * most); };
        Case c{size(60), size(100), size(90)};
        c.dtype = round % 2 == 0 ? DType::F32 : DType::BF16;
        c.activation = round % 3 == 0 ? Activation::Relu : Activation::None;
        c.residual = static_cast<Case::Residual>(round % 3);
        forEachIsa([&](Isa set) { check(c, generator, set); });
    }
}

// Larger than a second-level cache: rows go in blocks and depths in slices, whose sums wait in the output.
TEST(PanelProduct, BlocksAndSlicesGiveTheSameSums) {
    Generator generator(4);
    using enum Case::Residual;
    for (const DType dtype : {DType::F32, DType::BF16})
        for (const auto residual : {None, Apart, Output})
            for (const Activation activation : {Activation::None, Activation::Relu}) {
                const Case c{261, 70, dtype == DType::F32 ? 2507 : 4101, dtype, activation, residual, false};
                check(c, generator, isa());
            }
    check({261, 70, 2507, DType::F32, Activation::Relu, Apart, true}, generator, isa());
    check({700, 33, 770, DType::F32, Activation::Relu, Apart, false}, generator, isa());
}

TEST(PanelProduct, ThreadsDoNotChangeABit) {
    Generator generator(5);
    const std::int64_t rows = 300;
    const std::int64_t depth = 2100;
    const std::int64_t columns = 97;
    const Tensor x = randomTensor({rows, depth}, generator);
    const Tensor weight = randomTensor({columns, depth}, generator);
    std::vector<float> panels(panelBytes(PanelType::F32, columns, depth) / 4);
    packPanels(PanelType::F32, {weight.rawData(), PanelSource::Type::F32, depth, 1}, 0, columns, columns,
               depth, panels.data());
    std::vector<std::vector<float>> results;
    const ThreadsScope scope;
    for (const int threads : {1, 2, 3, 5}) {
        setThreads(threads);
        std::vector<float>& out = results.emplace_back(static_cast<std::size_t>(rows * columns));
        PanelProduct product;
        product.x = x.rawData();
        product.xStride = depth;
        product.panels = panels.data();
        product.rows = rows;
        product.columns = columns;
        product.depth = depth;
        product.out = out.data();
        product.outStride = columns;
        multiplyPanels(product);
        EXPECT_EQ(out, results.front()) << threads << " threads";
    }
}

} // namespace
} // namespace orrery::kernels
