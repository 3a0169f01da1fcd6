// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the ops of this room share; no part of their interface.

#include "kernels/threads.h"
#include "tensor/tensor.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::ops::detail {

[[noreturn]] void unsupported(std::string_view op, DType dtype);

/// Calls action(float{}) or action(double{}); bf16 is cast by the caller before.
template <typename Action>
void withReal(std::string_view op, DType dtype, Action&& action) {
    switch (dtype) {
    case DType::F32:
        return action(float{});
    case DType::F64:
        return action(double{});
    default:
        unsupported(op, dtype);
    }
}

/// Calls action with an unsigned integer as wide as the dtype: for ops that only move elements.
template <typename Action>
void withWidth(DType dtype, Action&& action) {
    switch (itemSize(dtype)) {
    case 1:
        return action(std::uint8_t{});
    case 2:
        return action(std::uint16_t{});
    case 4:
        return action(std::uint32_t{});
    default:
        return action(std::uint64_t{});
    }
}

/// The wider of two floating dtypes: f64 > f32 > bf16; Error for any other.
[[nodiscard]] DType widest(std::string_view op, DType a, DType b);

/// The dimension counted from the front; Error when it is not one of the tensor's.
[[nodiscard]] int frontDimension(std::string_view op, const Tensor& x, int dimension);

/// action(begin, end) over pieces of [0, count), one piece a thread and none shorter than the grain.
template <typename Action>
void inParallel(std::int64_t count, std::int64_t grain, Action&& action) {
    if (count >= 2 * grain)
        kernels::parallelFor(count, grain, std::ref(action));
    else if (count > 0)
        action(std::int64_t{0}, count); // small work, of which there is much, pays for no indirection
}

/// Elements a thread should at least have for light work.
constexpr std::int64_t lightGrain = 16384;

/// A contiguous tensor seen as [outer, size, inner] around one dimension.
struct Axis {
    std::int64_t outer = 1;
    std::int64_t size = 1;
    std::int64_t inner = 1;
};
[[nodiscard]] Axis axisOf(const Shape& shape, int dimension);

/// Walks K tensors of one shape in runs along the last dimension, after merging the dimensions that all of
/// them cross in one stride. action(offsets, count, steps) with offsets and steps in elements.
template <std::size_t K, typename Action>
void forEachRun(const Shape& shape, const std::array<Shape, K>& strides, Action&& action) {
    if (shape.elements() == 0)
        return;
    std::array<std::int64_t, Shape::maxRank> sizes{};
    std::array<std::array<std::int64_t, Shape::maxRank>, K> steps{};
    std::size_t rank = 0; // dimension 0 is the innermost
    for (int d = shape.rank() - 1; d >= 0; --d) {
        if (shape[d] == 1)
            continue;
        bool merges = rank > 0;
        for (std::size_t k = 0; merges && k < K; ++k)
            merges = strides[k][d] == steps[k][rank - 1] * sizes[rank - 1];
        if (merges) {
            sizes[rank - 1] *= shape[d];
            continue;
        }
        sizes[rank] = shape[d];
        for (std::size_t k = 0; k < K; ++k)
            steps[k][rank] = strides[k][d];
        ++rank;
    }
    if (rank == 0) {
        sizes[0] = 1;
        rank = 1;
    }
    std::array<std::int64_t, K> inner{};
    for (std::size_t k = 0; k < K; ++k)
        inner[k] = steps[k][0];
    const std::int64_t length = sizes[0];
    std::int64_t runs = 1;
    for (std::size_t d = 1; d < rank; ++d)
        runs *= sizes[d];
    if (runs == 1) {
        inParallel(length, lightGrain, [&](std::int64_t begin, std::int64_t end) {
            std::array<std::int64_t, K> offsets{};
            for (std::size_t k = 0; k < K; ++k)
                offsets[k] = begin * inner[k];
            action(offsets, end - begin, inner);
        });
        return;
    }
    inParallel(runs, std::max<std::int64_t>(1, lightGrain / length),
               [&](std::int64_t begin, std::int64_t end) {
                   std::array<std::int64_t, Shape::maxRank> position{};
                   std::array<std::int64_t, K> offsets{};
                   std::int64_t rest = begin;
                   for (std::size_t d = 1; d < rank; ++d) {
                       position[d] = rest % sizes[d];
                       rest /= sizes[d];
                       for (std::size_t k = 0; k < K; ++k)
                           offsets[k] += position[d] * steps[k][d];
                   }
                   for (std::int64_t run = begin; run < end; ++run) {
                       action(offsets, length, inner);
                       for (std::size_t d = 1; d < rank; ++d) {
                           for (std::size_t k = 0; k < K; ++k)
                               offsets[k] += steps[k][d];
                           if (++position[d] < sizes[d])
                               break;
                           for (std::size_t k = 0; k < K; ++k)
                               offsets[k] -= sizes[d] * steps[k][d];
                           position[d] = 0;
                       }
                   }
               });
}

} // namespace orrery::ops::detail
