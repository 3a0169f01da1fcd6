// SPDX-License-Identifier: GPL-3.0-or-later
// The backward of every op of the table: against central differences in f64, and f32 and bf16 against f64.
#include "../ops/op_draw.h"
#include "autograd/backward.h"
#include "autograd/gradient_check.h"
#include "autograd/tape.h"

#include <gtest/gtest.h>

#include <cmath>

namespace orrery::testing {
namespace {

TEST(OpGradients, AgreeWithDifferences) {
    for (const OpCase& op : opTable()) {
        if (!op.differentiable)
            continue;
        EXPECT_TRUE(rc::check("gradient of " + op.name, [&op](const Draw& draw) {
            const auto result =
                autograd::checkGradients([&](Inputs in) { return op.run(in, draw); }, op.inputs(draw),
                                         {.maxElements = 30, .seed = draw.seed});
            if (!result)
                RC_FAIL(result.message);
        })) << op.name;
    }
}

/// Gradients of sum(outputs * weights) with all floating inputs in a dtype.
std::vector<Tensor> gradientsIn(const OpCase& op, const Draw& draw, const Tensors& inputs, DType dtype) {
    Tensors watched;
    for (const Tensor& input : inputs)
        watched.push_back(input.defined() && isFloating(input.dtype()) ? autograd::watch(input.to(dtype))
                                                                       : input);
    Generator generator(draw.seed);
    Tensors tracked;
    Tensors seeds;
    for (const Tensor& output : op.run(watched, draw)) {
        const Tensor weights = normals(output.shape(), generator).to(DType::BF16);
        if (output.tracked()) {
            tracked.push_back(output);
            seeds.push_back(weights.to(output.dtype()));
        }
    }
    const auto gradients = autograd::backward(tracked, seeds);
    Tensors result;
    for (const Tensor& input : watched)
        if (input.defined() && input.tracked())
            result.push_back(gradients.of(input).to(DType::F64));
    return result;
}

void compareWithDouble(const OpCase& op, const Draw& draw, DType dtype, double tolerance) {
    Tensors inputs = op.inputs(draw);
    for (Tensor& input : inputs)
        if (input.defined() && isFloating(input.dtype()))
            input = input.to(dtype);
    const Tensors narrow = gradientsIn(op, draw, inputs, dtype);
    const Tensors wide = gradientsIn(op, draw, inputs, DType::F64);
    RC_ASSERT(narrow.size() == wide.size());
    for (std::size_t i = 0; i < wide.size(); ++i) {
        const auto a = narrow[i].data<double>();
        const auto b = wide[i].data<double>();
        double largest = 1;
        for (const double value : b)
            largest = std::max(largest, std::abs(value));
        for (std::size_t j = 0; j < b.size(); ++j)
            RC_ASSERT(std::abs(a[j] - b[j]) <= tolerance * largest);
    }
}

TEST(OpGradients, SinglePrecisionAgreesWithDouble) {
    for (const OpCase& op : opTable())
        EXPECT_TRUE(rc::check("f32 gradient of " + op.name, [&op](const Draw& draw) {
            compareWithDouble(op, draw, DType::F32, 3e-5);
        })) << op.name;
}

TEST(OpGradients, BrainFloatAgreesWithinItsRounding) {
    for (const OpCase& op : opTable())
        EXPECT_TRUE(rc::check("bf16 gradient of " + op.name, [&op](const Draw& draw) {
            compareWithDouble(op, draw, DType::BF16, 0.03);
        })) << op.name;
}

} // namespace
} // namespace orrery::testing
