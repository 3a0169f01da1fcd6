// SPDX-License-Identifier: GPL-3.0-or-later
#include "ops/shaping.h"

#include "ops/detail.h"
#include "ops/record.h"
#include "ops/reduce.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace orrery::ops {

Tensor reshape(const Tensor& x, const Shape& shape) {
    return record("reshape", x.contiguous().reshape(shape), {x}, [&] {
        return [from = x.shape()](const Tensor& g) -> std::vector<Tensor> {
            return {g.contiguous().reshape(from)};
        };
    });
}

Tensor flatten(const Tensor& x, int first, int last) {
    if (x.rank() == 0)
        return reshape(x, {1});
    const int begin = detail::frontDimension("flatten", x, first);
    const int end = detail::frontDimension("flatten", x, last);
    ORRERY_CHECK(begin <= end, "flatten from a lower to a higher dimension");
    Shape shape;
    for (int d = 0; d < x.rank(); ++d) {
        if (d > begin && d <= end)
            shape[-1] *= x.size(d);
        else
            shape.append(x.size(d));
    }
    return reshape(x, shape);
}

Tensor unsqueeze(const Tensor& x, int dimension) {
    return record("unsqueeze", x.unsqueeze(dimension), {x}, [&] {
        return [from = x.shape()](const Tensor& g) -> std::vector<Tensor> {
            return {g.contiguous().reshape(from)};
        };
    });
}

Tensor squeeze(const Tensor& x, int dimension) {
    ORRERY_CHECK(x.size(dimension) == 1,
                 fmt::format("squeeze of dimension {} of {}", dimension, x.shape().toText()));
    return select(x, dimension, 0);
}

Tensor transpose(const Tensor& x, int a, int b) {
    return record("transpose", x.transpose(a, b), {x}, [&] {
        return [a, b](const Tensor& g) -> std::vector<Tensor> { return {g.transpose(a, b)}; };
    });
}

Tensor permute(const Tensor& x, const std::vector<int>& order) {
    std::vector<int> forward;
    forward.reserve(order.size());
    for (const int dimension : order)
        forward.push_back(detail::frontDimension("permute", x, dimension));
    return record("permute", x.permute(forward), {x}, [&] {
        std::vector<int> back(forward.size());
        for (std::size_t i = 0; i < forward.size(); ++i)
            back[static_cast<std::size_t>(forward[i])] = static_cast<int>(i);
        return [back](const Tensor& g) -> std::vector<Tensor> { return {g.permute(back)}; };
    });
}

Tensor slice(const Tensor& x, int dimension, std::int64_t begin, std::int64_t end) {
    return record("slice", x.slice(dimension, begin, end), {x}, [&] {
        return [=, shape = x.shape()](const Tensor& g) -> std::vector<Tensor> {
            const Tensor whole = Tensor::zeros(shape, g.dtype());
            whole.slice(dimension, begin, end).copyFrom(g);
            return {whole};
        };
    });
}

Tensor select(const Tensor& x, int dimension, std::int64_t index) {
    return record("select", x.select(dimension, index), {x}, [&] {
        return [=, shape = x.shape()](const Tensor& g) -> std::vector<Tensor> {
            const Tensor whole = Tensor::zeros(shape, g.dtype());
            whole.select(dimension, index).copyFrom(g);
            return {whole};
        };
    });
}

Tensor expand(const Tensor& x, const Shape& shape) {
    return record("expand", x.expand(shape), {x}, [&] {
        return [from = x.shape()](const Tensor& g) -> std::vector<Tensor> { return {sumToShape(g, from)}; };
    });
}

Tensor contiguous(const Tensor& x) {
    if (x.isContiguous())
        return x;
    return record("contiguous", x.clone(), {x},
                  [] { return [](const Tensor& g) -> std::vector<Tensor> { return {g}; }; });
}

