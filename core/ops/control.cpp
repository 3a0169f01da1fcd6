// SPDX-License-Identifier: GPL-3.0-or-later
#include "ops/control.h"

#include "ops/elementwise.h"
#include "ops/record.h"

#include <fmt/format.h>

namespace orrery::ops {

Tensor stopGradient(const Tensor& x) {
    return x.detached();
}

Tensor straightThrough(const Tensor& hard, const Tensor& soft) {
    ORRERY_CHECK(hard.shape() == soft.shape() && hard.dtype() == soft.dtype(),
                 fmt::format("straightThrough of {} and {}", hard.shape().toText(), soft.shape().toText()));
    return record("straightThrough", hard, {soft},
                  [] { return [](const Tensor& gradient) -> std::vector<Tensor> { return {gradient}; }; });
}

Tensor scaleGradient(const Tensor& x, double factor) {
    return record("scaleGradient", x, {x}, [factor] {
        return [factor](const Tensor& gradient) -> std::vector<Tensor> { return {scale(gradient, factor)}; };
    });
}

} // namespace orrery::ops
