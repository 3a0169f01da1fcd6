// SPDX-License-Identifier: GPL-3.0-or-later
// Reductions, softmax, norms and losses against plain loops.
#include "op_draw.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace orrery::testing {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

void near(double a, double b) {
    if (!(a == b))
        RC_ASSERT(std::fabs(a - b) <= 1e-12 + 1e-11 * std::fabs(b));
}

TEST(Rows, ReductionsOverEveryChoiceOfDimensions) {
    EXPECT_TRUE(rc::check("sum, mean, variance, norm", [](const Draw& d) {
        Generator generator(d.seed);
        const Tensor x = normals({d.a + 1, d.b + 1, d.c + 1}, generator);
        std::vector<int> dimensions;
        for (int i = 0; i < 3; ++i)
            if (d.bit(i))
                dimensions.push_back(i - (i == 1 ? 3 : 0)); // the middle one counted from the back
        const auto reduced = [&](int i) { return dimensions.empty() || d.bit(i); };
        const Tensor total = ops::sum(x, dimensions, true);
        const Tensor average = ops::mean(x, dimensions, true);
        const Tensor spread = ops::variance(x, dimensions, false, true);
        const Tensor length = ops::norm(x, dimensions, true);
        for (std::int64_t i = 0; i < total.size(0); ++i)
            for (std::int64_t j = 0; j < total.size(1); ++j)
                for (std::int64_t k = 0; k < total.size(2); ++k) {
                    std::vector<double> values;
                    for (std::int64_t p = reduced(0) ? 0 : i; p < (reduced(0) ? x.size(0) : i + 1); ++p)
                        for (std::int64_t q = reduced(1) ? 0 : j; q < (reduced(1) ? x.size(1) : j + 1); ++q)
                            for (std::int64_t r = reduced(2) ? 0 : k; r < (reduced(2) ? x.size(2) : k + 1);
                                 ++r)
                                values.push_back(x.at({p, q, r}));
                    double sum = 0;
                    double squares = 0;
                    for (const double value : values) {
                        sum += value;
                        squares += value * value;
                    }
                    const double count = static_cast<double>(values.size());
                    near(total.at({i, j, k}), sum);
                    near(average.at({i, j, k}), sum / count);
                    near(length.at({i, j, k}), std::sqrt(squares));
                    near(spread.at({i, j, k}), squares / count - sum * sum / count / count);
                }
        RC_ASSERT(ops::sum(x, dimensions).elements() == total.elements());
    }));
    EXPECT_EQ(ops::sum(Tensor::zeros({0, 3}), {0}).toFloats(), (std::vector<float>{0, 0, 0}));
    EXPECT_EQ(ops::sum(Tensor::zeros({3, 0}), {0}).shape(), (Shape{0}));
}

