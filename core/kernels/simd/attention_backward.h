// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/simd/attention_tile.h"

namespace orrery::kernels::ORRERY_SIMD {

/// Working memory of one thread for all gradients of one key head.
struct BackwardWork {
    int64_t keyRows;
    int64_t stride;      ///< of queries, keys and their gradients
    int64_t valueStride; ///< of values, outputs and their gradients
    float* keyPanels;
    float* valuePanels;
    float* keys;
    float* dKeys;
    float* dValues;
    float* queries;
    float* dQueries;
    float* dOut;
    float* weights;
    float* slopes;
    float* delta;
    int64_t floats;

    static constexpr int64_t scoreStride = keyTile + 16;

    BackwardWork(const AttentionJob& job, float* memory) {
        keyRows = roundUp(job.keys, 32);
        stride = workStride(job.size);
        valueStride = workStride(job.valueSize);
        float* at = memory;
        const auto take = [&](int64_t count) {
            float* begin = at;
            at += roundUp(count, 16);
            return begin;
        };
        keyPanels = take(keyRows * job.size);
        valuePanels = take(keyRows * job.valueSize);
        keys = take(keyRows * stride);
        dKeys = take(keyRows * stride);
        dValues = take(keyRows * valueStride);
        queries = take(queryTile * stride);
        dQueries = take(queryTile * stride);
        dOut = take(queryTile * valueStride);
        weights = take(queryTile * scoreStride);
        slopes = take(queryTile * scoreStride);
        delta = take(queryTile);
        floats = at - memory;
    }
};

ORRERY_INLINE void clear(float* numbers, int64_t count) {
    for (int64_t i = 0; i < count; i += lanes)
        store(numbers + i, zero());
}

/// Writes factor times rows to a gradient.
inline void putRows(const HeadView& view, int64_t batch, int64_t head, int64_t first, int64_t rows,
                    int64_t size, float factor, const float* from, int64_t stride) {
    const Vec f = set(factor);
    for (int64_t i = 0; i < rows; ++i) {
        float* to = rowOf<float>(view, batch, head, first + i);
        const float* row = from + i * stride;
        int64_t d = 0;
        for (; d + lanes <= size; d += lanes)
            store(to + d, load(row + d) * f);
        for (; d < size; ++d)
            to[d] = row[d] * factor;
    }
}

/// weights = 2^(score - lse), slopes = weights * (slopes - delta) of one row.
ORRERY_INLINE void slopeRow(float* weights, float* slopes, int64_t padded, float factor, float lse,
                            float delta) {
    if (lse == -infinity) {
        clear(weights, padded);
        clear(slopes, padded);
        return;
    }
    const Vec f = set(factor);
    const Vec shift = set(-lse * log2e);
    const Vec level = set(delta);
    for (int64_t j = 0; j < padded; j += lanes) {
        const Vec p = exp2Fast(fma(load(weights + j), f, shift));
        store(weights + j, p);
        store(slopes + j, p * (load(slopes + j) - level));
    }
}

inline void addBiasSlopes(const AttentionJob& job, const BackwardWork& work, int64_t batch, int64_t head,
                          int64_t row, int64_t rows, int64_t first, int64_t count) {
    for (int64_t i = 0; i < rows; ++i) {
        float* to = job.dBias + batch * job.dBiasStrides[0] + head * job.dBiasStrides[1] +
                    (row + i) * job.dBiasStrides[2] + first * job.dBiasStrides[3];
        const float* from = work.slopes + i * BackwardWork::scoreStride;
        for (int64_t j = 0; j < count; ++j)
            to[j * job.dBiasStrides[3]] += from[j];
    }
}

// Dao et al. 2022, appendix B.2: with P = exp(S - lse) and D_i = dO_i . O_i,
//   dV = P^T dO,  dS = P (dO V^T - D),  dQ = scale dS K,  dK = scale dS^T Q.
inline void backwardTile(const AttentionJob& job, const BackwardWork& work, int64_t batch, int64_t head,
                         int64_t row, int64_t rows) {
    constexpr int64_t scoreStride = BackwardWork::scoreStride;
    const float* lse = job.lse + (batch * job.heads + head) * job.queries + row;
    const float factor = job.scale * log2e;
    for (int64_t i = 0; i < rows; ++i) {
        copyRow(job.query, batch, head, row + i, job.size, work.stride, work.queries + i * work.stride);
        copyRow(job.dOut, batch, head, row + i, job.valueSize, work.valueStride,
                work.dOut + i * work.valueStride);
        float delta = 0;
        for (int64_t d = 0; d < job.valueSize; ++d)
            delta += work.dOut[i * work.valueStride + d] *
                     (job.out.bf16 ? widen(rowOf<uint16_t>(job.out, batch, head, row + i)[d])
                                   : rowOf<float>(job.out, batch, head, row + i)[d]);
        work.delta[i] = delta;
    }
    clear(work.dQueries, queryTile * work.stride);
    const KeyRange seen = visible(job, batch, row, row + rows - 1);
    const bool addends = needsAddends(job);
    for (int64_t first = seen.begin / keyTile * keyTile; first < seen.end; first += keyTile) {
        const int64_t count = least(keyTile, seen.end - first);
        const int64_t padded = roundUp(count, 32);
        productWithPanels(work.queries, work.stride, rows, work.keyPanels + first * job.size, job.size, count,
                          work.weights, scoreStride);
        productWithPanels(work.dOut, work.valueStride, rows, work.valuePanels + first * job.valueSize,
                          job.valueSize, count, work.slopes, scoreStride);
        for (int64_t i = 0; i < rows; ++i) {
            float* weights = work.weights + i * scoreStride;
            maskRow(job, batch, head, row + i, first, count, padded, factor, log2e, weights);
            slopeRow(weights, work.slopes + i * scoreStride, padded, addends ? 1.0F : factor, lse[i],
                     work.delta[i]);
        }
        if (job.dBias)
            addBiasSlopes(job, work, batch, head, row, rows, first, count);
        if (job.dValue.data)
            productWithRows<false>({work.weights, 1, scoreStride}, count, work.dOut, work.valueStride, rows,
                                   job.valueSize, work.dValues + first * work.valueStride, work.valueStride);
        if (job.dKey.data)
            productWithRows<false>({work.slopes, 1, scoreStride}, count, work.queries, work.stride, rows,
                                   job.size, work.dKeys + first * work.stride, work.stride);
        if (job.dQuery.data)
            productWithRows<true>({work.slopes, scoreStride, 1}, rows, work.keys + first * work.stride,
                                  work.stride, count, job.size, work.dQueries, work.stride);
    }
    if (job.dQuery.data)
        putRows(job.dQuery, batch, head, row, rows, job.size, job.scale, work.dQueries, work.stride);
}

inline void attentionBackward(const AttentionJob& job, int64_t begin, int64_t end, float* memory) {
    const BackwardWork work(job, memory);
    const int64_t keyHeads = job.heads / job.group;
    const int64_t tiles = (job.queries + queryTile - 1) / queryTile;
    for (int64_t owner = begin; owner < end; ++owner) {
        const int64_t batch = owner / keyHeads;
        const int64_t keyHead = owner % keyHeads;
        packTransposed(job.key, batch, keyHead, 0, job.keys, job.size, work.keyPanels);
        packTransposed(job.value, batch, keyHead, 0, job.keys, job.valueSize, work.valuePanels);
        packRows(job.key, batch, keyHead, 0, job.keys, job.size, work.stride, work.keys);
        clear(work.dKeys, work.keyRows * work.stride);
        clear(work.dValues, work.keyRows * work.valueStride);
        for (int64_t head = keyHead * job.group; head < (keyHead + 1) * job.group; ++head)
            for (int64_t tile = 0; tile < tiles; ++tile) {
                if (job.stop && job.stop(job.context))
                    return;
                const int64_t row = job.queries * tile / tiles;
                backwardTile(job, work, batch, head, row, job.queries * (tile + 1) / tiles - row);
            }
        if (job.dKey.data)
            putRows(job.dKey, batch, keyHead, 0, job.keys, job.size, job.scale, work.dKeys, work.stride);
        if (job.dValue.data)
            putRows(job.dValue, batch, keyHead, 0, job.keys, job.valueSize, 1.0F, work.dValues,
                    work.valueStride);
    }
}

} // namespace orrery::kernels::ORRERY_SIMD
