// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/simd/attention_table.h"
#include "kernels/simd/math.h"
#include "kernels/simd/micro_kernel.h"
#include "kernels/simd/transpose.h"

// What forward, backward and the views of patterns have in common: which keys a query sees, packing of
// queries, keys and values, and tiles of scores.
namespace orrery::kernels::ORRERY_SIMD {

inline constexpr float log2e = 1.44269504F;
inline constexpr float ln2 = 0.69314718F;

ORRERY_INLINE int64_t roundUp(int64_t value, int64_t step) {
    return (value + step - 1) / step * step;
}
/// Row stride of a work buffer: whole panels of 32, and never a multiple of 1 KiB, whose lines would fall
/// into the same few sets of the first-level cache.
ORRERY_INLINE int64_t workStride(int64_t columns) {
    const int64_t padded = roundUp(columns, 32);
    return padded % 256 == 0 ? padded + 16 : padded;
}

struct KeyRange {
    int64_t begin;
    int64_t end;
};

/// Keys that query `row` may see as far as causality, window and trailing padding go.
ORRERY_INLINE KeyRange visible(const AttentionJob& job, int64_t batch, int64_t row) {
    const int64_t position = row + job.queryOffset;
    int64_t begin = 0;
    int64_t end = job.keyEnd ? job.keyEnd[batch] : job.keys;
    if (job.causal)
        end = least(end, position + 1);
    if (job.window > 0) {
        begin = most<int64_t>(begin, position - job.window + 1);
        if (!job.causal)
            end = least(end, position + job.window);
    }
    end = most<int64_t>(0, end); // a row that sees nothing: empty, and never beyond the keys
    return {least(begin, end), end};
}

/// Union over rows first .. last.
ORRERY_INLINE KeyRange visible(const AttentionJob& job, int64_t batch, int64_t first, int64_t last) {
    return {visible(job, batch, first).begin, visible(job, batch, last).end};
}

template <typename T>
ORRERY_INLINE T* rowOf(const HeadView& view, int64_t batch, int64_t head, int64_t position) {
    return static_cast<T*>(const_cast<void*>(view.data)) + batch * view.batchStride + head * view.headStride +
           position * view.stride;
}

/// One row widened (or copied) to f32 and filled with zeros up to `padded`.
ORRERY_INLINE void copyRow(const HeadView& view, int64_t batch, int64_t head, int64_t position, int64_t size,
                           int64_t padded, float* to) {
    int64_t d = 0;
    if (view.bf16) {
        const auto* from = rowOf<uint16_t>(view, batch, head, position);
        for (; d + lanes <= size; d += lanes)
            store(to + d, load(from + d));
        for (; d < size; ++d)
            to[d] = widen(from[d]);
    } else {
        const auto* from = rowOf<float>(view, batch, head, position);
        for (; d + lanes <= size; d += lanes)
            store(to + d, load(from + d));
        for (; d < size; ++d)
            to[d] = from[d];
    }
    for (; d < padded; ++d)
        to[d] = 0;
}

/// Positions first .. first + count of a view as panels [ceil(count / 32)][size][32] f32, zeros beyond.
inline void packTransposed(const HeadView& view, int64_t batch, int64_t head, int64_t first, int64_t count,
                           int64_t size, float* panels) {
    for (int64_t panel = 0; panel < count; panel += 32) {
        float* to = panels + panel * size;
        for (int64_t half = 0; half < 32; half += 16) {
            const int64_t present = most<int64_t>(0, least<int64_t>(16, count - panel - half));
            int64_t d = 0;
#if defined(__AVX512F__)
            if (present == 16 && !view.bf16) {
                const float* from = rowOf<float>(view, batch, head, first + panel + half);
                for (; d + 16 <= size; d += 16)
                    transpose16(from + d, view.stride, to + d * 32 + half, 32);
            }
#endif
            for (int64_t j = 0; j < 16; ++j) {
                const int64_t position = first + panel + half + j;
                if (j >= present) {
                    for (int64_t e = d; e < size; ++e)
                        to[e * 32 + half + j] = 0;
                } else if (view.bf16) {
                    const auto* from = rowOf<uint16_t>(view, batch, head, position);
                    for (int64_t e = d; e < size; ++e)
                        to[e * 32 + half + j] = widen(from[e]);
                } else {
                    const auto* from = rowOf<float>(view, batch, head, position);
                    for (int64_t e = d; e < size; ++e)
                        to[e * 32 + half + j] = from[e];
                }
            }
        }
    }
}

/// Positions as rows of f32 [roundUp(count, 2)][stride], zeros beyond.
inline void packRows(const HeadView& view, int64_t batch, int64_t head, int64_t first, int64_t count,
                     int64_t size, int64_t stride, float* to) {
    const int64_t padded = roundUp(size, 32);
    for (int64_t i = 0; i < count; ++i)
        copyRow(view, batch, head, first + i, size, padded, to + i * stride);
}

/// tile [rows][tileStride] = x [rows] times panels of 32 columns, `columns` of them wanted.
ORRERY_INLINE void productWithPanels(const float* x, int64_t xStride, int64_t rows, const float* panels,
                                     int64_t depth, int64_t columns, float* tile, int64_t tileStride) {
    const int64_t strips = (rows + maxStripRows - 1) / maxStripRows;
    for (int64_t column = 0; column < columns; column += 32)
        for (int64_t strip = 0; strip < strips; ++strip) {
            const int64_t first = rows * strip / strips;
            withRows(rows * (strip + 1) / strips - first, [&]<int count>() {
                multiplyF32<count, vectorsPerPanel, false, true>(
                    {x + first * xStride, xStride, 1}, panels + column * depth, 32, depth,
                    tile + first * tileStride + column, tileStride);
            });
        }
}

/// tile [rows][tileStride] (+)= x times a row-major matrix [depth][matrixStride], whose rows are padded to
/// whole panels.
template <bool unitStep>
ORRERY_INLINE void productWithRows(Broadcasts<float> x, int64_t rows, const float* matrix,
                                   int64_t matrixStride, int64_t depth, int64_t columns, float* tile,
                                   int64_t tileStride) {
    const int64_t strips = (rows + maxStripRows - 1) / maxStripRows;
    for (int64_t column = 0; column < columns; column += 32) {
        const bool half = columns - column <= 16;
        for (int64_t strip = 0; strip < strips; ++strip) {
            const int64_t first = rows * strip / strips;
            withRows(rows * (strip + 1) / strips - first, [&]<int count>() {
                const Broadcasts<float> from{x.data + first * x.stride, x.stride, x.step};
                float* to = tile + first * tileStride + column;
                if (half)
                    multiplyF32<count, 16 / lanes, true, unitStep>(from, matrix + column, matrixStride, depth,
                                                                   to, tileStride);
                else
                    multiplyF32<count, vectorsPerPanel, true, unitStep>(from, matrix + column, matrixStride,
                                                                        depth, to, tileStride);
            });
        }
    }
}

/// Whether scores must be made before their maximum is known: with bias or padding; otherwise raw products
/// are compared and scaled on the way to their exponentials, which takes a positive scale.
ORRERY_INLINE bool needsAddends(const AttentionJob& job) {
    return job.bias || job.keyAdd || !(job.scale > 0);
}

/// Turns raw products of one row with the keys first .. first + count into scaled, biased scores, -infinity
/// where the row may not look; count is padded to `padded`.
ORRERY_INLINE void maskRow(const AttentionJob& job, int64_t batch, int64_t head, int64_t row, int64_t first,
                           int64_t count, int64_t padded, float factor, float addendFactor, float* scores) {
    const KeyRange range = visible(job, batch, row);
    if (needsAddends(job)) {
        const Vec f = set(factor);
        for (int64_t j = 0; j < padded; j += lanes)
            store(scores + j, load(scores + j) * f);
        if (job.bias) {
            const float* bias = job.bias + batch * job.biasStrides[0] + head * job.biasStrides[1] +
                                row * job.biasStrides[2] + first * job.biasStrides[3];
            if (job.biasStrides[3] == 1) {
                const Vec a = set(addendFactor);
                int64_t j = 0;
                for (; j + lanes <= count; j += lanes)
                    store(scores + j, fma(load(bias + j), a, load(scores + j)));
                for (; j < count; ++j)
                    scores[j] += bias[j] * addendFactor;
            } else {
                for (int64_t j = 0; j < count; ++j)
                    scores[j] += bias[j * job.biasStrides[3]] * addendFactor;
            }
        }
        if (job.keyAdd) {
            const float* add = job.keyAdd + batch * job.keys + first;
            int64_t j = 0;
            for (; j + lanes <= count; j += lanes)
                store(scores + j, load(scores + j) + load(add + j));
            for (; j < count; ++j)
                scores[j] += add[j];
        }
    }
    const int64_t begin = least(padded, most<int64_t>(0, range.begin - first));
    const int64_t end = most<int64_t>(begin, least(count, range.end - first));
    for (int64_t j = 0; j < begin; ++j)
        scores[j] = -infinity;
    for (int64_t j = end; j < padded; ++j)
        scores[j] = -infinity;
}

} // namespace orrery::kernels::ORRERY_SIMD
