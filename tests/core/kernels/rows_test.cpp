// SPDX-License-Identifier: GPL-3.0-or-later
#include "isa_sweep.h"
#include "kernels/elementwise.h"
#include "kernels/norm.h"
#include "kernels/threads.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

namespace orrery::kernels {
namespace {

using test::forEachIsa;
using test::randomTensor;

double exact(Activation kind, double x) {
    switch (kind) {
    case Activation::Gelu:
        return x * 0.5 * std::erfc(-x / std::numbers::sqrt2);
    case Activation::GeluTanh:
        return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case Activation::Relu:
        return std::max(x, 0.0);
    case Activation::Silu:
        return x / (1 + std::exp(-x));
    case Activation::QuickGelu:
        return x / (1 + std::exp(-1.702 * x));
    case Activation::Tanh:
        return std::tanh(x);
    case Activation::None:
        break;
    }
    return x;
}

constexpr Activation allActivations[] = {Activation::None, Activation::Gelu, Activation::GeluTanh,
                                         Activation::Relu, Activation::Silu, Activation::QuickGelu,
                                         Activation::Tanh};

Tensor grid(double low, double high, std::int64_t count) {
    const Tensor x = Tensor::empty({count});
    for (std::int64_t i = 0; i < count; ++i)
        x.mutableData<float>()[static_cast<std::size_t>(i)] =
            static_cast<float>(low + (high - low) * static_cast<double>(i) / static_cast<double>(count - 1));
    return x;
}

TEST(Activations, AgreeWithTheRealFunctions) {
    const Tensor x = grid(-12, 12, 20011);
    forEachIsa([&](Isa set) {
        for (const Activation kind : allActivations) {
            const Tensor y = Tensor::empty(x.shape());
            activate(kind, x, y);
            for (std::int64_t i = 0; i < x.elements(); ++i) {
                const double want = exact(kind, x.at({i}));
                ASSERT_NEAR(y.at({i}), want, 3e-7 * std::max(1.0, std::fabs(want)))
                    << name(set) << ' ' << name(kind) << " of " << x.at({i});
            }
        }
    });
}

TEST(Activations, SlopesAreDerivatives) {
    const Tensor x = grid(-6.001, 6, 501); // never 0, where relu has a kink
    const Tensor ones = Tensor::full(x.shape(), 2);
    forEachIsa([&](Isa set) {
        for (const Activation kind : allActivations) {
            const Tensor dx = Tensor::empty(x.shape());
            activateBackward(kind, x, ones, dx);
            for (std::int64_t i = 0; i < x.elements(); ++i) {
                const double at = x.at({i});
                const double want = (exact(kind, at + 1e-5) - exact(kind, at - 1e-5)) / 1e-5;
                ASSERT_NEAR(dx.at({i}), want, 5e-6) << name(set) << ' ' << name(kind) << " at " << at;
            }
        }
    });
}

TEST(Exponential, IsAccurateOverItsRange) {
    const Tensor x = grid(-103, 88.7, 40009);
    forEachIsa([&](Isa set) {
        const Tensor y = Tensor::empty(x.shape());
        exponential(x, y);
        for (std::int64_t i = 0; i < x.elements(); ++i) {
            const double want = std::exp(x.at({i}));
            ASSERT_NEAR(y.at({i}), want, 2.4e-7 * want + 2e-45) << name(set) << " exp(" << x.at({i}) << ')';
        }
        const float inf = std::numeric_limits<float>::infinity();
        const Tensor ends = Tensor::of<float>({4}, {-inf, inf, 0.0F, std::nanf("")});
        const Tensor results = Tensor::empty({4});
        exponential(ends, results);
        EXPECT_EQ(results.at({0}), 0);
        EXPECT_TRUE(std::isinf(results.at({1})));
        EXPECT_EQ(results.at({2}), 1);
        EXPECT_TRUE(std::isnan(results.at({3})));
    });
}

RC_GTEST_PROP(Rows, CastsAreThoseOfTensor, ()) {
    const auto count = *rc::gen::inRange<std::int64_t>(1, 300);
    Generator generator(*rc::gen::arbitrary<std::uint64_t>());
    const Tensor x = randomTensor({count}, generator, DType::F32, 100);
    x.mutableData<float>()[0] = std::numeric_limits<float>::quiet_NaN();
    forEachIsa([&](Isa) {
        const Tensor narrow = Tensor::empty({count}, DType::BF16);
        cast(x, narrow);
        const Tensor wide = Tensor::empty({count});
        cast(narrow, wide);
        const Tensor want = x.to(DType::BF16);
        RC_ASSERT(std::isnan(wide.at({0})));
        for (std::int64_t i = 1; i < count; ++i)
            RC_ASSERT(wide.at({i}) == want.at({i}));
    });
}

RC_GTEST_PROP(Rows, SoftmaxAndLogSumExp, ()) {
    const auto rows = *rc::gen::inRange<std::int64_t>(1, 6);
    const auto columns = *rc::gen::inRange<std::int64_t>(1, 200);
    const bool hole = *rc::gen::arbitrary<bool>();
    Generator generator(*rc::gen::arbitrary<std::uint64_t>());
    const Tensor x = randomTensor({rows, columns}, generator, DType::F32, 10);
    const float minus = -std::numeric_limits<float>::infinity();
    if (hole)
        for (std::int64_t j = 0; j < columns; ++j)
            x.mutableData<float>()[static_cast<std::size_t>(j)] = minus;
    forEachIsa([&](Isa) {
        const Tensor y = Tensor::empty(x.shape());
        const Tensor lse = Tensor::empty({rows});
        softmaxRows(x, y);
        logSumExpRows(x, lse);
        for (std::int64_t i = 0; i < rows; ++i) {
            double total = 0;
            for (std::int64_t j = 0; j < columns; ++j)
                total += std::exp(x.at({i, j}));
            if (hole && i == 0) {
                RC_ASSERT(lse.at({i}) == static_cast<double>(minus));
            } else {
                RC_ASSERT(std::fabs(lse.at({i}) - std::log(total)) < 1e-5);
            }
            for (std::int64_t j = 0; j < columns; ++j)
                RC_ASSERT(std::fabs(y.at({i, j}) - (total > 0 ? std::exp(x.at({i, j})) / total : 0)) < 1e-6);
        }
    });
}

RC_GTEST_PROP(Rows, CrossEntropyAndItsGradient, ()) {
    const auto rows = *rc::gen::inRange<std::int64_t>(1, 6);
    const auto classes = *rc::gen::inRange<std::int64_t>(1, 90);
    Generator generator(*rc::gen::arbitrary<std::uint64_t>());
    const Tensor x = randomTensor({rows, classes}, generator, DType::F32, 4);
    const Tensor targets = Tensor::empty({rows}, DType::I64);
    for (auto& target : targets.mutableData<std::int64_t>())
        target = generator.uniform() < 0.2
                     ? -100
                     : static_cast<std::int64_t>(generator.below(static_cast<std::uint64_t>(classes)));
    const Tensor losses = Tensor::empty({rows});
    const Tensor gradient = Tensor::empty(x.shape());
    crossEntropyRows(x, targets, -100, losses, gradient);
    for (std::int64_t i = 0; i < rows; ++i) {
        const auto target = static_cast<std::int64_t>(targets.at({i}));
        double total = 0;
        for (std::int64_t j = 0; j < classes; ++j)
            total += std::exp(x.at({i, j}));
        const double want = target == -100 ? 0 : std::log(total) - x.at({i, target});
        RC_ASSERT(std::fabs(losses.at({i}) - want) < 1e-5);
        for (std::int64_t j = 0; j < classes; ++j) {
            const double slope = target == -100 ? 0 : std::exp(x.at({i, j})) / total - (j == target ? 1 : 0);
            RC_ASSERT(std::fabs(gradient.at({i, j}) - slope) < 1e-6);
        }
    }
}

TEST(Rows, TargetsAndIdsOutsideAreRefused) {
    const Tensor x = Tensor::zeros({1, 3});
    const Tensor loss = Tensor::zeros({1});
    EXPECT_THROW(crossEntropyRows(x, Tensor::of<std::int64_t>({1}, {3}), -100, loss), InputError);
    EXPECT_THROW(gatherRows(x, Tensor::of<std::int64_t>({1}, {1}), Tensor::empty({1, 3})), InputError);
    EXPECT_THROW(gatherRows(x, Tensor::of<std::int64_t>({1}, {-1}), Tensor::empty({1, 3})), InputError);
}

RC_GTEST_PROP(Rows, GatherAndScatterAreTransposes, ()) {
    const auto vocabulary = *rc::gen::inRange<std::int64_t>(1, 20);
    const auto width = *rc::gen::inRange<std::int64_t>(1, 70);
    const auto count = *rc::gen::inRange<std::int64_t>(1, 40);
    const DType dtype = *rc::gen::element(DType::F32, DType::BF16, DType::F16);
    Generator generator(*rc::gen::arbitrary<std::uint64_t>());
    const Tensor table = randomTensor({vocabulary, width}, generator, dtype);
    const Tensor ids = Tensor::empty({count}, DType::I64);
    for (auto& id : ids.mutableData<std::int64_t>())
        id = static_cast<std::int64_t>(generator.below(static_cast<std::uint64_t>(vocabulary)));
    const Tensor out = Tensor::full({count, width}, 1);
    gatherRows(table, ids, out, true);
    const Tensor sums = Tensor::zeros({vocabulary, width});
    scatterAddRows(out, ids, sums);
    for (std::int64_t v = 0; v < vocabulary; ++v)
        for (std::int64_t d = 0; d < width; ++d) {
            double want = 0;
            for (std::int64_t i = 0; i < count; ++i)
                if (static_cast<std::int64_t>(ids.at({i})) == v) {
                    want += table.at({v, d}) + 1;
                    RC_ASSERT(std::fabs(out.at({i, d}) - table.at({v, d}) - 1) < 1e-6);
                }
            RC_ASSERT(std::fabs(sums.at({v, d}) - want) < 1e-4);
        }
}

struct NormCase {
    Tensor x;
    Tensor residual;
    Tensor weight;
    Tensor bias;
};

double normed(const NormCase& c, std::int64_t i, std::int64_t j, bool centred, double epsilon) {
    const std::int64_t n = c.x.size(1);
    const auto value = [&](std::int64_t k) {
        return c.x.at({i, k}) + (c.residual.defined() ? c.residual.at({i, k}) : 0);
    };
    double mean = 0;
    for (std::int64_t k = 0; k < n && centred; ++k)
        mean += value(k) / static_cast<double>(n);
    double variance = 0;
    for (std::int64_t k = 0; k < n; ++k)
        variance += (value(k) - mean) * (value(k) - mean) / static_cast<double>(n);
    return (value(j) - mean) / std::sqrt(variance + epsilon) * (c.weight.defined() ? c.weight.at({j}) : 1) +
           (c.bias.defined() ? c.bias.at({j}) : 0);
}

RC_GTEST_PROP(Norm, ForwardOfAllForms, ()) {
    const auto rows = *rc::gen::inRange<std::int64_t>(1, 40);
    const auto columns = *rc::gen::inRange<std::int64_t>(2, 150);
    const bool centred = *rc::gen::arbitrary<bool>();
    const bool half = *rc::gen::arbitrary<bool>();
    Generator generator(*rc::gen::arbitrary<std::uint64_t>());
    NormCase c;
    c.x = randomTensor({rows, columns}, generator, half ? DType::BF16 : DType::F32);
    if (*rc::gen::arbitrary<bool>())
        c.residual = randomTensor({rows, columns}, generator);
    if (*rc::gen::arbitrary<bool>())
        c.weight = randomTensor({columns}, generator);
    if (centred && *rc::gen::arbitrary<bool>())
        c.bias = randomTensor({columns}, generator);
    forEachIsa([&](Isa) {
        const Tensor out = Tensor::empty({rows, columns}, half ? DType::BF16 : DType::F32);
        const Tensor sum = Tensor::empty({rows, columns});
        if (centred)
            layerNorm(c.x, c.residual, c.weight, c.bias, 1e-5, out, sum);
        else
            rmsNorm(c.x, c.residual, c.weight, 1e-5, out, sum);
        for (std::int64_t i = 0; i < rows; ++i)
            for (std::int64_t j = 0; j < columns; ++j) {
                const double want = normed(c, i, j, centred, 1e-5);
                RC_ASSERT(std::fabs(out.at({i, j}) - want) <
                          (half ? 0.01 : 2e-5) * std::max(1.0, std::fabs(want)));
                const double s = c.x.at({i, j}) + (c.residual.defined() ? c.residual.at({i, j}) : 0);
                RC_ASSERT(std::fabs(sum.at({i, j}) - s) < 1e-5);
            }
    });
}

TEST(Norm, WritesOverItsInput) {
    Generator generator(3);
    const Tensor x = randomTensor({9, 40}, generator);
    const Tensor residual = randomTensor({9, 40}, generator);
    const Tensor want = Tensor::empty({9, 40});
    layerNorm(x, residual, {}, {}, 1e-5, want);
    const Tensor sum = residual.clone();
    const Tensor out = x.clone();
    layerNorm(out, sum, {}, {}, 1e-5, out, sum);
    EXPECT_EQ(out.toFloats(), want.toFloats());
    EXPECT_NEAR(sum.at({8, 39}), x.at({8, 39}) + residual.at({8, 39}), 1e-6);
}

RC_GTEST_PROP(Norm, GradientsAreFiniteDifferences, ()) {
    const auto rows = *rc::gen::inRange<std::int64_t>(1, 18);
    const auto columns = *rc::gen::inRange<std::int64_t>(2, 20);
    const bool centred = *rc::gen::arbitrary<bool>();
    Generator generator(*rc::gen::arbitrary<std::uint64_t>());
    NormCase c{randomTensor({rows, columns}, generator), {}, randomTensor({columns}, generator), {}};
    if (centred)
        c.bias = randomTensor({columns}, generator);
    const Tensor dOut = randomTensor({rows, columns}, generator);
    forEachIsa([&](Isa) {
        const NormStatistics kept{Tensor::empty({rows}), Tensor::empty({rows})};
        const Tensor out = Tensor::empty({rows, columns});
        const Tensor dx = Tensor::empty({rows, columns});
        const Tensor dWeight = Tensor::empty({columns});
        const Tensor dBias = Tensor::empty({columns});
        if (centred) {
            layerNorm(c.x, {}, c.weight, c.bias, 1e-3, out, {}, kept);
            layerNormBackward(c.x, c.weight, kept, dOut, dx, dWeight, dBias);
        } else {
            rmsNorm(c.x, {}, c.weight, 1e-3, out, {}, {{}, kept.scale});
            rmsNormBackward(c.x, c.weight, {{}, kept.scale}, dOut, dx, dWeight);
        }
        const auto loss = [&] {
            double total = 0;
            for (std::int64_t i = 0; i < rows; ++i)
                for (std::int64_t j = 0; j < columns; ++j)
                    total += normed(c, i, j, centred, 1e-3) * dOut.at({i, j});
            return total;
        };
        const auto slope = [&](const Tensor& tensor, std::size_t at) {
            float& number = tensor.mutableData<float>()[at];
            const float before = number;
            number = before + 0.0078125F;
            const double above = loss();
            number = before - 0.0078125F;
            const double below = loss();
            number = before;
            return (above - below) / 0.015625;
        };
        const auto at = static_cast<std::size_t>(generator.below(static_cast<std::uint64_t>(rows * columns)));
        const auto column = at % static_cast<std::size_t>(columns);
        const double want = slope(c.x, at);
        RC_ASSERT(std::fabs(static_cast<double>(dx.data<float>()[at]) - want) < 0.02 * (1 + std::fabs(want)));
        RC_ASSERT(std::fabs(static_cast<double>(dWeight.data<float>()[column]) - slope(c.weight, column)) <
                  2e-3 * static_cast<double>(rows + 10));
        if (centred)
            RC_ASSERT(std::fabs(static_cast<double>(dBias.data<float>()[column]) - slope(c.bias, column)) <
                      2e-3 * static_cast<double>(rows + 10));
    });
}

TEST(Threads, PiecesCoverEverythingOnceAndErrorsSurface) {
    for (const int count : {1, 2, 3, 7}) {
        setThreads(count);
        std::vector<int> seen(1000, 0);
        parallelFor(1000, 10, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i)
                ++seen[static_cast<std::size_t>(i)];
        });
        EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), 1000);
        EXPECT_THROW(parallelFor(100, 1,
                                 [](std::int64_t, std::int64_t end) {
                                     if (end == 100)
                                         throw Error("as wished");
                                 }),
                     Error);
    }
    setThreads(2);
}

} // namespace
} // namespace orrery::kernels
