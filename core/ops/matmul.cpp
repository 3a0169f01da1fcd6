// SPDX-License-Identifier: GPL-3.0-or-later
#include "ops/matmul.h"

#include "ops/cast.h"
#include "ops/detail.h"
#include "ops/elementwise.h"
#include "ops/gemm.h"
#include "ops/record.h"
#include "ops/reduce.h"
#include "ops/shaping.h"

#include <fmt/format.h>

namespace orrery::ops {
namespace {

/// A batch of matrices whose rows or columns are dense; others are copied once.
struct Operand {
    Tensor tensor;
    bool transposed = false;
    std::int64_t step = 0;

    Operand(const Tensor& source, bool wanted) : tensor(source.detached()), transposed(wanted) {
        const auto dense = [this](int d) { return tensor.strides()[d] == 1 || tensor.size(d) == 1; };
        if (!dense(-1) && !dense(-2))
            tensor = tensor.clone();
        if (dense(-1)) {
            step = tensor.strides()[-2];
        } else {
            transposed = !transposed;
            step = tensor.strides()[-1];
        }
    }
};

Shape batchOf(const Tensor& x) {
    return Shape(x.shape().sizes().first(static_cast<std::size_t>(x.rank() - 2)));
}

Shape withMatrix(Shape batch, std::int64_t rows, std::int64_t columns) {
    batch.append(rows);
    batch.append(columns);
    return batch;
}

/// a and b of one dtype, f32 or f64.
Tensor product(const Tensor& a, const Tensor& b, bool transposeA, bool transposeB) {
    const std::int64_t m = a.size(transposeA ? -1 : -2);
    const std::int64_t k = a.size(transposeA ? -2 : -1);
    const std::int64_t n = b.size(transposeB ? -2 : -1);
    const Shape batch = broadcastShape(batchOf(a), batchOf(b));
    const Tensor result = Tensor::empty(withMatrix(batch, m, n), a.dtype());
    if (result.elements() == 0)
        return result;
    Operand left(a, transposeA);
    Operand right(b, transposeB);
    left.tensor = left.tensor.expand(withMatrix(batch, a.size(-2), a.size(-1)));
    right.tensor = right.tensor.expand(withMatrix(batch, b.size(-2), b.size(-1)));
    const auto offset = [&batch](const Tensor& t, std::int64_t index) {
        std::int64_t at = 0;
        for (int d = batch.rank() - 1; d >= 0; --d) {
            at += index % batch[d] * t.strides()[d];
            index /= batch[d];
        }
        return at;
    };
    constexpr std::int64_t block = 16; // rows a task
    const std::int64_t blocks = (m + block - 1) / block;
    detail::withReal("matmul", a.dtype(), [&]<typename T>(T) {
        const T* x = left.tensor.pointer<T>();
        const T* y = right.tensor.pointer<T>();
        T* z = result.mutablePointer<T>();
        const std::int64_t grain =
            std::max<std::int64_t>(1, 65536 / std::max<std::int64_t>(1, block * n * k));
        detail::inParallel(batch.elements() * blocks, grain, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t task = begin; task < end; ++task) {
                const std::int64_t index = task / blocks;
                const std::int64_t row = task % blocks * block;
                const T* rows = x + offset(left.tensor, index) + (left.transposed ? row : row * left.step);
                detail::gemm<T>(std::min(block, m - row), n, k, T(1), {rows, left.step, left.transposed},
                                {y + offset(right.tensor, index), right.step, right.transposed}, T(0),
                                z + (index * m + row) * n, n);
            }
        });
    });
    return result;
}

} // namespace

Tensor matmul(const Tensor& a, const Tensor& b, bool transposeA, bool transposeB) {
    ORRERY_CHECK(a.rank() >= 2 && b.rank() >= 2,
                 fmt::format("matmul of matrices, not of {} and {}", a.shape().toText(), b.shape().toText()));
    ORRERY_CHECK(a.size(transposeA ? -2 : -1) == b.size(transposeB ? -1 : -2),
                 fmt::format("matmul of {}{} and {}{}", a.shape().toText(), transposeA ? " transposed" : "",
                             b.shape().toText(), transposeB ? " transposed" : ""));
    const DType dtype = detail::widest("matmul", a.dtype(), b.dtype());
    if (dtype == DType::BF16)
        return cast(matmul(cast(a, DType::F32), cast(b, DType::F32), transposeA, transposeB), DType::BF16);
    if (a.dtype() != dtype || b.dtype() != dtype)
        return matmul(cast(a, dtype), cast(b, dtype), transposeA, transposeB);
    if (a.rank() > 2 && b.rank() == 2 && !transposeA && a.elements() > 0) {
        // One tall product, and one in backward, instead of a batch of small ones that must be summed.
        const Tensor rows = matmul(reshape(a, {-1, a.size(-1)}), b, false, transposeB);
        return reshape(rows, a.shape().with(-1, rows.size(-1)));
    }
    return record("matmul", product(a, b, transposeA, transposeB), {a, b}, [&] {
        return [transposeA, transposeB, keptA = b.tracked() ? saved(a) : Tensor(),
                keptB = a.tracked() ? saved(b) : Tensor(), shapeA = a.shape(),
                shapeB = b.shape()](const Tensor& g) -> std::vector<Tensor> {
            std::vector<Tensor> gradients(2);
            if (keptB.defined())
                gradients[0] = sumToShape(transposeA ? matmul(keptB, g, transposeB, true)
                                                     : matmul(g, keptB, false, !transposeB),
                                          shapeA);
            if (keptA.defined())
                gradients[1] = sumToShape(transposeB ? matmul(g, keptA, true, transposeA)
                                                     : matmul(keptA, g, !transposeA, false),
                                          shapeB);
            return gradients;
        };
    });
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, WeightLayout layout) {
    const bool outIn = layout == WeightLayout::OutIn;
    ORRERY_CHECK(x.rank() >= 1 && weight.rank() == 2 && x.size(-1) == weight.size(outIn ? 1 : 0),
                 fmt::format("linear of {} by a weight of {}", x.shape().toText(), weight.shape().toText()));
    ORRERY_CHECK(!bias.defined() || bias.shape() == Shape{weight.size(outIn ? 0 : 1)},
                 fmt::format("linear by a weight of {} with a bias of {}", weight.shape().toText(),
                             bias.shape().toText()));
    if (x.dtype() == DType::BF16 && weight.dtype() == DType::BF16) // in one go, so that it rounds once
        return cast(linear(cast(x, DType::F32), cast(weight, DType::F32), bias, layout), DType::BF16);
    const std::int64_t rows = x.size(-1) == 0 ? x.shape().without(-1).elements() : x.elements() / x.size(-1);
    const Tensor y = matmul(reshape(x, {rows, x.size(-1)}), weight, false, outIn);
    const Tensor shifted = bias.defined() ? add(y, bias) : y;
    return reshape(shifted, x.shape().with(-1, y.size(-1)));
}

} // namespace orrery::ops
