// SPDX-License-Identifier: GPL-3.0-or-later
#include "ops/cast.h"

#include "ops/record.h"

namespace orrery::ops {

Tensor cast(const Tensor& x, DType dtype) {
    if (x.dtype() == dtype)
        return x;
    const Tensor y = x.to(dtype);
    if (!isFloating(dtype) || !isFloating(x.dtype()))
        return y.detached();
    return record("cast", y, {x}, [&] {
        return
            [from = x.dtype()](const Tensor& gradient) -> std::vector<Tensor> { return {gradient.to(from)}; };
    });
}

} // namespace orrery::ops
