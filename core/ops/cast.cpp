// SPDX-License-Identifier: GPL-3.0-or-later
#include "ops/cast.h"

#include "kernels/elementwise.h"
#include "ops/record.h"

namespace orrery::ops {
namespace {

Tensor converted(const Tensor& x, DType dtype) {
    const bool fast = (x.dtype() == DType::F32 && dtype == DType::BF16) ||
                      (x.dtype() == DType::BF16 && dtype == DType::F32);
    if (!fast)
        return x.to(dtype);
    Tensor result = Tensor::empty(x.shape(), dtype);
    kernels::cast(x.contiguous(), result);
    return result;
}

} // namespace

Tensor cast(const Tensor& x, DType dtype) {
    if (x.dtype() == dtype)
        return x;
    const Tensor y = converted(x, dtype);
    if (!isFloating(dtype) || !isFloating(x.dtype()))
        return y.detached();
    return record("cast", y, {x}, [&] {
        return [from = x.dtype()](const Tensor& gradient) -> std::vector<Tensor> {
            return {converted(gradient, from)};
        };
    });
}

} // namespace orrery::ops
