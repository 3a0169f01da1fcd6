// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/simd/attention_backward.h"
#include "kernels/simd/attention_forward.h"

namespace orrery::kernels::ORRERY_SIMD {

inline void attentionScores(const AttentionJob& job, int64_t batch, int64_t head, int64_t row, int64_t rows,
                            int64_t column, int64_t columns, float* out, int64_t outStride, float* memory) {
    const int64_t stride = workStride(job.size);
    const int64_t padded = roundUp(columns, 32);
    float* panels = memory;
    float* queries = panels + roundUp(padded * job.size, 16);
    float* scores = queries + queryTile * stride;
    packTransposed(job.key, batch, head / job.group, column, columns, job.size, panels);
    for (int64_t i = 0; i < rows; ++i)
        copyRow(job.query, batch, head, row + i, job.size, job.size, queries + i * stride);
    productWithPanels(queries, stride, rows, panels, job.size, columns, scores, keyTile);
    const Vec f = set(needsAddends(job) ? 1.0F : job.scale);
    for (int64_t i = 0; i < rows; ++i) {
        float* from = scores + i * keyTile;
        maskRow(job, batch, head, row + i, column, columns, padded, job.scale, 1.0F, from);
        for (int64_t j = 0; j < columns; j += lanes)
            store(out + i * outStride + j, load(from + j) * f, least<int64_t>(lanes, columns - j));
    }
}

inline void patternRowSums(const float* scores, float lse, int64_t n, int64_t position, int64_t firstKey,
                           int64_t sinkKeys, RowSums& sums) {
    if (lse == -infinity)
        return;
    Vec entropy = zero();
    Vec squares = zero();
    Vec distance = zero();
    Vec highest = set(-infinity);
    const Vec shift = set(lse);
    alignas(64) float ramp[lanes];
    for (int j = 0; j < lanes; ++j)
        ramp[j] = static_cast<float>(j);
    Vec away = load(ramp) + set(static_cast<float>(firstKey - position));
    for (int64_t j = 0; j < n; j += lanes) {
        const int64_t count = least<int64_t>(lanes, n - j);
        Vec score = load(scores + j, count);
        if (count < lanes) {
            alignas(64) float values[lanes];
            for (int64_t u = 0; u < lanes; ++u)
                values[u] = u < count ? scores[j + u] : -infinity;
            score = load(values);
        }
        highest = max(score, highest);
        const Vec excess = max(score - shift, set(-160.0F)); // -infinity would make 0 * infinity
        const Vec p = exp(excess);
        entropy = fnma(p, excess, entropy);
        squares = fma(p, p, squares);
        distance = fma(p, abs(away), distance);
        away = away + set(static_cast<float>(lanes));
    }
    sums.entropy += sum(entropy);
    sums.squares += sum(squares);
    sums.distance += sum(distance);
    const float peak = largest(highest);
    if (peak > -infinity) {
        float weight[lanes];
        store(weight, exp(set(peak - lse)));
        if (sums.argmax < 0 || weight[0] > sums.maximum) {
            sums.maximum = weight[0];
            for (int64_t j = 0; j < n; ++j)
                if (scores[j] == peak) {
                    sums.argmax = firstKey + j;
                    break;
                }
        }
    }
    for (int64_t j = 0; j < least(n, sinkKeys - firstKey); ++j) {
        float weight[lanes];
        store(weight, exp(set(scores[j] - lse)));
        sums.sink += weight[0];
    }
}

inline int64_t attentionWorkFloats(const AttentionJob& job) {
    const int64_t forward = ForwardWork(job, nullptr).floats;
    const int64_t backward = job.dOut.data ? BackwardWork(job, nullptr).floats : 0;
    const int64_t scores = keyTile * job.size + queryTile * (workStride(job.size) + keyTile) + 64;
    return most(most(forward, backward), scores);
}

inline constexpr AttentionTable attentionTable{&attentionWorkFloats, &attentionForward, &attentionBackward,
                                               &attentionScores, &patternRowSums};

} // namespace orrery::kernels::ORRERY_SIMD
