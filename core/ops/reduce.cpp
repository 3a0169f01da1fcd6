// SPDX-License-Identifier: GPL-3.0-or-later
#include "ops/reduce.h"

#include "ops/cast.h"
#include "ops/detail.h"
#include "ops/elementwise.h"
#include "ops/indexing.h"
#include "ops/record.h"
#include "ops/shaping.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace orrery::ops {
namespace {

using detail::Axis;
using detail::withReal;

/// Which dimensions a reduction is over, and the shapes it makes.
struct Plan {
    std::array<bool, Shape::maxRank> reduced{};
    Shape kept;   ///< with sizes of 1
    Shape result; ///< without them
    std::int64_t count = 1;
};

Plan planOf(std::string_view op, const Tensor& x, const std::vector<int>& dimensions) {
    Plan plan;
    for (const int dimension : dimensions)
        plan.reduced[static_cast<std::size_t>(detail::frontDimension(op, x, dimension))] = true;
    for (int d = 0; d < x.rank(); ++d) {
        const bool reduced = dimensions.empty() || plan.reduced[static_cast<std::size_t>(d)];
        plan.reduced[static_cast<std::size_t>(d)] = reduced;
        plan.kept.append(reduced ? 1 : x.size(d));
        if (reduced)
            plan.count *= x.size(d);
        else
            plan.result.append(x.size(d));
    }
    return plan;
}

/// Brings the reduced dimensions together, by a copy only when they are apart.
std::pair<Tensor, Axis> gathered(const Tensor& x, const Plan& plan) {
    int first = -1;
    int last = -1;
    int count = 0;
    for (int d = 0; d < x.rank(); ++d) {
        if (!plan.reduced[static_cast<std::size_t>(d)])
            continue;
        first = first < 0 ? d : first;
        last = d;
        ++count;
    }
    Axis axis;
    axis.size = plan.count;
    if (count == 0 || last - first + 1 == count) {
        for (int d = 0; d < x.rank(); ++d) {
            if (count == 0 || d < first)
                axis.outer *= x.size(d);
            else if (d > last)
                axis.inner *= x.size(d);
        }
        return {x.contiguous(), axis};
    }
    std::vector<int> order;
    for (const bool reduced : {false, true})
        for (int d = 0; d < x.rank(); ++d)
            if (plan.reduced[static_cast<std::size_t>(d)] == reduced)
                order.push_back(d);
    axis.outer = plan.result.elements();
    return {x.permute(order).contiguous(), axis};
}

template <typename T>
double sumRow(const T* values, std::int64_t count) {
    double total = 0;
#pragma omp simd reduction(+ : total)
    for (std::int64_t i = 0; i < count; ++i)
        total += static_cast<double>(values[i]);
    return total;
}

template <typename T>
void sumAxis(const T* x, T* y, const Axis& axis) {
    if (axis.inner == 1) {
        detail::inParallel(
            axis.outer, std::max<std::int64_t>(1, detail::lightGrain / std::max<std::int64_t>(1, axis.size)),
            [=](std::int64_t begin, std::int64_t end) {
                for (std::int64_t o = begin; o < end; ++o)
                    y[o] = static_cast<T>(sumRow(x + o * axis.size, axis.size));
            });
        return;
    }
    constexpr std::int64_t width = 256; // columns summed side by side
    const std::int64_t blocks = (axis.inner + width - 1) / width;
    const std::int64_t grain = std::max<std::int64_t>(
        1, detail::lightGrain / std::max<std::int64_t>(1, axis.size * std::min(width, axis.inner)));
    detail::inParallel(axis.outer * blocks, grain, [=](std::int64_t begin, std::int64_t end) {
        std::array<double, width> total;
        for (std::int64_t task = begin; task < end; ++task) {
            const std::int64_t outer = task / blocks;
            const std::int64_t column = task % blocks * width;
            const std::int64_t columns = std::min(width, axis.inner - column);
            total.fill(0);
            for (std::int64_t s = 0; s < axis.size; ++s) {
                const T* row = x + (outer * axis.size + s) * axis.inner + column;
#pragma omp simd
                for (std::int64_t i = 0; i < columns; ++i)
                    total[static_cast<std::size_t>(i)] += static_cast<double>(row[i]);
            }
            for (std::int64_t i = 0; i < columns; ++i)
                y[outer * axis.inner + column + i] = static_cast<T>(total[static_cast<std::size_t>(i)]);
        }
    });
}

Extreme extreme(std::string_view name, const Tensor& x, int dimension, bool keep, bool largest) {
    if (x.dtype() == DType::BF16) {
        const Extreme wide = extreme(name, cast(x, DType::F32), dimension, keep, largest);
        return {cast(wide.values, DType::BF16), wide.indices};
    }
    const int front = detail::frontDimension(name, x, dimension);
    ORRERY_CHECK(x.size(front) > 0 || x.elements() == 0, fmt::format("{} over an empty dimension", name));
    const Tensor input = x.contiguous();
    const Axis axis = detail::axisOf(x.shape(), front);
    ORRERY_CHECK(axis.size > 0 || axis.outer * axis.inner == 0,
                 fmt::format("{} over an empty dimension", name));
    const Tensor indices = Tensor::empty(x.shape().with(front, 1), DType::I64);
    auto* found = indices.mutablePointer<std::int64_t>();
    withReal(name, x.dtype(), [&]<typename T>(T) {
        const T* values = input.pointer<T>();
        for (std::int64_t o = 0; o < axis.outer; ++o)
            for (std::int64_t i = 0; i < axis.inner; ++i) {
                const T* at = values + o * axis.size * axis.inner + i;
                std::int64_t best = 0;
                for (std::int64_t s = 1; s < axis.size; ++s) {
                    const T candidate = at[s * axis.inner];
                    const T current = at[best * axis.inner];
                    // A NaN wins and stays: it must not be hidden.
                    if (current == current &&
                        (candidate != candidate || (largest ? candidate > current : candidate < current)))
                        best = s;
                }
                found[o * axis.inner + i] = best;
            }
    });
    const Tensor values = gather(x, front, indices);
    if (keep)
        return {values, indices};
    const Shape shape = x.shape().without(front);
    return {reshape(values, shape), indices.reshape(shape)};
}

} // namespace

