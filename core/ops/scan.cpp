// SPDX-License-Identifier: GPL-3.0-or-later
#include "ops/scan.h"

#include "ops/cast.h"
#include "ops/detail.h"
#include "ops/record.h"

namespace orrery::ops {

Tensor cumulativeSum(const Tensor& x, int dimension, bool reversed, bool exclusive) {
    if (x.dtype() == DType::BF16)
        return cast(cumulativeSum(cast(x, DType::F32), dimension, reversed, exclusive), DType::BF16);
    const int front = detail::frontDimension("cumulativeSum", x, dimension);
    const Tensor input = x.contiguous();
    const Tensor y = Tensor::empty(x.shape(), x.dtype());
    const detail::Axis axis = detail::axisOf(x.shape(), front);
    detail::withReal("cumulativeSum", x.dtype(), [&]<typename T>(T) {
        const T* from = input.pointer<T>();
        T* to = y.mutablePointer<T>();
        for (std::int64_t o = 0; o < axis.outer; ++o)
            for (std::int64_t i = 0; i < axis.inner; ++i) {
                double total = 0;
                for (std::int64_t n = 0; n < axis.size; ++n) {
                    const std::int64_t s = reversed ? axis.size - 1 - n : n;
                    const std::int64_t at = (o * axis.size + s) * axis.inner + i;
                    const double next = total + static_cast<double>(from[at]);
                    to[at] = static_cast<T>(exclusive ? total : next);
                    total = next;
                }
            }
    });
    return record("cumulativeSum", y, {x}, [&] {
        return [=](const Tensor& g) -> std::vector<Tensor> {
            return {cumulativeSum(g, front, !reversed, exclusive)};
        };
    });
}

} // namespace orrery::ops
