// SPDX-License-Identifier: GPL-3.0-or-later
#include "onednn/matmul.h"

#include "base/error.h"
#include "base/operation_observer.h"
#include "kernels/threads.h"
#include "onednn/library.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::onednn {
namespace {

/// The tensor with `rank` dimensions, leading ones of size 1 added.
Tensor withRank(Tensor tensor, int rank) {
    while (tensor.rank() < rank)
        tensor = tensor.unsqueeze(0);
    return tensor;
}

bool readable(const Tensor& matrix) {
    const std::int64_t rowStride = matrix.strides()[-2];
    const std::int64_t columnStride = matrix.strides()[-1];
    const bool rowMajor = columnStride == 1 && rowStride >= matrix.size(-1);
    const bool columnMajor = rowStride == 1 && columnStride >= matrix.size(-2);
    return rowMajor || columnMajor;
}

/// The operand as oneDNN can read it: dense one way or the other, sizes 1 where it repeats.
Tensor prepared(const Tensor& tensor, bool transposed, int rank) {
    Tensor matrix = withRank(transposed ? tensor.transpose(-2, -1) : tensor, rank);
    for (int i = 0; i < rank - 2; ++i) // an expanded dimension is read as what it repeats
        if (matrix.size(i) > 1 && matrix.strides()[i] == 0)
            matrix = matrix.slice(i, 0, 1);
    return readable(matrix) ? matrix : matrix.contiguous();
}

Operand operandOf(const Tensor& tensor, void* data) {
    Operand operand;
    operand.data = data;
    operand.dtype = tensor.dtype();
    operand.sizes = tensor.shape();
    operand.strides = tensor.strides();
    // A dimension of one element may have any stride; the library is picky about some of them.
    const int rank = tensor.rank();
    if (operand.sizes[-1] == 1 && operand.sizes[-2] > 1 && operand.strides[-2] == 1)
        operand.strides[-1] = operand.sizes[-2];
    for (int i = rank - 1; i >= 0; --i)
        if (operand.sizes[i] == 1 && !(i == rank - 1 && operand.sizes[-2] > 1 && operand.strides[-2] == 1))
            operand.strides[i] = i == rank - 1 ? 1 : operand.sizes[i + 1] * operand.strides[i + 1];
    return operand;
}

/// Plain loops in f64.
void exactMatmul(const Tensor& a, const Tensor& b, const Tensor& c, bool accumulate) {
    const int rank = c.rank();
    const std::int64_t m = c.size(-2);
    const std::int64_t n = c.size(-1);
    const std::int64_t depth = a.size(-1);
    std::int64_t batches = 1;
    for (int i = 0; i < rank - 2; ++i)
        batches *= c.size(i);
    const double* x = a.pointer<double>();
    const double* y = b.pointer<double>();
    double* out = c.mutablePointer<double>();
    kernels::parallelFor(batches * m, std::max<std::int64_t>(1, 20000 / std::max<std::int64_t>(1, n * depth)),
                         [&](std::int64_t begin, std::int64_t end) {
                             for (std::int64_t row = begin; row < end; ++row) {
                                 std::int64_t batch = row / m;
                                 const std::int64_t i = row % m;
                                 std::int64_t ax = i * a.strides()[-2];
                                 std::int64_t by = 0;
                                 std::int64_t cz = i * c.strides()[-2];
                                 for (int d = rank - 3; d >= 0; --d) {
                                     const std::int64_t index = batch % c.size(d);
                                     batch /= c.size(d);
                                     ax += a.size(d) == 1 ? 0 : index * a.strides()[d];
                                     by += b.size(d) == 1 ? 0 : index * b.strides()[d];
                                     cz += index * c.strides()[d];
                                 }
                                 for (std::int64_t j = 0; j < n; ++j) {
                                     double total = accumulate ? out[cz + j * c.strides()[-1]] : 0.0;
                                     for (std::int64_t k = 0; k < depth; ++k)
                                         total += x[ax + k * a.strides()[-1]] *
                                                  y[by + k * b.strides()[-2] + j * b.strides()[-1]];
                                     out[cz + j * c.strides()[-1]] = total;
                                 }
                             }
                         });
}

} // namespace

void matmul(const Tensor& a, const Tensor& b, bool transposeA, bool transposeB, const Tensor& out,
            bool accumulate) {
    ORRERY_CHECK(a.rank() >= 2 && b.rank() >= 2 && out.rank() >= 2, "matrices have two dimensions");
    ORRERY_CHECK(a.dtype() == b.dtype(), "both factors are of one dtype");
    const int rank = out.rank();
    ORRERY_CHECK(a.rank() <= rank && b.rank() <= rank, "the result has all leading dimensions");
    const Tensor x = prepared(a, transposeA, rank);
    const Tensor y = prepared(b, transposeB, rank);
    ORRERY_CHECK(x.size(-1) == y.size(-2) && x.size(-2) == out.size(-2) && y.size(-1) == out.size(-1),
                 fmt::format("{}{} times {}{} does not give {}", a.shape().toText(), transposeA ? "^T" : "",
                             b.shape().toText(), transposeB ? "^T" : "", out.shape().toText()));
    for (int i = 0; i < rank - 2; ++i)
        ORRERY_CHECK((x.size(i) == 1 || x.size(i) == out.size(i)) &&
                         (y.size(i) == 1 || y.size(i) == out.size(i)),
                     "leading dimensions broadcast to those of the result");
    if (out.elements() == 0)
        return;
    for (int i = 0; i < rank - 2; ++i)
        if (x.size(i) == 1 && y.size(i) == 1 && out.size(i) > 1) { // the same product over and over
            for (std::int64_t j = 0; j < out.size(i); ++j)
                matmul(x, y, false, false, out.slice(i, j, j + 1), accumulate);
            return;
        }
    if (x.size(-1) == 0) {
        if (!accumulate)
            out.fill(0);
        return;
    }
    std::string implementation = "portable";
    observed(
        [&] {
            if (a.dtype() == DType::F64) {
                ORRERY_CHECK(out.dtype() == DType::F64, "f64 factors give an f64 product");
                exactMatmul(x, y, out, accumulate);
                return;
            }
            ORRERY_CHECK(out.strides()[-1] == 1 || out.size(-1) == 1, "the result has dense rows");
            implementation = libraryMatmul(operandOf(x, const_cast<std::byte*>(x.rawData())),
                                           operandOf(y, const_cast<std::byte*>(y.rawData())),
                                           operandOf(out, out.mutableRawData()), accumulate);
        },
        [&] {
            Operation operation;
            operation.kind = "matmul";
            operation.description = fmt::format("{}x{} {}:{}", x.shape().toText(), y.shape().toText(),
                                                name(x.dtype()), name(out.dtype()));
            operation.implementation = implementation;
            operation.flops = 2 * static_cast<double>(out.elements()) * static_cast<double>(x.size(-1));
            operation.bytes = static_cast<double>(x.bytes() + y.bytes() + out.bytes());
            return operation;
        });
}

} // namespace orrery::onednn