Tensor sum(const Tensor& x, const std::vector<int>& dimensions, bool keep) {
    if (x.dtype() == DType::BF16)
        return cast(sum(cast(x, DType::F32), dimensions, keep), DType::BF16);
    const Plan plan = planOf("sum", x, dimensions);
    const auto [input, axis] = gathered(x, plan);
    const Tensor y = Tensor::empty(keep ? plan.kept : plan.result, x.dtype());
    withReal("sum", x.dtype(), [&, &from = input, &by = axis]<typename T>(T) {
        sumAxis(from.template pointer<T>(), y.mutablePointer<T>(), by);
    });
    return record("sum", y, {x}, [&] {
        return [shape = x.shape(), kept = plan.kept](const Tensor& g) -> std::vector<Tensor> {
            return {g.contiguous().reshape(kept).expand(shape)};
        };
    });
}

Tensor mean(const Tensor& x, const std::vector<int>& dimensions, bool keep) {
    if (x.dtype() == DType::BF16)
        return cast(mean(cast(x, DType::F32), dimensions, keep), DType::BF16);
    const Plan plan = planOf("mean", x, dimensions);
    return scale(sum(x, dimensions, keep), 1.0 / static_cast<double>(plan.count));
}

Tensor variance(const Tensor& x, const std::vector<int>& dimensions, bool unbiased, bool keep) {
    if (x.dtype() == DType::BF16)
        return cast(variance(cast(x, DType::F32), dimensions, unbiased, keep), DType::BF16);
    const Plan plan = planOf("variance", x, dimensions);
    const Tensor distances = sub(x, mean(x, dimensions, true));
    return scale(sum(square(distances), dimensions, keep),
                 1.0 / static_cast<double>(plan.count - (unbiased ? 1 : 0)));
}

Tensor norm(const Tensor& x, const std::vector<int>& dimensions, bool keep) {
    if (x.dtype() == DType::BF16)
        return cast(norm(cast(x, DType::F32), dimensions, keep), DType::BF16);
    const Plan plan = planOf("norm", x, dimensions);
    const Tensor kept = sqrt(sum(square(x.detached()), dimensions, true));
    return record("norm", keep ? kept : kept.reshape(plan.result), {x}, [&] {
        return [x = saved(x), kept](const Tensor& g) -> std::vector<Tensor> {
            // At the origin the norm has no slope; zero is the sub-gradient of least length.
            const Tensor positive = where(kept, reciprocal(kept), Tensor::zeros({}, kept.dtype()));
            return {mul(x, mul(g.contiguous().reshape(kept.shape()), positive))};
        };
    });
}

Tensor logSumExp(const Tensor& x, int dimension, bool keep) {
    if (x.dtype() == DType::BF16)
        return cast(logSumExp(cast(x, DType::F32), dimension, keep), DType::BF16);
    const int front = detail::frontDimension("logSumExp", x, dimension);
    const Tensor input = x.contiguous();
    const Axis axis = detail::axisOf(x.shape(), front);
    const Tensor kept = Tensor::empty(x.shape().with(front, 1), x.dtype());
    withReal("logSumExp", x.dtype(), [&]<typename T>(T) {
        const T* from = input.pointer<T>();
        T* to = kept.mutablePointer<T>();
        for (std::int64_t o = 0; o < axis.outer; ++o)
            for (std::int64_t i = 0; i < axis.inner; ++i) {
                const T* at = from + o * axis.size * axis.inner + i;
                T top = -std::numeric_limits<T>::infinity();
                for (std::int64_t s = 0; s < axis.size; ++s)
                    top = at[s * axis.inner] > top ? at[s * axis.inner] : top;
                double total = 0;
                if (std::isfinite(top))
                    for (std::int64_t s = 0; s < axis.size; ++s)
                        total += static_cast<double>(std::exp(at[s * axis.inner] - top));
                to[o * axis.inner + i] = std::isfinite(top) ? top + static_cast<T>(std::log(total)) : top;
            }
    });
    return record("logSumExp", keep ? kept : kept.reshape(x.shape().without(front)), {x}, [&] {
        return [x = saved(x), kept](const Tensor& g) -> std::vector<Tensor> {
            // Where all was -infinity nothing has a share (and -infinity less itself would be NaN).
            const Tensor shift =
                maximum(kept, Tensor::full({}, -std::numeric_limits<float>::max(), x.dtype()));
            return {mul(exp(sub(x, shift)), g.contiguous().reshape(kept.shape()))};
        };
    });
}

Extreme max(const Tensor& x, int dimension, bool keep) {
    return extreme("max", x, dimension, keep, true);
}

Extreme min(const Tensor& x, int dimension, bool keep) {
    return extreme("min", x, dimension, keep, false);
}

Tensor sumToShape(const Tensor& x, const Shape& shape) {
    if (x.shape() == shape)
        return x;
    std::vector<int> repeated;
    for (int i = 1; i <= x.rank(); ++i)
        if (i > shape.rank() || (shape[-i] == 1 && x.size(-i) != 1))
            repeated.push_back(x.rank() - i);
    return repeated.empty() ? reshape(x, shape) : reshape(sum(x, repeated, true), shape);
}

} // namespace orrery::ops
