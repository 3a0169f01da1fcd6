// SPDX-License-Identifier: GPL-3.0-or-later
// Values of the elementwise ops against the functions themselves, and what happens at their edges.
#include "op_draw.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

namespace orrery::testing {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(Elementwise, UnaryValues) {
    using F = double (*)(double);
    const std::map<std::string, std::pair<Tensor (*)(const Tensor&), F>> functions{
        {"neg", {ops::neg, [](double x) { return -x; }}},
        {"square", {ops::square, [](double x) { return x * x; }}},
        {"reciprocal", {ops::reciprocal, [](double x) { return 1 / x; }}},
        {"exp", {ops::exp, [](double x) { return std::exp(x); }}},
        {"log", {ops::log, [](double x) { return std::log(x); }}},
        {"sqrt", {ops::sqrt, [](double x) { return std::sqrt(x); }}},
        {"rsqrt", {ops::rsqrt, [](double x) { return std::pow(x, -0.5); }}},
        {"sin", {ops::sin, [](double x) { return std::sin(x); }}},
        {"cos", {ops::cos, [](double x) { return std::cos(x); }}},
        {"abs", {ops::abs, [](double x) { return std::fabs(x); }}},
        {"tanh", {ops::tanh, [](double x) { return std::tanh(x); }}},
        {"sigmoid", {ops::sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }}},
        {"relu", {ops::relu, [](double x) { return std::fmax(x, 0); }}},
        {"gelu", {ops::gelu, [](double x) { return x * 0.5 * (1 + std::erf(x / std::sqrt(2.0))); }}},
        {"geluTanh",
         {ops::geluTanh,
          [](double x) {
              return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
          }}},
        {"quickGelu", {ops::quickGelu, [](double x) { return x / (1 + std::exp(-1.702 * x)); }}},
        {"silu", {ops::silu, [](double x) { return x / (1 + std::exp(-x)); }}},
        {"softplus", {ops::softplus, [](double x) { return std::log(1 + std::exp(x)); }}},
        {"elu",
         {[](const Tensor& x) { return ops::elu(x, 0.5); },
          [](double x) { return x > 0 ? x : 0.5 * (std::exp(x) - 1); }}},
        {"leakyRelu",
         {[](const Tensor& x) { return ops::leakyRelu(x, 0.1); },
          [](double x) { return x > 0 ? x : 0.1 * x; }}},
        {"clamp",
         {[](const Tensor& x) { return ops::clamp(x, -1, 2); },
          [](double x) { return std::fmin(std::fmax(x, -1), 2); }}},
        {"pow", {[](const Tensor& x) { return ops::pow(x, 3); }, [](double x) { return x * x * x; }}},
        {"scale", {[](const Tensor& x) { return ops::scale(x, 3); }, [](double x) { return 3 * x; }}},
        {"addScalar", {[](const Tensor& x) { return ops::addScalar(x, 3); }, [](double x) { return x + 3; }}},
    };
    Generator generator(1);
    const Tensor anywhere = uniforms({1000}, generator, -6, 6);
    const Tensor above = uniforms({1000}, generator, 0.01, 6);
    for (const auto& [name, pair] : functions) {
        const bool positive = name == "log" || name == "sqrt" || name == "rsqrt" || name == "reciprocal";
        const Tensor& x = positive ? above : anywhere;
        const Tensor y = pair.first(x);
        for (std::int64_t i = 0; i < x.elements(); ++i)
            ASSERT_NEAR(y.at({i}), pair.second(x.at({i})), 1e-11 * (1 + std::fabs(y.at({i}))))
                << name << " of " << x.at({i});
    }
}

