// SPDX-License-Identifier: GPL-3.0-or-later
#include "ops/dropout.h"

#include "ops/elementwise.h"
#include "ops/record.h"

#include <fmt/format.h>

namespace orrery::ops {

Tensor dropout(const Tensor& x, double probability, Generator& generator) {
    if (!(probability >= 0 && probability < 1))
        throw UsageError(fmt::format("A dropout probability lies in [0, 1); {} does not.", probability));
    if (probability == 0)
        return x;
    const Tensor kept = Tensor::empty(x.shape(), DType::Bool);
    for (bool& keep : kept.mutableData<bool>())
        keep = generator.uniform() >= probability;
    const double factor = 1 / (1 - probability);
    const Tensor zero = Tensor::zeros({}, x.dtype());
    return record("dropout", where(kept, scale(x.detached(), factor), zero), {x}, [&] {
        return [kept, factor, zero](const Tensor& g) -> std::vector<Tensor> {
            return {where(kept, scale(g, factor), zero)};
        };
    });
}

} // namespace orrery::ops
