// SPDX-License-Identifier: GPL-3.0-or-later
// Products, attention, convolution, indexing, shapes and scans against plain loops.
#include "op_draw.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace orrery::testing {
namespace {

void near(double a, double b) {
    if (!(a == b))
        RC_ASSERT(std::fabs(a - b) <= 1e-12 + 1e-11 * std::fabs(b));
}

TEST(Products, Matmul) {
    EXPECT_TRUE(rc::check("batched, broadcast, transposed, strided", [](const Draw& d) {
        Generator generator(d.seed);
        const Tensor a = normals(d.bit(0) ? Shape{2, 1, d.c, d.b} : Shape{2, 1, d.b, d.c}, generator);
        Tensor b = normals(d.bit(1) ? Shape{3, d.a, d.c} : Shape{3, d.c, d.a}, generator);
        if (d.bit(2)) // the same numbers behind strides
            b = ops::contiguous(b.permute(std::vector<int>{2, 0, 1})).permute(std::vector<int>{1, 2, 0});
        const Tensor y = ops::matmul(a, b, d.bit(0), d.bit(1));
        RC_ASSERT(y.shape() == (Shape{2, 3, d.b, d.a}));
        for (std::int64_t p = 0; p < 2; ++p)
            for (std::int64_t q = 0; q < 3; ++q)
                for (std::int64_t i = 0; i < d.b; ++i)
                    for (std::int64_t j = 0; j < d.a; ++j) {
                        double total = 0;
                        for (std::int64_t k = 0; k < d.c; ++k)
                            total += (d.bit(0) ? a.at({p, 0, k, i}) : a.at({p, 0, i, k})) *
                                     (d.bit(1) ? b.at({q, j, k}) : b.at({q, k, j}));
                        near(y.at({p, q, i, j}), total);
                    }
    }));
    EXPECT_THROW((void)ops::matmul(Tensor::zeros({2, 3}), Tensor::zeros({2, 3})), Error);
    EXPECT_THROW((void)ops::matmul(Tensor::zeros({3}), Tensor::zeros({3, 1})), Error);
}

TEST(Products, LinearInBothLayouts) {
    EXPECT_TRUE(rc::check("linear", [](const Draw& d) {
        Generator generator(d.seed);
        const Tensor x = normals({d.a, 2, d.b}, generator);
        const Tensor w = normals({d.c, d.b}, generator);
        const Tensor bias = normals({d.c}, generator);
        const Tensor y = ops::linear(x, w, bias);
        const Tensor z = ops::linear(x, ops::transpose(w, 0, 1), bias, ops::WeightLayout::InOut);
        for (std::int64_t i = 0; i < d.a; ++i)
            for (std::int64_t j = 0; j < 2; ++j)
                for (std::int64_t o = 0; o < d.c; ++o) {
                    double total = bias.at({o});
                    for (std::int64_t k = 0; k < d.b; ++k)
                        total += x.at({i, j, k}) * w.at({o, k});
                    near(y.at({i, j, o}), total);
                    near(z.at({i, j, o}), total);
                }
    }));
    EXPECT_THROW((void)ops::linear(Tensor::zeros({2, 3}), Tensor::zeros({3, 4})), Error);
    EXPECT_THROW((void)ops::linear(Tensor::zeros({2, 3}), Tensor::zeros({4, 3}), Tensor::zeros({3})), Error);
}

TEST(Products, AttentionByItsDefinition) {
    EXPECT_TRUE(rc::check("attention with every kind of mask", [](const Draw& d) {
        Generator generator(d.seed);
        const std::int64_t batch = d.a, queries = d.b, keys = d.c + (d.bit(0) ? 40 : 0), size = 3;
        const Tensor q = normals({batch, 4, queries, size}, generator, 2);
        const Tensor k = normals({batch, 2, keys, size}, generator);
        const Tensor v = normals({batch, 2, keys, 2}, generator);
        ops::AttentionMask mask;
        mask.causal = d.bit(1);
        mask.queryOffset = d.seed % 3 == 0 ? 2 : 0;
        mask.window = d.seed % 2 == 0 ? 3 : std::numeric_limits<std::int64_t>::max();
        if (d.bit(2)) {
            mask.keys = integers({batch, keys}, generator, 2);
            mask.bias = normals({4, 1, keys}, generator);
        }
        const ops::AttentionResult result = ops::attention(q, k, v, mask, 0.6);
        for (std::int64_t b = 0; b < batch; ++b)
            for (std::int64_t h = 0; h < 4; ++h)
                for (std::int64_t i = 0; i < queries; ++i) {
                    double total = 0;
                    double out[2] = {0, 0};
                    for (std::int64_t j = 0; j < keys; ++j) {
                        const std::int64_t distance = i + mask.queryOffset - j;
                        if ((mask.causal && distance < 0) || std::abs(distance) >= mask.window ||
                            (mask.keys.defined() && mask.keys.at({b, j}) == 0))
                            continue;
                        double score = 0;
                        for (std::int64_t e = 0; e < size; ++e)
                            score += 0.6 * q.at({b, h, i, e}) * k.at({b, h / 2, j, e});
                        if (mask.bias.defined())
                            score += mask.bias.at({h, 0, j});
                        total += std::exp(score);
                        for (std::int64_t e = 0; e < 2; ++e)
                            out[e] += std::exp(score) * v.at({b, h / 2, j, e});
                    }
                    near(result.logSumExp.at({b, h, i}), std::log(total));
                    for (std::int64_t e = 0; e < 2; ++e)
                        near(result.output.at({b, h, i, e}), total > 0 ? out[e] / total : 0);
                }
    }));
    EXPECT_THROW((void)ops::attention(Tensor::zeros({1, 3, 2, 4}), Tensor::zeros({1, 2, 2, 4}),
                                      Tensor::zeros({1, 2, 2, 4})),
                 Error);
}

TEST(Products, Convolution) {
    EXPECT_TRUE(rc::check("convolution1d", [](const Draw& d) {
        Generator generator(d.seed);
        const std::int64_t groups = d.bit(0) ? 2 : 1;
        const std::int64_t width = 1 + d.variant % 3;
        const Tensor x = normals({d.a, 4, d.b + 6}, generator);
        const Tensor w = normals({6, 4 / groups, width}, generator);
        const Tensor bias = normals({6}, generator);
        const ops::Convolution1dOptions options{1 + static_cast<std::int64_t>(d.seed % 3), d.c,
                                                d.bit(1) ? 2 : 0, 1 + d.variant / 4, groups};
        const Tensor y = ops::convolution1d(x, w, bias, options);
        for (std::int64_t n = 0; n < d.a; ++n)
            for (std::int64_t o = 0; o < 6; ++o)
                for (std::int64_t t = 0; t < y.size(2); ++t) {
                    double total = bias.at({o});
                    for (std::int64_t c = 0; c < 4 / groups; ++c)
                        for (std::int64_t i = 0; i < width; ++i) {
                            const std::int64_t place =
                                t * options.stride + i * options.dilation - options.padBefore;
                            if (place >= 0 && place < x.size(2))
                                total +=
                                    w.at({o, c, i}) * x.at({n, o / (6 / groups) * (4 / groups) + c, place});
                        }
                    near(y.at({n, o, t}), total);
                }
        RC_ASSERT((y.size(2) - 1) * options.stride + options.dilation * (width - 1) + 1 <=
                  x.size(2) + options.padBefore + options.padAfter);
    }));
}

TEST(Products, Convolution2d) {
    EXPECT_TRUE(rc::check("convolution2d", [](const Draw& d) {
        Generator generator(d.seed);
        const std::int64_t groups = d.bit(0) ? 2 : 1;
        const Tensor x = normals({d.a, 4, d.b + 5, d.c + 5}, generator);
        const Tensor w = normals({6, 4 / groups, 1 + d.variant % 3, 1 + d.variant % 2}, generator);
        const Tensor bias = normals({6}, generator);
        kernels::Window2d window;
        window.stride = {1 + static_cast<std::int64_t>(d.seed % 3), 1 + d.variant % 2};
        window.before = {d.c, d.bit(1) ? 2 : 0};
        window.after = {d.bit(2) ? 1 : 0, d.b};
        window.dilation = {d.bit(1) ? 2 : 1, d.bit(2) ? 2 : 1};
        const Tensor y = ops::convolution2d(x, w, bias, window, groups);
        RC_ASSERT(y.size(2) == window.positions(0, x.size(2), w.size(2)));
        for (std::int64_t n = 0; n < d.a; ++n)
            for (std::int64_t o = 0; o < 6; ++o)
                for (std::int64_t r = 0; r < y.size(2); ++r)
                    for (std::int64_t t = 0; t < y.size(3); ++t) {
                        double total = bias.at({o});
                        for (std::int64_t c = 0; c < 4 / groups; ++c)
                            for (std::int64_t i = 0; i < w.size(2); ++i)
                                for (std::int64_t j = 0; j < w.size(3); ++j) {
                                    const std::int64_t row =
                                        r * window.stride[0] + i * window.dilation[0] - window.before[0];
                                    const std::int64_t column =
                                        t * window.stride[1] + j * window.dilation[1] - window.before[1];
                                    if (row >= 0 && row < x.size(2) && column >= 0 && column < x.size(3))
                                        total += w.at({o, c, i, j}) *
                                                 x.at({n, o / (6 / groups) * (4 / groups) + c, row, column});
                                }
                        near(y.at({n, o, r, t}), total);
                    }
    }));
    EXPECT_THROW((void)ops::convolution2d(Tensor::zeros({1, 2, 2, 2}), Tensor::zeros({1, 2, 3, 3})), Error);
}

TEST(Products, IndexingAndItsRefusals) {
    const Tensor table = Tensor::of<float>({3, 2}, {0, 1, 10, 11, 20, 21});
    const Tensor ids = Tensor::of<std::int32_t>({2, 2}, {2, 0, 1, 1});
    EXPECT_EQ(ops::embedding(table, ids).toFloats(), (std::vector<float>{20, 21, 0, 1, 10, 11, 10, 11}));
    EXPECT_EQ(ops::embedding(table.to(DType::BF16), ids).dtype(), DType::BF16);
    EXPECT_EQ(ops::indexSelect(table, 1, Tensor::of<std::int64_t>({3}, {1, 1, 0})).toFloats(),
              (std::vector<float>{1, 1, 0, 11, 11, 10, 21, 21, 20}));
    const Tensor index = Tensor::of<std::int64_t>({1, 2}, {2, 1});
    EXPECT_EQ(ops::gather(table, 0, index).toFloats(), (std::vector<float>{20, 11}));
    EXPECT_EQ(
        ops::scatterAdd(table, 0, Tensor::of<std::int64_t>({2, 2}, {2, 1, 2, 0}), Tensor::full({2, 2}, 100))
            .toFloats(),
        (std::vector<float>{0, 101, 10, 111, 220, 21}));
    EXPECT_EQ(ops::oneHot(Tensor::of<std::int64_t>({2}, {1, 0}), 2).toFloats(),
              (std::vector<float>{0, 1, 1, 0}));
    EXPECT_THROW((void)ops::embedding(table, Tensor::of<std::int64_t>({1}, {3})), InputError);
    EXPECT_THROW((void)ops::embedding(table, Tensor::of<std::int64_t>({1}, {-1})), InputError);
    EXPECT_THROW((void)ops::gather(table, 0, Tensor::of<float>({1, 2}, {0, 0})), Error);
    EXPECT_THROW((void)ops::gather(table, 0, Tensor::of<std::int64_t>({1, 3}, {0, 0, 0})), Error);
    EXPECT_THROW((void)ops::oneHot(Tensor::of<std::int64_t>({1}, {2}), 2), InputError);
}

TEST(Products, ShapesAndScans) {
    const Tensor x = Tensor::of<float>({2, 3}, {0, 1, 2, 3, 4, 5});
    using V = std::vector<float>;
    EXPECT_EQ(ops::concat({x, ops::slice(x, 1, 0, 1)}, 1).toFloats(), (V{0, 1, 2, 0, 3, 4, 5, 3}));
    EXPECT_EQ(ops::stack({x, x}, -1).shape(), (Shape{2, 3, 2}));
    EXPECT_EQ(ops::stack({x, x}, 1).toFloats(), (V{0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5}));
    EXPECT_EQ(ops::pad(x, -1, 1, 2, 9).toFloats(), (V{9, 0, 1, 2, 9, 9, 9, 3, 4, 5, 9, 9}));
    EXPECT_EQ(ops::flip(x, 1).toFloats(), (V{2, 1, 0, 5, 4, 3}));
    EXPECT_EQ(ops::repeatInterleave(x, 0, 2).toFloats(), (V{0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5}));
    EXPECT_EQ(ops::permute(x, {1, 0}).toFloats(), (V{0, 3, 1, 4, 2, 5}));
    EXPECT_EQ(ops::flatten(Tensor::zeros({2, 3, 4}), 1).shape(), (Shape{2, 12}));
    EXPECT_EQ(ops::flatten(Tensor::zeros({}), 0).shape(), (Shape{1}));
    EXPECT_EQ(ops::split(x, {1, 2}, 1)[1].toFloats(), (V{1, 2, 4, 5}));
    EXPECT_EQ(ops::cumulativeSum(x, 1).toFloats(), (V{0, 1, 3, 3, 7, 12}));
    EXPECT_EQ(ops::cumulativeSum(x, 1, true).toFloats(), (V{3, 3, 2, 12, 9, 5}));
    EXPECT_EQ(ops::cumulativeSum(x, 0, false, true).toFloats(), (V{0, 0, 0, 0, 1, 2}));
    EXPECT_EQ(
        ops::concat({Tensor::of<std::int64_t>({1}, {7}), Tensor::of<std::int64_t>({1}, {8})}, 0).toIntegers(),
        (std::vector<std::int64_t>{7, 8}));
    EXPECT_THROW((void)ops::concat({x, Tensor::zeros({3, 2})}, 0), Error);
    EXPECT_THROW((void)ops::split(x, {1, 1}, 1), Error);
    EXPECT_THROW((void)ops::squeeze(x, 0), Error);
}

TEST(Products, DropoutKeepsTheMeanAndItsShare) {
    Generator generator(7);
    const Tensor y = ops::dropout(Tensor::full({100000}, 1), 0.3, generator);
    double zeros = 0;
    for (const float value : y.data<float>()) {
        ASSERT_TRUE(value == 0 || std::fabs(value - 1 / 0.7F) < 1e-6F);
        zeros += value == 0 ? 1 : 0;
    }
    EXPECT_NEAR(zeros / 100000, 0.3, 0.01); // seven standard deviations
    Generator again(7);
    EXPECT_EQ(ops::dropout(Tensor::full({100000}, 1), 0.3, again).toFloats(), y.toFloats());
    EXPECT_THROW((void)ops::dropout(y, 1, again), UsageError);
}

} // namespace
} // namespace orrery::testing
