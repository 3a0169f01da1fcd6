// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Every public op, once or more: what it is tried on. An op that is not in this table is not tested; add
// yours.

#include "base/random.h"
#include "ops/attention.h"
#include "ops/cast.h"
#include "ops/control.h"
#include "ops/convolution.h"
#include "ops/dropout.h"
#include "ops/elementwise.h"
#include "ops/indexing.h"
#include "ops/loss.h"
#include "ops/matmul.h"
#include "ops/norm.h"
#include "ops/reduce.h"
#include "ops/scan.h"
#include "ops/shaping.h"
#include "ops/softmax.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace orrery::testing {

/// Sizes and choices of one trial, drawn by the property so that they shrink.
struct Draw {
    std::int64_t a = 2; ///< sizes, each 0 to 5
    std::int64_t b = 3;
    std::int64_t c = 4;
    int variant = 0; ///< 0 to 7: which dimensions broadcast, which options are on
    std::uint64_t seed = 1;

    [[nodiscard]] bool bit(int number) const { return ((variant >> number) & 1) != 0; }
    [[nodiscard]] std::int64_t positive(std::int64_t size) const { return size + 1; }
};

using Tensors = std::vector<Tensor>;
using Inputs = std::span<const Tensor>;

struct OpCase {
    std::string name;
    std::function<Tensors(const Draw&)> inputs; ///< in f64 and integers
    std::function<Tensors(Inputs, const Draw&)> run;
    bool differentiable = true;
};

inline Tensor normals(const Shape& shape, Generator& generator, double spread = 1) {
    Tensor result = Tensor::empty(shape, DType::F64);
    for (double& value : result.mutableData<double>())
        value = spread * generator.normal();
    return result;
}

/// In [low, high).
inline Tensor uniforms(const Shape& shape, Generator& generator, double low, double high) {
    Tensor result = Tensor::empty(shape, DType::F64);
    for (double& value : result.mutableData<double>())
        value = generator.uniform(low, high);
    return result;
}

/// All different and none near 0 (multiples of 1/16 from 1/32 on, which bf16 holds too): for functions with
/// kinks and orders.
inline Tensor distinct(const Shape& shape, Generator& generator) {
    Tensor result = Tensor::empty(shape, DType::F64);
    const auto values = result.mutableData<double>();
    const auto middle = static_cast<double>(values.size() - values.size() % 2) / 2;
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = (static_cast<double>(i) - middle) / 16 + 1.0 / 32;
    for (std::size_t i = values.size(); i > 1; --i)
        std::swap(values[i - 1], values[static_cast<std::size_t>(generator.below(i))]);
    return result;
}

inline Tensor integers(const Shape& shape, Generator& generator, std::int64_t bound) {
    Tensor result = Tensor::empty(shape, DType::I64);
    for (std::int64_t& value : result.mutableData<std::int64_t>())
        value = static_cast<std::int64_t>(generator.below(static_cast<std::uint64_t>(bound)));
    return result;
}

/// Two shapes that broadcast: some dimensions of size 1, some missing.
inline std::pair<Shape, Shape> broadcastPair(const Draw& d) {
    Shape left{d.a, d.b, d.c};
    Shape right = d.bit(0) ? Shape{d.b, d.c} : Shape{d.a, d.b, d.c};
    if (d.bit(1))
        right[-1] = 1;
    if (d.bit(2))
        left[1] = 1;
    return {left, right};
}

inline OpCase unaryCase(std::string name, Tensor (*op)(const Tensor&), bool kinks = false, double low = -3,
                        double high = 3) {
    return {std::move(name),
            [=](const Draw& d) {
                Generator generator(d.seed);
                const Shape shape{d.a, d.b, d.c};
                return Tensors{kinks ? distinct(shape, generator) : uniforms(shape, generator, low, high)};
            },
            [op](Inputs in, const Draw& d) {
                // Every second time on a strided view.
                return Tensors{op(d.bit(0) ? ops::transpose(in[0], 0, 2) : in[0])};
            }};
}

inline OpCase binaryCase(std::string name, Tensor (*op)(const Tensor&, const Tensor&), bool kinks = false,
                         bool positive = false) {
    return {std::move(name),
            [=](const Draw& d) {
                Generator generator(d.seed);
                const auto [left, right] = broadcastPair(d);
                if (kinks) { // no element of one is near an element of the other
                    const Tensor a = distinct(left, generator);
                    return Tensors{a, ops::addScalar(distinct(right, generator), 1.0 / 32)};
                }
                return Tensors{normals(left, generator),
                               positive ? uniforms(right, generator, 0.5, 2) : normals(right, generator)};
            },
            [op](Inputs in, const Draw&) { return Tensors{op(in[0], in[1])}; }};
}

/// A function of one tensor of normals [a, b, c] (each at least 1 when filled).
inline OpCase plainCase(std::string name, const std::function<Tensor(const Tensor&, const Draw&)>& run,
                        bool filled = false, bool apart = false) {
    return {std::move(name),
            [=](const Draw& d) {
                Generator generator(d.seed);
                const std::int64_t more = filled ? 1 : 0;
                const Shape shape{d.a + more, d.b + more, d.c + more};
                return Tensors{apart ? distinct(shape, generator) : normals(shape, generator)};
            },
            [run](Inputs in, const Draw& d) { return Tensors{run(in[0], d)}; }};
}

std::vector<OpCase> opTable();

} // namespace orrery::testing

#include "op_table_cases.h"
