// SPDX-License-Identifier: GPL-3.0-or-later
// f32 and bf16 against f64, for every op of the table.
#include "op_draw.h"

#include <gtest/gtest.h>

#include <cmath>

namespace orrery::testing {
namespace {

Tensors converted(const Tensors& inputs, DType dtype) {
    Tensors result;
    for (const Tensor& input : inputs)
        result.push_back(input.defined() && isFloating(input.dtype()) ? input.to(dtype) : input);
    return result;
}

/// |a - b| <= relative |b| + absolute, element by element; b is in f64.
void requireNear(const Tensor& a, const Tensor& b, double relative, double absolute) {
    RC_ASSERT(a.shape() == b.shape());
    const Tensor left = a.to(DType::F64);
    const Tensor right = b.to(DType::F64);
    for (std::size_t i = 0; i < left.data<double>().size(); ++i) {
        const double x = left.data<double>()[i];
        const double y = right.data<double>()[i];
        if (!(x == y) && !(std::isnan(x) && std::isnan(y)))
            RC_ASSERT(std::abs(x - y) <= relative * std::abs(y) + absolute);
    }
}

TEST(OpTable, SinglePrecisionAgreesWithDouble) {
    for (const OpCase& op : opTable())
        EXPECT_TRUE(rc::check(op.name + " in f32", [&op](const Draw& draw) {
            const Tensors inputs = converted(op.inputs(draw), DType::F32); // the same numbers for both
            const Tensors narrow = op.run(inputs, draw);
            const Tensors wide = op.run(converted(inputs, DType::F64), draw);
            RC_ASSERT(narrow.size() == wide.size());
            for (std::size_t i = 0; i < wide.size(); ++i)
                requireNear(narrow[i], wide[i], 1e-5, 1e-5);
        })) << op.name;
}

TEST(OpTable, BrainFloatRoundsOnce) {
    for (const OpCase& op : opTable())
        EXPECT_TRUE(rc::check(op.name + " in bf16", [&op](const Draw& draw) {
            const Tensors inputs = converted(op.inputs(draw), DType::BF16);
            const Tensors narrow = op.run(inputs, draw);
            const Tensors wide = op.run(converted(inputs, DType::F64), draw);
            // Half a unit in the last place of 8 bits; cases made of two ops round twice, and square that.
            for (std::size_t i = 0; i < wide.size(); ++i)
                requireNear(narrow[i], wide[i], 5 * 0x1p-9, 1e-2);
        })) << op.name;
}

TEST(OpTable, NothingIsRecordedOfConstants) {
    for (const OpCase& op : opTable())
        for (const Tensor& output : op.run(op.inputs(Draw{}), Draw{}))
            EXPECT_FALSE(output.tracked()) << op.name;
}

} // namespace
} // namespace orrery::testing
