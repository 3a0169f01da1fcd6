// SPDX-License-Identifier: GPL-3.0-or-later
#include "ops/detail.h"

#include <fmt/format.h>

namespace orrery::ops::detail {

void unsupported(std::string_view op, DType dtype) {
    throw Error(
        fmt::format("{} works on f32, f64 and bf16, not on {}; convert the tensor first.", op, name(dtype)));
}

DType widest(std::string_view op, DType a, DType b) {
    for (const DType dtype : {a, b})
        if (dtype != DType::F32 && dtype != DType::F64 && dtype != DType::BF16)
            unsupported(op, dtype);
    if (a == DType::F64 || b == DType::F64)
        return DType::F64;
    return a == DType::F32 || b == DType::F32 ? DType::F32 : DType::BF16;
}

int frontDimension(std::string_view op, const Tensor& x, int dimension) {
    const int front = dimension < 0 ? dimension + x.rank() : dimension;
    ORRERY_CHECK(front >= 0 && front < x.rank(),
                 fmt::format("{}: dimension {} of shape {}", op, dimension, x.shape().toText()));
    return front;
}

Axis axisOf(const Shape& shape, int dimension) {
    Axis axis;
    for (int d = 0; d < shape.rank(); ++d) {
        if (d < dimension)
            axis.outer *= shape[d];
        else if (d == dimension)
            axis.size = shape[d];
        else
            axis.inner *= shape[d];
    }
    return axis;
}

} // namespace orrery::ops::detail
