// SPDX-License-Identifier: GPL-3.0-or-later
#include "tensor/block_matrix.h"

#include "base/error.h"

namespace orrery {

void BlockMatrix::check() const {
    ORRERY_CHECK(storage != nullptr && rows >= 0 && columns >= 0 && columns % blockElements(format) == 0,
                 "a matrix of whole blocks");
    std::size_t all = 0;
    ORRERY_CHECK(!__builtin_mul_overflow(static_cast<std::size_t>(rows), rowBytes(), &all) &&
                     byteOffset <= storage->bytes() && all <= storage->bytes() - byteOffset,
                 "the blocks lie inside their storage");
    if (order) {
        ORRERY_CHECK(order->size() == static_cast<std::size_t>(rows), "an order of all rows");
        for (const std::int32_t at : *order)
            ORRERY_CHECK(at >= 0 && at < rows, "the order names rows of the matrix");
    }
}

Tensor BlockMatrix::toDense() const {
    const Tensor dense = Tensor::empty({rows, columns});
    float* target = dense.mutablePointer<float>();
    for (std::int64_t i = 0; i < rows; ++i)
        dequantise(format, row(i), target + i * columns, columns);
    return dense;
}

} // namespace orrery