TEST(Rows, FirstOfEqualsAndNaN) {
    const Tensor x = Tensor::of<float>({2, 4}, {1, 3, 3, 2, -1, -1, 0, 0});
    EXPECT_EQ(ops::max(x).indices.toIntegers(), (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(ops::min(x).indices.toIntegers(), (std::vector<std::int64_t>{0, 0}));
    EXPECT_EQ(ops::max(x, 0).values.toFloats(), (std::vector<float>{1, 3, 3, 2}));
    EXPECT_EQ(ops::topK(x, 3).indices.toIntegers(), (std::vector<std::int64_t>{1, 2, 3, 2, 3, 0}));
    EXPECT_EQ(ops::sort(x).indices.toIntegers(), (std::vector<std::int64_t>{0, 3, 1, 2, 0, 1, 2, 3}));
    EXPECT_EQ(ops::sort(x, -1, true).indices.toIntegers(),
              (std::vector<std::int64_t>{1, 2, 3, 0, 2, 3, 0, 1}));
    const float nan = std::nanf("");
    const Tensor broken = Tensor::of<float>({3}, {1, nan, 2});
    EXPECT_EQ(ops::max(broken).indices.item(), 1);
    EXPECT_EQ(ops::topK(broken, 2).indices.toIntegers(), (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(ops::sort(broken).indices.toIntegers(), (std::vector<std::int64_t>{0, 2, 1}));
    EXPECT_THROW((void)ops::max(Tensor::zeros({2, 0})), Error);
    EXPECT_THROW((void)ops::topK(x, 5), Error);
}

TEST(Rows, SoftmaxUnderMasks) {
    EXPECT_TRUE(rc::check("softmax and logSoftmax", [](const Draw& d) {
        Generator generator(d.seed);
        const Tensor x = normals({d.a, d.b, d.c + 1}, generator, 4);
        const Tensor mask = integers({d.b, d.c + 1}, generator, 2);
        const Tensor p = ops::softmax(x, -1, mask);
        const Tensor l = ops::logSoftmax(x, -1, mask);
        const Tensor lse = ops::logSumExp(x);
        for (std::int64_t i = 0; i < d.a; ++i)
            for (std::int64_t j = 0; j < d.b; ++j) {
                double total = 0;
                double all = 0;
                for (std::int64_t k = 0; k <= d.c; ++k) {
                    total += mask.at({j, k}) != 0 ? std::exp(x.at({i, j, k})) : 0;
                    all += std::exp(x.at({i, j, k}));
                }
                near(lse.at({i, j}), std::log(all));
                for (std::int64_t k = 0; k <= d.c; ++k) {
                    const double expected = mask.at({j, k}) != 0 ? std::exp(x.at({i, j, k})) / total : 0;
                    near(p.at({i, j, k}), expected);
                    near(l.at({i, j, k}), std::log(expected));
                }
            }
    }));
    EXPECT_EQ(ops::softmax(Tensor::of<float>({2}, {1000, 999})).toFloats()[0], 1 / (1 + std::exp(-1.0F)));
    EXPECT_EQ(ops::logSumExp(Tensor::full({2, 2}, -infinity)).toFloats(),
              (std::vector<float>(2, -std::numeric_limits<float>::infinity())));
    EXPECT_THROW((void)ops::softmax(Tensor::zeros({2, 2}), -1, Tensor::zeros({3, 2, 2})), Error);
}

TEST(Rows, Norms) {
    EXPECT_TRUE(rc::check("layerNorm and rmsNorm", [](const Draw& d) {
        Generator generator(d.seed);
        const double n = static_cast<double>(d.c + 1);
        const Tensor x = ops::addScalar(normals({d.a, d.b, d.c + 1}, generator, 2), 5);
        const Tensor w = normals({d.c + 1}, generator);
        const Tensor b = normals({d.c + 1}, generator);
        const Tensor layer = ops::layerNorm(x, w, b, 1e-3);
        const Tensor rms = ops::rmsNorm(x, w, 1e-3);
        for (std::int64_t i = 0; i < d.a; ++i)
            for (std::int64_t j = 0; j < d.b; ++j) {
                double sum = 0;
                double squares = 0;
                for (std::int64_t k = 0; k <= d.c; ++k)
                    sum += x.at({i, j, k});
                for (std::int64_t k = 0; k <= d.c; ++k)
                    squares += std::pow(x.at({i, j, k}) - sum / n, 2);
                const double deviation = std::sqrt(squares / n + 1e-3);
                const double root = std::sqrt(squares / n + sum * sum / n / n + 1e-3);
                for (std::int64_t k = 0; k <= d.c; ++k) {
                    near(layer.at({i, j, k}),
                         (x.at({i, j, k}) - sum / n) / deviation * w.at({k}) + b.at({k}));
                    near(rms.at({i, j, k}), x.at({i, j, k}) / root * w.at({k}));
                }
            }
    }));
    EXPECT_THROW((void)ops::layerNorm(Tensor::zeros({2, 3}), Tensor::zeros({2}), {}), Error);
}

TEST(Rows, Losses) {
    EXPECT_TRUE(rc::check("crossEntropy with smoothing and ignored targets", [](const Draw& d) {
        Generator generator(d.seed);
        const std::int64_t classes = d.c + 2;
        const Tensor x = normals({d.a, d.b, classes}, generator, 3);
        const Tensor t = integers({d.a, d.b}, generator, classes);
        const double s = d.bit(0) ? 0.2 : 0;
        const std::int64_t ignore = d.bit(1) ? 1 : -100;
        const Tensor each = ops::crossEntropy(x, t, {ignore, s, ops::Reduction::None});
        const Tensor p = ops::logSoftmax(x);
        double total = 0;
        double counted = 0;
        for (std::int64_t i = 0; i < d.a; ++i)
            for (std::int64_t j = 0; j < d.b; ++j) {
                const auto target = static_cast<std::int64_t>(t.at({i, j}));
                double expected = 0;
                for (std::int64_t k = 0; k < classes; ++k)
                    expected -=
                        p.at({i, j, k}) * (s / static_cast<double>(classes) + (k == target ? 1 - s : 0));
                if (target == ignore)
                    expected = 0;
                else
                    ++counted;
                near(each.at({i, j}), expected);
                total += expected;
            }
        near(ops::crossEntropy(x, t, {ignore, s, ops::Reduction::Sum}).item(), total);
        near(ops::crossEntropy(x, t, {ignore, s}).item(), counted > 0 ? total / counted : 0);
    }));
    EXPECT_THROW((void)ops::crossEntropy(Tensor::zeros({1, 3}), Tensor::of<std::int64_t>({1}, {3})),
                 InputError);
    EXPECT_THROW((void)ops::crossEntropy(Tensor::zeros({1, 3}), Tensor::of<std::int64_t>({1}, {-1})),
                 InputError);

    const Tensor a = Tensor::of<double>({2, 2}, {1, -2, 0.5, 40});
    const Tensor b = Tensor::of<double>({2, 2}, {0, 1, 0.25, 1});
    EXPECT_DOUBLE_EQ(ops::meanSquaredError(a, b).item(), (1 + 9 + 0.0625 + 39.0 * 39) / 4);
    double expected = 0;
    for (std::int64_t i = 0; i < 2; ++i)
        for (std::int64_t j = 0; j < 2; ++j) {
            const double x = a.at({i, j});
            const double t = b.at({i, j});
            expected += t * std::log1p(std::exp(-x)) + (1 - t) * (std::log1p(std::exp(-x)) + x);
        }
    EXPECT_NEAR(ops::binaryCrossEntropyWithLogits(a, b, ops::Reduction::Sum).item(), expected, 1e-12);

    // Mass of zero adds nothing, even where the model gives it none either.
    const Tensor p = ops::log(Tensor::of<double>({2, 3}, {0.5, 0.5, 0, 0.2, 0.3, 0.5}));
    const Tensor q = ops::log(Tensor::of<double>({2, 3}, {0.25, 0.75, 0, 0.4, 0.4, 0.2}));
    const double first = 0.5 * std::log(2.0) + 0.5 * std::log(0.5 / 0.75);
    const double second = 0.2 * std::log(0.5) + 0.3 * std::log(0.75) + 0.5 * std::log(2.5);
    EXPECT_NEAR(ops::klDivergence(q, p).item(), (first + second) / 2, 1e-12);
    EXPECT_NEAR(ops::klDivergence(q, p, ops::Reduction::None).at({1}), second, 1e-12);
}

} // namespace
} // namespace orrery::testing
