// SPDX-License-Identifier: GPL-3.0-or-later
// Learning from end to end: the loss of two small models on toy tasks falls below a bound.
#include "autograd/backward.h"
#include "autograd/segment.h"
#include "autograd/tape.h"
#include "base/random.h"
#include "ops/attention.h"
#include "ops/elementwise.h"
#include "ops/indexing.h"
#include "ops/loss.h"
#include "ops/matmul.h"
#include "ops/norm.h"
#include "ops/shaping.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>

namespace orrery::autograd {
namespace {

/// Parameters by name with Adam (Kingma & Ba 2015).
class Learner {
public:
    explicit Learner(std::uint64_t seed) : m_generator(seed) {}

    void add(const std::string& name, const Shape& shape, double spread, double level = 0) {
        State state{Tensor::empty(shape), Tensor::zeros(shape), Tensor::zeros(shape)};
        for (float& value : state.value.mutableData<float>())
            value = static_cast<float>(level + spread * m_generator.normal());
        m_states.emplace(name, std::move(state));
    }

    /// Leaves of this step.
    [[nodiscard]] std::map<std::string, Tensor> watched() const {
        std::map<std::string, Tensor> result;
        for (const auto& [name, state] : m_states)
            result.emplace(name, watch(state.value, name));
        return result;
    }

    void step(const std::map<std::string, Tensor>& leaves, const Gradients& gradients, double rate) {
        ++m_steps;
        for (auto& [name, state] : m_states) {
            const Tensor gradient = gradients.of(leaves.at(name));
            const auto g = gradient.data<float>();
            const auto value = state.value.mutableData<float>();
            const auto first = state.first.mutableData<float>();
            const auto second = state.second.mutableData<float>();
            const double correction = std::sqrt(1 - std::pow(0.99, m_steps)) / (1 - std::pow(0.9, m_steps));
            for (std::size_t i = 0; i < g.size(); ++i) {
                first[i] = 0.9F * first[i] + 0.1F * g[i];
                second[i] = 0.99F * second[i] + 0.01F * g[i] * g[i];
                value[i] -= static_cast<float>(rate * correction) * first[i] / (std::sqrt(second[i]) + 1e-8F);
            }
        }
    }

private:
    struct State {
        Tensor value, first, second;
    };
    Generator m_generator;
    std::map<std::string, State> m_states;
    int m_steps = 0;
};

TEST(Training, TwoLayersLearnTwoSpirals) {
    const std::int64_t points = 200;
    const Tensor x = Tensor::empty({points, 2});
    const Tensor labels = Tensor::empty({points}, DType::I64);
    for (std::int64_t i = 0; i < points; ++i) {
        const double along = static_cast<double>(i - i % 2) / 200 * 3.5 + 0.5;
        const double angle = along + (i % 2 == 0 ? 0 : M_PI);
        x.mutableData<float>()[static_cast<std::size_t>(2 * i)] =
            static_cast<float>(along / 2 * std::cos(angle));
        x.mutableData<float>()[static_cast<std::size_t>(2 * i + 1)] =
            static_cast<float>(along / 2 * std::sin(angle));
        labels.mutableData<std::int64_t>()[static_cast<std::size_t>(i)] = i % 2;
    }
    Learner learner(11);
    learner.add("w1", {32, 2}, 1);
    learner.add("b1", {32}, 0.5);
    learner.add("w2", {2, 32}, 0.2);
    learner.add("b2", {2}, 0);
    double loss = 0;
    for (int step = 0; step < 400; ++step) {
        const auto p = learner.watched();
        const Tensor hidden = ops::tanh(ops::linear(x, p.at("w1"), p.at("b1")));
        const Tensor result = ops::crossEntropy(ops::linear(hidden, p.at("w2"), p.at("b2")), labels);
        loss = result.item();
        learner.step(p, backward(result, {.checkFinite = true, .release = true}), 0.03);
    }
    EXPECT_LT(loss, 0.05);
}

/// One causal block whose task needs attention: name the token that stood two places back.
TEST(Training, OneBlockLearnsToLookBack) {
    constexpr std::int64_t batch = 16, length = 12, width = 16, heads = 2, vocabulary = 6;
    Learner learner(3);
    learner.add("tokens", {vocabulary, width}, 0.5);
    learner.add("positions", {length, width}, 0.5);
    for (const char* name : {"q", "k", "v", "o"})
        learner.add(name, {width, width}, 0.25);
    learner.add("up", {width, 4 * width}, 0.25);
    learner.add("up bias", {4 * width}, 0);
    learner.add("down", {4 * width, width}, 0.12);
    for (const char* name : {"norm1", "norm2", "norm3"})
        learner.add(name, {width}, 0, 1);
    learner.add("out", {vocabulary, width}, 0.25);
    Generator generator(4);
    double loss = 0;
    for (int step = 0; step < 250; ++step) {
        const Tensor ids = Tensor::empty({batch, length}, DType::I64);
        const Tensor targets = Tensor::empty({batch, length}, DType::I64);
        const auto id = ids.mutableData<std::int64_t>();
        const auto target = targets.mutableData<std::int64_t>();
        for (std::size_t i = 0; i < id.size(); ++i) {
            id[i] = static_cast<std::int64_t>(generator.below(vocabulary));
            target[i] = i % length < 2 ? -100 : id[i - 2];
        }
        const auto p = learner.watched();
        const auto block = [&p](std::span<const Tensor> in) {
            const Tensor normed = ops::rmsNorm(in[0], p.at("norm1"));
            const auto split = [&](const char* name) {
                return ops::transpose(
                    ops::reshape(ops::linear(normed, p.at(name)), {batch, length, heads, width / heads}), 1,
                    2);
            };
            const Tensor mixed = ops::attention(split("q"), split("k"), split("v"), {.causal = true}).output;
            const Tensor joined = ops::reshape(ops::transpose(mixed, 1, 2), {batch, length, width});
            const Tensor x = ops::add(in[0], ops::linear(joined, p.at("o")));
            const Tensor hidden = ops::gelu(ops::linear(ops::layerNorm(x, p.at("norm2"), {}), p.at("up"),
                                                        p.at("up bias"), ops::WeightLayout::InOut));
            return ops::add(x, ops::linear(hidden, p.at("down"), {}, ops::WeightLayout::InOut));
        };
        const Tensor x = ops::add(ops::embedding(p.at("tokens"), ids), p.at("positions"));
        const Tensor y = recomputed(block, {x});
        const Tensor logits = ops::linear(ops::layerNorm(y, p.at("norm3"), {}), p.at("out"));
        const Tensor result = ops::crossEntropy(logits, targets);
        loss = result.item();
        learner.step(p, backward(result, {.checkFinite = true, .release = true}), 0.01);
    }
    EXPECT_LT(loss, 0.2) << "chance is " << std::log(6.0);
}

} // namespace
} // namespace orrery::autograd
