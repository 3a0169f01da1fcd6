// SPDX-License-Identifier: GPL-3.0-or-later
#include "ops/attention.h"

#include "kernels/attention.h"
#include "ops/cast.h"
#include "ops/detail.h"
#include "ops/record.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <vector>

namespace orrery::ops {
namespace {

/// Rows may lie apart, elements of a row may not.
Tensor denseRows(const Tensor& t) {
    const Tensor plain = t.detached();
    return plain.strides()[-1] == 1 || plain.size(-1) == 1 ? plain : plain.clone();
}

/// The bias as the kernel wants it: rank 4, leading sizes of 1 added.
Tensor rankFour(const Tensor& bias) {
    Tensor raised = bias.detached();
    while (raised.rank() < 4)
        raised = raised.unsqueeze(0);
    return raised;
}

void checkShapes(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionMask& mask) {
    const bool ranks = q.rank() == 4 && k.rank() == 4 && v.rank() == 4;
    ORRERY_CHECK(ranks && k.size(0) == q.size(0) && v.size(0) == q.size(0) && k.size(1) == v.size(1) &&
                     k.size(2) == v.size(2) && k.size(3) == q.size(3) && k.size(1) > 0 &&
                     q.size(1) % k.size(1) == 0,
                 fmt::format("attention of queries {}, keys {} and values {}", q.shape().toText(),
                             k.shape().toText(), v.shape().toText()));
    ORRERY_CHECK(!mask.keys.defined() || mask.keys.shape() == (Shape{q.size(0), k.size(2)}),
                 fmt::format("a key mask of {} for keys {}", mask.keys.shape().toText(), k.shape().toText()));
    ORRERY_CHECK(mask.window >= 1, "a window sees at least itself");
    ORRERY_CHECK(!mask.bias.defined() || mask.bias.rank() <= 4,
                 "a bias broadcasts to [batch, heads, queries, keys]");
}

/// Gradients of one call, those not needed undefined. The kernel writes over them; zeros are for what is
/// empty.
std::vector<Tensor> backward(const kernels::AttentionProblem& problem, const Tensor& output,
                             const Tensor& lse, const Tensor& gradient, const std::array<bool, 4>& needed,
                             const Shape& biasShape) {
    const auto made = [&](bool wanted, const Tensor& like) {
        return wanted ? Tensor::zeros(like.shape(), like.dtype()) : Tensor();
    };
    const kernels::AttentionGradients to{made(needed[0], problem.query), made(needed[1], problem.key),
                                         made(needed[2], problem.value),
                                         needed[3] ? made(true, problem.bias) : Tensor()};
    kernels::attentionBackward(problem, output, lse, denseRows(gradient), to);
    return {to.dQuery, to.dKey, to.dValue, needed[3] ? to.dBias.reshape(biasShape) : Tensor()};
}

} // namespace

AttentionResult attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionMask& mask,
                          double scale) {
    checkShapes(q, k, v, mask);
    const DType dtype =
        detail::widest("attention", q.dtype(), detail::widest("attention", k.dtype(), v.dtype()));
    const std::array<bool, 4> needed{q.tracked(), k.tracked(), v.tracked(), mask.bias.tracked()};
    const bool tracked = needed[0] || needed[1] || needed[2] || needed[3];
    // The kernel reads bf16, but differentiates in f32.
    const DType inner = dtype == DType::BF16 && tracked ? DType::F32 : dtype;
    if (q.dtype() != inner || k.dtype() != inner || v.dtype() != inner) {
        const AttentionResult wide = attention(cast(q, inner), cast(k, inner), cast(v, inner), mask, scale);
        return {cast(wide.output, dtype), wide.logSumExp};
    }
    const DType sums = dtype == DType::F64 ? dtype : DType::F32;
    const Tensor bias = mask.bias.defined() ? cast(mask.bias, sums) : Tensor();
    kernels::AttentionProblem problem;
    problem.query = denseRows(q);
    problem.key = denseRows(k);
    problem.value = denseRows(v);
    problem.scale = scale != 0 ? scale : 1 / std::sqrt(static_cast<double>(q.size(3)));
    problem.causal = mask.causal;
    problem.queryOffset = mask.queryOffset;
    problem.window = mask.window;
    if (mask.keys.defined())
        problem.keyMask = mask.keys.detached().to(DType::Bool);
    if (bias.defined())
        problem.bias = rankFour(bias);
    // Heads lie side by side in memory, as the projection that follows wants them.
    const Tensor output = Tensor::empty({q.size(0), q.size(2), q.size(1), v.size(3)}, inner).transpose(1, 2);
    const Tensor lse = Tensor::empty({q.size(0), q.size(1), q.size(2)}, sums);
    kernels::attention(problem, output, lse);
    const Tensor recorded = record("attention", output, {q, k, v, bias}, [&] {
        return [problem, output, lse, needed,
                shape = bias.shape()](const Tensor& gradient) -> std::vector<Tensor> {
            return backward(problem, output, lse, gradient, needed, shape);
        };
    });
    return {recorded, lse};
}

} // namespace orrery::ops