Tensor concat(std::span<const Tensor> parts, int dimension) {
    ORRERY_CHECK(!parts.empty(), "concat of at least one tensor");
    const int front = detail::frontDimension("concat", parts[0], dimension);
    std::int64_t total = 0;
    std::vector<std::int64_t> sizes;
    for (const Tensor& part : parts) {
        ORRERY_CHECK(part.rank() == parts[0].rank() && part.dtype() == parts[0].dtype() &&
                         part.shape().with(front, 0) == parts[0].shape().with(front, 0),
                     fmt::format("concat of {} and {} along dimension {}", parts[0].shape().toText(),
                                 part.shape().toText(), dimension));
        sizes.push_back(part.size(front));
        total += part.size(front);
    }
    const Tensor result = Tensor::empty(parts[0].shape().with(front, total), parts[0].dtype());
    std::int64_t begin = 0;
    for (const Tensor& part : parts) {
        result.slice(front, begin, begin + part.size(front)).copyFrom(part);
        begin += part.size(front);
    }
    return record("concat", result, parts, [&] {
        return [sizes, front](const Tensor& g) {
            std::vector<Tensor> gradients;
            std::int64_t at = 0;
            for (const std::int64_t size : sizes) {
                gradients.push_back(g.slice(front, at, at + size));
                at += size;
            }
            return gradients;
        };
    });
}

Tensor concat(std::initializer_list<Tensor> parts, int dimension) {
    return concat(std::span<const Tensor>(parts.begin(), parts.size()), dimension);
}

Tensor stack(std::span<const Tensor> parts, int dimension) {
    ORRERY_CHECK(!parts.empty(), "stack of at least one tensor");
    const int front = dimension < 0 ? dimension + parts[0].rank() + 1 : dimension;
    std::vector<Tensor> raised;
    raised.reserve(parts.size());
    for (const Tensor& part : parts)
        raised.push_back(unsqueeze(part, front));
    return concat(raised, front);
}

Tensor stack(std::initializer_list<Tensor> parts, int dimension) {
    return stack(std::span<const Tensor>(parts.begin(), parts.size()), dimension);
}

std::vector<Tensor> split(const Tensor& x, const std::vector<std::int64_t>& sizes, int dimension) {
    const int front = detail::frontDimension("split", x, dimension);
    ORRERY_CHECK(std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}) == x.size(front),
                 fmt::format("split sizes add up to dimension {} of {}", dimension, x.shape().toText()));
    std::vector<Tensor> parts;
    std::int64_t begin = 0;
    for (const std::int64_t size : sizes) {
        parts.push_back(slice(x, front, begin, begin + size));
        begin += size;
    }
    return parts;
}

Tensor pad(const Tensor& x, int dimension, std::int64_t before, std::int64_t after, double value) {
    const int front = detail::frontDimension("pad", x, dimension);
    ORRERY_CHECK(before >= 0 && after >= 0, "pad adds elements; slice takes them away");
    const std::int64_t size = x.size(front);
    const Tensor result = Tensor::empty(x.shape().with(front, before + size + after), x.dtype());
    result.slice(front, 0, before).fill(value);
    result.slice(front, before, before + size).copyFrom(x);
    result.slice(front, before + size, before + size + after).fill(value);
    return record("pad", result, {x}, [&] {
        return
            [=](const Tensor& g) -> std::vector<Tensor> { return {g.slice(front, before, before + size)}; };
    });
}

Tensor flip(const Tensor& x, int dimension) {
    const int front = detail::frontDimension("flip", x, dimension);
    const Tensor input = x.contiguous();
    const Tensor result = Tensor::empty(x.shape(), x.dtype());
    const detail::Axis axis = detail::axisOf(x.shape(), front);
    detail::withWidth(x.dtype(), [&]<typename T>(T) {
        const T* from = reinterpret_cast<const T*>(input.rawData());
        T* to = reinterpret_cast<T*>(result.mutableRawData());
        for (std::int64_t o = 0; o < axis.outer; ++o)
            for (std::int64_t s = 0; s < axis.size; ++s)
                std::copy_n(from + (o * axis.size + s) * axis.inner, axis.inner,
                            to + (o * axis.size + axis.size - 1 - s) * axis.inner);
    });
    return record("flip", result, {x}, [&] {
        return [front](const Tensor& g) -> std::vector<Tensor> { return {flip(g, front)}; };
    });
}

Tensor repeatInterleave(const Tensor& x, int dimension, std::int64_t times) {
    const int front = detail::frontDimension("repeatInterleave", x, dimension);
    ORRERY_CHECK(times >= 1, "repeatInterleave repeats at least once");
    const Tensor raised = unsqueeze(x, front + 1);
    return reshape(expand(raised, raised.shape().with(front + 1, times)),
                   x.shape().with(front, x.size(front) * times));
}

} // namespace orrery::ops
