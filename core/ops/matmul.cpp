// SPDX-License-Identifier: GPL-3.0-or-later
#include "ops/matmul.h"

#include "kernels/cpu.h"
#include "onednn/matmul.h"
#include "ops/cast.h"
#include "ops/detail.h"
#include "ops/elementwise.h"
#include "ops/record.h"
#include "ops/reduce.h"
#include "ops/shaping.h"

#include <fmt/format.h>

namespace orrery::ops {
namespace {

Shape batchOf(const Tensor& x) {
    return Shape(x.shape().sizes().first(static_cast<std::size_t>(x.rank() - 2)));
}

/// a and b of one dtype.
Tensor product(const Tensor& a, const Tensor& b, bool transposeA, bool transposeB, DType dtype) {
    Shape shape = broadcastShape(batchOf(a), batchOf(b));
    shape.append(a.size(transposeA ? -1 : -2));
    shape.append(b.size(transposeB ? -2 : -1));
    Tensor result = Tensor::empty(shape, dtype);
    onednn::matmul(a, b, transposeA, transposeB, result);
    return result;
}

/// oneDNN multiplies bf16 where the processor does.
bool multiplies(DType dtype) {
    return dtype != DType::BF16 || kernels::isa() >= kernels::Isa::Avx512Bf16;
}

/// a and b of one dtype that the engine multiplies, recorded; the product may be of a wider dtype than they.
Tensor recordedProduct(const Tensor& a, const Tensor& b, bool transposeA, bool transposeB, DType dtype) {
    return record("matmul", product(a, b, transposeA, transposeB, dtype), {a, b}, [&] {
        return [transposeA, transposeB, keptA = b.tracked() ? saved(a) : Tensor(),
                keptB = a.tracked() ? saved(b) : Tensor(), shapeA = a.shape(), shapeB = b.shape(),
                inner = a.dtype()](const Tensor& gradient) -> std::vector<Tensor> {
            const Tensor g = cast(gradient, inner);
            std::vector<Tensor> gradients(2);
            if (keptB.defined())
                gradients[0] = sumToShape(transposeA ? product(keptB, g, transposeB, true, inner)
                                                     : product(g, keptB, false, !transposeB, inner),
                                          shapeA);
            if (keptA.defined())
                gradients[1] = sumToShape(transposeB ? product(g, keptA, true, transposeA, inner)
                                                     : product(keptA, g, !transposeA, false, inner),
                                          shapeB);
            return gradients;
        };
    });
}

} // namespace

Tensor matmul(const Tensor& a, const Tensor& b, bool transposeA, bool transposeB) {
    ORRERY_CHECK(a.rank() >= 2 && b.rank() >= 2,
                 fmt::format("matmul of matrices, not of {} and {}", a.shape().toText(), b.shape().toText()));
    ORRERY_CHECK(a.size(transposeA ? -2 : -1) == b.size(transposeB ? -1 : -2),
                 fmt::format("matmul of {}{} and {}{}", a.shape().toText(), transposeA ? " transposed" : "",
                             b.shape().toText(), transposeB ? " transposed" : ""));
    const DType dtype = detail::widest("matmul", a.dtype(), b.dtype());
    if (!multiplies(dtype))
        return cast(matmul(cast(a, DType::F32), cast(b, DType::F32), transposeA, transposeB), DType::BF16);
    if (a.dtype() != dtype || b.dtype() != dtype)
        return matmul(cast(a, dtype), cast(b, dtype), transposeA, transposeB);
    if (a.rank() > 2 && b.rank() == 2 && !transposeA && a.elements() > 0) {
        // One tall product, and one in backward, instead of a batch of small ones that must be summed.
        const Tensor rows = matmul(reshape(a, {-1, a.size(-1)}), b, false, transposeB);
        return reshape(rows, a.shape().with(-1, rows.size(-1)));
    }
    return recordedProduct(a, b, transposeA, transposeB, dtype);
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, WeightLayout layout) {
    const bool outIn = layout == WeightLayout::OutIn;
    ORRERY_CHECK(x.rank() >= 1 && weight.rank() == 2 && x.size(-1) == weight.size(outIn ? 1 : 0),
                 fmt::format("linear of {} by a weight of {}", x.shape().toText(), weight.shape().toText()));
    ORRERY_CHECK(!bias.defined() || bias.shape() == Shape{weight.size(outIn ? 0 : 1)},
                 fmt::format("linear by a weight of {} with a bias of {}", weight.shape().toText(),
                             bias.shape().toText()));
    const DType dtype = detail::widest("linear", x.dtype(), weight.dtype());
    const DType inner = multiplies(dtype) ? dtype : DType::F32;
    // The bias is added before bf16 is rounded to, so that it rounds once.
    const DType wide = dtype == DType::F64 ? dtype : DType::F32;
    const std::int64_t rows = x.shape().without(-1).elements();
    const Tensor y =
        recordedProduct(reshape(cast(x, inner), {rows, x.size(-1)}), cast(weight, inner), false, outIn, wide);
    const Tensor shifted = bias.defined() ? add(y, bias) : y;
    return reshape(cast(shifted, dtype), x.shape().with(-1, y.size(-1)));
}

} // namespace orrery::ops