TEST(Elementwise, BroadcastingFollowsTheLastDimension) {
    EXPECT_TRUE(rc::check("mul, sub, div, maximum, where by explicit indices", [](const Draw& d) {
        Generator generator(d.seed);
        const auto [left, right] = broadcastPair(d);
        const Tensor a = normals(left, generator);
        const Tensor b = uniforms(right, generator, 0.5, 2);
        const Tensor condition = integers({d.b, 1}, generator, 2);
        const Tensor product = ops::mul(a, b);
        const Tensor difference = ops::sub(a, b);
        const Tensor quotient = ops::div(a, b);
        const Tensor larger = ops::maximum(a, b);
        const Tensor smaller = ops::minimum(b, a);
        const Tensor sum = ops::add(a, b);
        const Tensor chosen = ops::where(condition, a, b);
        const Shape shape = product.shape();
        RC_ASSERT(shape == ops::broadcastShape(left, right));
        for (std::int64_t i = 0; i < shape[0]; ++i)
            for (std::int64_t j = 0; j < shape[1]; ++j)
                for (std::int64_t k = 0; k < shape[2]; ++k) {
                    const double x = a.at({i, left[1] == 1 ? 0 : j, k});
                    const std::int64_t last = right[-1] == 1 ? 0 : k;
                    const double y = right.rank() == 2 ? b.at({j, last}) : b.at({i, j, last});
                    RC_ASSERT(product.at({i, j, k}) == x * y);
                    RC_ASSERT(difference.at({i, j, k}) == x - y);
                    RC_ASSERT(quotient.at({i, j, k}) == x / y);
                    RC_ASSERT(sum.at({i, j, k}) == x + y);
                    RC_ASSERT(larger.at({i, j, k}) == std::max(x, y));
                    RC_ASSERT(smaller.at({i, j, k}) == std::min(x, y));
                    RC_ASSERT(chosen.at({i, j, k}) == (condition.at({j, 0}) != 0 ? x : y));
                }
    }));
    EXPECT_THROW((void)ops::broadcastShape({2, 3}, {2}), Error);
    EXPECT_EQ(ops::broadcastShape({2, 1, 0}, {5, 1}), (Shape{2, 5, 0}));
}

TEST(Elementwise, ManyThreadsComputeTheSame) {
    Generator generator(3);
    const Tensor a = normals({300, 7, 50}, generator);
    const Tensor b = normals({7, 1}, generator);
    const Tensor y = ops::add(ops::transpose(a, 0, 2), ops::exp(b));
    for (const auto& [i, j, k] : std::vector<std::array<std::int64_t, 3>>{
             {0, 0, 0}, {49, 6, 299}, {25, 3, 150}, {49, 0, 0}, {0, 6, 151}})
        EXPECT_EQ(y.at({i, j, k}), a.at({k, j, i}) + std::exp(b.at({j, 0})));
    const auto values = y.data<double>();
    double largest = 0;
    for (std::int64_t i = 0; i < 50; ++i)
        for (std::int64_t j = 0; j < 7; ++j)
            for (std::int64_t k = 0; k < 300; ++k) {
                const double expected = a.data<double>()[static_cast<std::size_t>((k * 7 + j) * 50 + i)] +
                                        std::exp(b.data<double>()[static_cast<std::size_t>(j)]);
                largest = std::max(
                    largest, std::fabs(values[static_cast<std::size_t>((i * 7 + j) * 300 + k)] - expected));
            }
    EXPECT_EQ(largest, 0);
}

TEST(Elementwise, EdgesStayMeaningful) {
    const Tensor far = Tensor::of<float>({4}, {-1000, 1000, -100, 100});
    EXPECT_EQ(ops::sigmoid(far).toFloats(), (std::vector<float>{0, 1, 3.783506e-44F, 1}));
    EXPECT_EQ(ops::softplus(far).toFloats(), (std::vector<float>{0, 1000, 3.783506e-44F, 100}));
    EXPECT_EQ(ops::gelu(far).toFloats(), (std::vector<float>{0, 1000, 0, 100}));
    EXPECT_EQ(ops::silu(far).toFloats()[1], 1000);
    const Tensor broken = Tensor::of<double>({3}, {std::nan(""), infinity, -infinity});
    for (const auto op : {ops::relu, ops::abs, ops::exp, ops::tanh, ops::sigmoid})
        EXPECT_TRUE(std::isnan(op(broken).at({0}))) << "a NaN must not be hidden";
    EXPECT_TRUE(std::isnan(ops::clamp(broken, 0, 1).at({0})));
    EXPECT_TRUE(std::isnan(ops::maximum(broken, Tensor::zeros({}, DType::F64)).at({0})));
    EXPECT_TRUE(std::isnan(ops::minimum(Tensor::zeros({}, DType::F64), broken).at({0})));
}

TEST(Elementwise, TheWiderDtypeWins) {
    const auto of = [](DType dtype) { return Tensor::full({2}, 1.5, dtype); };
    EXPECT_EQ(ops::add(of(DType::F32), of(DType::BF16)).dtype(), DType::F32);
    EXPECT_EQ(ops::add(of(DType::BF16), of(DType::F64)).dtype(), DType::F64);
    EXPECT_EQ(ops::add(of(DType::BF16), of(DType::BF16)).dtype(), DType::BF16);
    EXPECT_THROW((void)ops::add(of(DType::F32), of(DType::F16)), Error);
    EXPECT_THROW((void)ops::exp(Tensor::full({2}, 1, DType::I32)), Error);
}

} // namespace
} // namespace orrery::testing
