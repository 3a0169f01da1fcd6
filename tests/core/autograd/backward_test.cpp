// SPDX-License-Identifier: GPL-3.0-or-later
#include "autograd/backward.h"
#include "autograd/gradient_check.h"
#include "autograd/segment.h"
#include "autograd/tape.h"
#include "base/random.h"
#include "ops/cast.h"
#include "ops/control.h"
#include "ops/elementwise.h"
#include "ops/loss.h"
#include "ops/matmul.h"
#include "ops/norm.h"
#include "ops/record.h"
#include "ops/reduce.h"
#include "ops/shaping.h"
#include "ops/softmax.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>

namespace orrery::autograd {
namespace {

using Floats = std::vector<float>;

Tensor vector(std::initializer_list<float> values) {
    return Tensor::of<float>({static_cast<std::int64_t>(values.size())}, values);
}

template <typename Action>
std::string messageOf(Action&& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

TEST(Backward, UsesOfOneTensorAddUp) {
    const Tensor x = watch(vector({1, 2, 3}));
    const Tensor y = ops::mul(x, ops::add(x, ops::mul(x, x))); // x^2 + x^3
    const Gradients gradients = backward(ops::sum(y));
    EXPECT_EQ(gradients.of(x).toFloats(), (Floats{5, 16, 33}));
}

TEST(Backward, ConstantsHaveNoGradientAndNoRecord) {
    const Tensor constant = vector({1, 2});
    EXPECT_FALSE(ops::exp(constant).tracked());
    const Tensor x = watch(vector({3, 4}));
    const Tensor y = ops::mul(x, constant);
    EXPECT_TRUE(y.tracked());
    EXPECT_EQ(y.gradNode()->inputs[1], nullptr);
    EXPECT_FALSE(ops::stopGradient(y).tracked());
    const Tensor unused = watch(vector({5}));
    const Gradients gradients = backward(ops::sum(y));
    EXPECT_EQ(gradients.of(unused).toFloats(), (Floats{0}));
    EXPECT_FALSE(gradients.has(unused));
    EXPECT_THROW((void)gradients.of(constant), Error);
    EXPECT_THROW((void)backward(ops::sum(constant)), Error);
    EXPECT_THROW((void)backward(y), Error) << "not a scalar";
    EXPECT_THROW((void)watch(Tensor::zeros({2}, DType::I64)), Error);
}

TEST(Backward, GradientsOfInnerTensorsOnRequest) {
    const Tensor x = watch(vector({1, 2}));
    const Tensor hidden = ops::scale(x, 3);
    const Tensor loss = ops::sum(ops::square(hidden));
    EXPECT_FALSE(backward(loss).has(hidden));
    const Gradients gradients = backward(loss, {.keep = {hidden, loss}});
    EXPECT_EQ(gradients.of(hidden).toFloats(), (Floats{6, 12}));
    EXPECT_EQ(gradients.of(loss).item(), 1);
    EXPECT_EQ(gradients.of(x).toFloats(), (Floats{18, 36}));
}

TEST(Backward, SeveralOutputsWithGivenGradients) {
    const Tensor x = watch(vector({1, 2}));
    const Gradients gradients = backward({ops::scale(x, 2), ops::square(x)},
                                         {vector({1, 10}), vector({100, 1000})}, BackwardOptions{});
    EXPECT_EQ(gradients.of(x).toFloats(), (Floats{202, 4020}));
    EXPECT_THROW((void)backward(ops::scale(x, 2), vector({1})), Error);
}

TEST(Backward, ChainsOfAHundredThousandOps) {
    Tensor y = watch(vector({1}));
    const Tensor x = y;
    for (int i = 0; i < 100000; ++i)
        y = ops::addScalar(y, 1e-3);
    const Gradients gradients = backward(y);
    EXPECT_EQ(gradients.of(x).item(), 1);
    Tensor z = x;
    for (int i = 0; i < 100000; ++i) // two paths through every step, and saved tensors
        z = ops::scale(ops::add(ops::mul(z, z), z), 1.0 / 3);
    EXPECT_TRUE(std::isfinite(backward(z).of(x).item()));
    y = Tensor();
    z = Tensor(); // releasing either must not overflow the stack
}

TEST(Backward, ReleasedRecordsSayWhatToDo) {
    const Tensor x = watch(vector({1, 2}));
    const Tensor loss = ops::sum(ops::square(x));
    EXPECT_EQ(backward(loss).of(x).toFloats(), (Floats{2, 4}));
    EXPECT_EQ(backward(loss, {.release = true}).of(x).toFloats(), (Floats{2, 4}));
    EXPECT_THAT(messageOf([&] { (void)backward(loss); }), ::testing::HasSubstr("run the computation again"));
}

TEST(Backward, ReleasingFreesWhatWasSaved) {
    const std::size_t before = ownedBytes();
    const Tensor x = watch(Tensor::full({1000}, 0.5));
    Tensor y = x;
    for (int i = 0; i < 50; ++i)
        y = ops::tanh(y);
    const Tensor loss = ops::sum(y);
    y = Tensor();
    EXPECT_GT(ownedBytes() - before, 50 * 4000U);
    (void)backward(loss, {.release = true});
    EXPECT_LT(ownedBytes() - before, 10 * 4000U);
}

TEST(Backward, NamesTheOpWhoseGradientIsNotFinite) {
    const Tensor x = watch(vector({0, 1}));
    const Tensor loss = ops::sum(ops::scale(ops::sqrt(x), 2));
    EXPECT_TRUE(std::isinf(backward(loss).of(x).toFloats()[0]));
    EXPECT_THAT(messageOf([&] { (void)backward(loss, {.checkFinite = true}); }),
                ::testing::AllOf(::testing::HasSubstr("sqrt"), ::testing::HasSubstr("not finite")));
}

TEST(Backward, OpsOfPluginsRecordThemselvesAndAreChecked) {
    const auto cube = [](const Tensor& x, bool wrong) {
        return ops::record("cube", ops::pow(x.detached(), 3), {x}, [&] {
            return [x = ops::saved(x), wrong](const Tensor& g) -> std::vector<Tensor> {
                return {ops::mul(g, ops::scale(ops::square(x), wrong ? 2.999 : 3))};
            };
        });
    };
    const Tensor x = vector({0.5, -1, 2});
    EXPECT_TRUE(checkGradients([&](auto in) { return std::vector{cube(in[0], false)}; }, {x}));
    const GradientCheckResult result =
        checkGradients([&](auto in) { return std::vector{cube(in[0], true)}; }, {x});
    EXPECT_FALSE(result);
    EXPECT_THAT(result.message, ::testing::HasSubstr("input 0"));
    EXPECT_NEAR(result.worstError, 0.001 / 3, 1e-4);

    const Tensor shapeless = ops::record("misshapen", ops::exp(x), {watch(x)}, [] {
        return [](const Tensor&) -> std::vector<Tensor> { return {Tensor::zeros({2})}; };
    });
    EXPECT_THAT(messageOf([&] { (void)backward(ops::sum(shapeless)); }), ::testing::HasSubstr("misshapen"));
    const Tensor countless = ops::record("countless", ops::exp(x), {watch(x)}, [] {
        return [](const Tensor&) -> std::vector<Tensor> { return {}; };
    });
    EXPECT_THAT(messageOf([&] { (void)backward(ops::sum(countless)); }), ::testing::HasSubstr("countless"));
}

TEST(Backward, ControlOfGradients) {
    const Tensor x = watch(vector({0.2F, 0.8F}));
    const Tensor hard = vector({0, 1});
    const Tensor through = ops::straightThrough(hard, x);
    EXPECT_EQ(through.toFloats(), (Floats{0, 1}));
    EXPECT_EQ(backward(through, vector({3, 4})).of(x).toFloats(), (Floats{3, 4}));
    EXPECT_EQ(backward(ops::scaleGradient(x, -2), vector({3, 4})).of(x).toFloats(), (Floats{-6, -8}));
    const Tensor equal = watch(vector({0.2F, 1}));
    const Gradients halves = backward(ops::maximum(x, equal), vector({1, 1}));
    EXPECT_EQ(halves.of(x).toFloats(), (Floats{0.5, 0}));
    EXPECT_EQ(halves.of(equal).toFloats(), (Floats{0.5, 1}));
    const Tensor origin = watch(vector({0, 0}));
    EXPECT_EQ(backward(ops::norm(origin)).of(origin).toFloats(), (Floats{0, 0}));
}

TEST(Backward, MinusInfinityInTheRightPlacesLeavesGradientsFinite) {
    const float never = -std::numeric_limits<float>::infinity();
    const Tensor x = watch(Tensor::of<float>({2, 3}, {1, never, 2, never, never, never}));
    const Tensor mask = Tensor::of<std::int64_t>({2, 3}, {1, 0, 1, 0, 0, 0});
    const Tensor scores = watch(Tensor::of<float>({2, 3}, {1, 5, 2, 3, 4, 5}));
    const Tensor target = Tensor::of<float>({2, 3}, {0.5, 0, 0.5, 1, 0, 0});
    const Tensor first = ops::slice(x, 0, 0, 1);
    const auto finite = [](const Tensor& loss, const Tensor& leaf) {
        const Gradients gradients = backward(loss, {.checkFinite = true}); // throws otherwise
        return gradients.of(leaf).toFloats();
    };
    const float shares[] = {1 / (1 + std::exp(1.0F)), 1 / (1 + std::exp(-1.0F))};
    EXPECT_THAT(finite(ops::sum(ops::logSumExp(x)), x),
                ::testing::Pointwise(::testing::FloatNear(1e-6F), Floats{shares[0], 0, shares[1], 0, 0, 0}));
    EXPECT_THAT(
        finite(ops::crossEntropy(first, Tensor::of<std::int64_t>({1}, {0})), x),
        ::testing::Pointwise(::testing::FloatNear(1e-6F), Floats{shares[0] - 1, 0, shares[1], 0, 0, 0}));
    EXPECT_THAT(finite(ops::sum(ops::square(ops::softmax(scores, -1, mask))), scores),
                ::testing::Each(::testing::Truly([](float v) { return std::isfinite(v); })));
    const Tensor impossible = ops::logSoftmax(scores, -1, mask);
    const Tensor kl =
        ops::klDivergence(ops::slice(impossible, 0, 0, 1), ops::log(ops::slice(target, 0, 0, 1)));
    EXPECT_THAT(finite(kl, scores),
                ::testing::Each(::testing::Truly([](float v) { return std::isfinite(v); })));
    const Tensor mass = watch(target);
    EXPECT_TRUE(std::isfinite(ops::klDivergence(Tensor::full({2, 3}, -1), ops::log(mass)).item()));
}

TEST(Backward, StopsWhenCancelled) {
    const Tensor x = watch(vector({1}));
    const CancelToken token;
    const Tensor loss = ops::record("cancelling", ops::exp(x.detached()), {x}, [&] {
        return [token](const Tensor& g) -> std::vector<Tensor> {
            token.cancel();
            return {g};
        };
    });
    EXPECT_THROW((void)backward(ops::scale(loss, 2), {.progress = Progress({}, token)}), Cancelled);
}

TEST(Backward, CastsGiveGradientsInTheirInputsDtype) {
    const Tensor x = watch(vector({1.5, -2}));
    const Tensor narrow = ops::cast(x, DType::BF16);
    EXPECT_EQ(narrow.dtype(), DType::BF16);
    const Tensor gradient = backward(ops::sum(ops::square(narrow))).of(x);
    EXPECT_EQ(gradient.dtype(), DType::F32);
    EXPECT_EQ(gradient.toFloats(), (Floats{3, -4}));
    EXPECT_FALSE(ops::cast(x, DType::I32).tracked());
}

TEST(Backward, ThreadsRecordIndependently) {
    const Tensor x = watch(vector({2}));
    std::vector<double> found(4);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < found.size(); ++t)
        threads.emplace_back([&, t] {
            Tensor y = x;
            for (int i = 0; i < 1000; ++i)
                y = ops::scale(y, 1.0);
            found[t] = backward(ops::scale(y, static_cast<double>(t))).of(x).item();
        });
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(found, (std::vector<double>{0, 1, 2, 3}));
}

TEST(Segment, GivesTheSameGradientsAndSavesLess) {
    Generator generator(5);
    const auto random = [&generator](const Shape& shape) {
        Tensor t = Tensor::empty(shape, DType::F64);
        for (double& value : t.mutableData<double>())
            value = 0.3 * generator.normal();
        return t;
    };
    const Tensor x = watch(random({8, 16}));
    const Tensor weight = watch(random({16, 16}));
    const Tensor scaled = ops::scale(weight, 2); // captured, tracked, no leaf
    const Tensor constant = random({16});
    int runs = 0;
    const auto block = [&](std::span<const Tensor> in) {
        ++runs;
        Tensor h = in[0];
        for (int i = 0; i < 10; ++i)
            h = ops::tanh(ops::linear(h, scaled, in[1]));
        return ops::mul(h, in[0]);
    };
    const std::vector<Tensor> inputs{x, constant};
    const Gradients plain = backward(ops::sum(ops::square(block(inputs))));
    runs = 0;
    const std::size_t before = ownedBytes();
    const Tensor y = recomputed(block, inputs);
    EXPECT_LE(ownedBytes() - before, 2 * 8 * 16 * sizeof(double));
    EXPECT_EQ(runs, 1);
    const Gradients again = backward(ops::sum(ops::square(y)));
    EXPECT_EQ(runs, 2);
    for (const Tensor& leaf : {x, weight}) {
        const auto a = plain.of(leaf);
        const auto b = again.of(leaf);
        for (std::size_t i = 0; i < a.data<double>().size(); ++i)
            EXPECT_DOUBLE_EQ(a.data<double>()[i], b.data<double>()[i]);
    }
    const Tensor nested = recomputed(
        [&](std::span<const Tensor> in) {
            return ops::square(recomputed(block, {in[0], constant}));
        },
        {x});
    const Gradients inner = backward(ops::sum(nested));
    EXPECT_NEAR(inner.of(weight).at({3, 4}), plain.of(weight).at({3, 4}), 1e-12);
    EXPECT_FALSE(
        recomputed([](std::span<const Tensor> in) { return ops::exp(in[0]); }, {constant}).tracked());
}

} // namespace
} // namespace orrery::autograd
