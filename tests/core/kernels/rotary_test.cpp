// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/random.h"
#include "core/kernels/isa_sweep.h"
#include "kernels/elementwise.h"
#include "kernels/gate.h"
#include "kernels/rotary.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>

namespace orrery::kernels {
namespace {

Tensor random(const Shape& shape, std::uint64_t seed) {
    Generator generator(seed);
    return test::randomTensor(shape, generator);
}

RC_GTEST_PROP(Rotary, TurnsEveryPairByItsAngleOnAnyView, ()) {
    const auto batch = *rc::gen::inRange<std::int64_t>(1, 4);
    const auto length = *rc::gen::inRange<std::int64_t>(1, 9);
    const auto heads = *rc::gen::inRange<std::int64_t>(1, 4);
    const auto pairs = *rc::gen::inRange<std::int64_t>(1, 40);
    const auto rest = *rc::gen::inRange<std::int64_t>(0, 5);
    const auto layout = *rc::gen::element(RotaryLayout::Halves, RotaryLayout::Adjacent);
    const bool shared = *rc::gen::arbitrary<bool>();
    const bool narrow = *rc::gen::arbitrary<bool>();
    const std::int64_t size = 2 * pairs + rest;
    Tensor all = random({batch, length, heads + 2, size}, 3);
    if (narrow)
        all = all.to(DType::BF16);
    const Tensor before = all.clone().to(DType::F32);
    const Tensor angle = random({shared ? 1 : batch, length, pairs}, 5);
    const Tensor cosine = Tensor::empty(angle.shape());
    const Tensor sine = Tensor::empty(angle.shape());
    for (std::int64_t i = 0; i < angle.elements(); ++i) {
        cosine.mutablePointer<float>()[i] = std::cos(angle.pointer<float>()[i]);
        sine.mutablePointer<float>()[i] = std::sin(angle.pointer<float>()[i]);
    }
    test::forEachIsa([&](Isa) {
        const Tensor turned = all.clone();
        rotate(turned.slice(2, 1, 1 + heads), cosine, sine, layout);
        const Tensor after = turned.to(DType::F32);
        for (std::int64_t b = 0; b < batch; ++b)
            for (std::int64_t l = 0; l < length; ++l)
                for (std::int64_t h = 0; h < heads + 2; ++h)
                    for (std::int64_t d = 0; d < size; ++d) {
                        double expected = before.at({b, l, h, d});
                        if (h >= 1 && h <= heads && d < 2 * pairs) {
                            const bool halves = layout == RotaryLayout::Halves;
                            const std::int64_t pair = halves ? d % pairs : d / 2;
                            const bool first = halves ? d < pairs : d % 2 == 0;
                            const std::int64_t other = halves ? (first ? d + pairs : d - pairs) : d ^ 1;
                            const double a = angle.at({shared ? 0 : b, l, pair});
                            const double partner = before.at({b, l, h, other});
                            expected = expected * std::cos(a) + (first ? -1 : 1) * partner * std::sin(a);
                        }
                        RC_ASSERT(
                            std::abs(after.at({b, l, h, d}) - expected) <
                            (narrow ? 2e-2 * (1 + std::abs(expected)) : 2e-6 * (1 + std::abs(expected))));
                    }
    });
}

RC_GTEST_PROP(Gate, IsTheActivationTimesTheUnitsInPlaceToo, ()) {
    const auto rows = *rc::gen::inRange<std::int64_t>(1, 9);
    const auto width = *rc::gen::inRange<std::int64_t>(1, 70);
    const auto kind = *rc::gen::element(Activation::Silu, Activation::Gelu, Activation::GeluTanh,
                                        Activation::Relu, Activation::None);
    const Tensor both = random({rows, 2 * width + 3}, 7);
    test::forEachIsa([&](Isa) {
        const Tensor expected = both.slice(1, 0, width).contiguous().clone();
        activate(kind, expected, expected);
        const Tensor work = both.clone();
        const Tensor first = work.slice(1, 0, width);
        gate(kind, first, work.slice(1, width, 2 * width), first);
        for (std::int64_t i = 0; i < rows; ++i)
            for (std::int64_t j = 0; j < width; ++j) {
                const double value = expected.at({i, j}) * both.at({i, width + j});
                RC_ASSERT(std::abs(work.at({i, j}) - value) < 1e-6 * (1 + std::abs(value)));
            }
    });
}

TEST(SoftCap, BoundsWhatIsFiniteAndKeepsTheMask) {
    const Tensor x = Tensor::of<float>({4}, {0.5F, 100.0F, -1e9F, -std::numeric_limits<float>::infinity()});
    softCap(x, 30);
    EXPECT_NEAR(x.at({0}), 30 * std::tanh(0.5 / 30), 1e-5);
    EXPECT_NEAR(x.at({1}), 30 * std::tanh(100.0 / 30), 1e-4);
    EXPECT_NEAR(x.at({2}), -30, 1e-4);
    EXPECT_TRUE(std::isinf(x.at({3})));
}

} // namespace
} // namespace orrery::kernels
