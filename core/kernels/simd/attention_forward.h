// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/simd/attention_tile.h"

namespace orrery::kernels::ORRERY_SIMD {

#if defined(__AVX512BF16__)
inline constexpr bool multipliesBf16 = true;
#else
inline constexpr bool multipliesBf16 = false;
#endif

/// Working memory of one thread: packed keys and values of one head, and the tile being worked on.
struct ForwardWork {
    int64_t keyRows; ///< keys, padded to whole tiles' panels
    int64_t valueStride;
    int64_t queryStride;
    float* keys;
    float* values;
    float* queries;
    float* scores;
    float* weights; ///< bf16 weights of a tile
    float* sums;    ///< running output
    float* peak;    ///< running maximum and sum of every row
    float* total;
    int64_t floats;

    static constexpr int64_t scoreStride = keyTile + 16;

    ForwardWork(const AttentionJob& job, float* memory) {
        keyRows = roundUp(job.keys, 32);
        valueStride = workStride(job.valueSize);
        queryStride = workStride(job.size);
        float* at = memory;
        const auto take = [&](int64_t count) {
            float* begin = at;
            at += roundUp(count, 16);
            return begin;
        };
        keys = take(keyRows * (job.size + 1));
        values = take(keyRows * valueStride);
        queries = take(queryTile * queryStride);
        scores = take(queryTile * scoreStride);
        weights = take(queryTile * scoreStride / 2);
        sums = take(queryTile * valueStride);
        peak = take(queryTile);
        total = take(queryTile);
        floats = at - memory;
    }
};

inline bool usesBf16Products(const AttentionJob& job) {
    return multipliesBf16 && job.query.bf16 && job.size % 2 == 0;
}

/// bf16 keys as panels of pairs [ceil(count / 32)][size / 2][32][2].
inline void packKeyPairs(const AttentionJob& job, int64_t batch, int64_t head, int64_t count,
                         uint16_t* panels) {
    const int64_t pairs = job.size / 2;
    for (int64_t panel = 0; panel < count; panel += 32) {
        auto* to = reinterpret_cast<float*>(panels) + panel * pairs; // a pair is a word
        for (int64_t half = 0; half < 32; half += 16) {
            const int64_t present = most<int64_t>(0, least<int64_t>(16, count - panel - half));
            int64_t d = 0;
#if defined(__AVX512F__)
            if (present == 16 && job.key.stride % 2 == 0) {
                const auto* from =
                    reinterpret_cast<const float*>(rowOf<uint16_t>(job.key, batch, head, panel + half));
                for (; d + 16 <= pairs; d += 16)
                    transpose16(from + d, job.key.stride / 2, to + d * 32 + half, 32);
            }
#endif
            for (int64_t j = 0; j < 16; ++j)
                for (int64_t e = d; e < pairs; ++e) {
                    uint32_t word = 0;
                    if (j < present)
                        __builtin_memcpy(&word,
                                         rowOf<uint16_t>(job.key, batch, head, panel + half + j) + 2 * e, 4);
                    __builtin_memcpy(to + e * 32 + half + j, &word, 4);
                }
        }
    }
}

/// bf16 values as rows of pairs [ceil(count / 2)][valueStride][2].
inline void packValuePairs(const AttentionJob& job, int64_t batch, int64_t head, int64_t count,
                           int64_t stride, uint16_t* to) {
    const int64_t padded = roundUp(job.valueSize, 32);
    for (int64_t i = 0; i < count; i += 2) {
        const uint16_t* even = rowOf<uint16_t>(job.value, batch, head, i);
        const uint16_t* odd = i + 1 < count ? rowOf<uint16_t>(job.value, batch, head, i + 1) : nullptr;
        uint16_t* row = to + i * stride;
        if (odd)
            for (int64_t d = 0; d < job.valueSize; ++d) {
                row[2 * d] = even[d];
                row[2 * d + 1] = odd[d];
            }
        else
            for (int64_t d = 0; d < job.valueSize; ++d) {
                row[2 * d] = even[d];
                row[2 * d + 1] = 0;
            }
        for (int64_t d = 2 * job.valueSize; d < 2 * padded; ++d)
            row[d] = 0;
    }
}

/// One row of a tile of scores, `padded` of them (a multiple of 32): weights 2^(score factor - peak) in
/// place, running maximum and sum brought up to date, and what the row's former sums are to be multiplied by.
ORRERY_INLINE float softmaxStep(float* scores, int64_t padded, float factor, float& peak, float& total) {
    Vec running = load(scores);
    for (int64_t j = lanes; j < padded; j += lanes)
        running = max(load(scores + j), running);
    const float highest = largest(running) * factor;
    const float before = peak;
    if (!(highest > before)) { // also NaN, which then shows in the sums
        if (before == -infinity && highest == -infinity) {
            for (int64_t j = 0; j < padded; j += lanes)
                store(scores + j, zero());
            return 1;
        }
    } else {
        peak = highest;
    }
    const Vec f = set(factor);
    const Vec shift = set(-peak);
    Vec sum0 = zero();
    Vec sum1 = zero();
    for (int64_t j = 0; j < padded; j += 2 * lanes) {
        const Vec left = exp2Fast(fma(load(scores + j), f, shift));
        const Vec right = exp2Fast(fma(load(scores + j + lanes), f, shift));
        store(scores + j, left);
        store(scores + j + lanes, right);
        sum0 = sum0 + left;
        sum1 = sum1 + right;
    }
    const float change =
        peak == before ? 1.0F : (before == -infinity ? 0.0F : __builtin_exp2f(before - peak));
    total = total * change + sum(sum0 + sum1);
    return change;
}

/// Scores of a tile's rows with the keys first .. first + count.
inline void tileScores(const AttentionJob& job, const ForwardWork& work, bool pairs, int64_t rows,
                       int64_t first, int64_t count) {
    if (!pairs) {
        productWithPanels(work.queries, work.queryStride, rows, work.keys + first * job.size, job.size, count,
                          work.scores, ForwardWork::scoreStride);
        return;
    }
    const auto* queries = reinterpret_cast<const uint16_t*>(work.queries);
    const auto* keys = reinterpret_cast<const uint16_t*>(work.keys) + first * job.size;
    const int64_t strips = (rows + maxStripRows - 1) / maxStripRows;
    for (int64_t column = 0; column < count; column += 32)
        for (int64_t strip = 0; strip < strips; ++strip) {
            const int64_t begin = rows * strip / strips;
            withRows(rows * (strip + 1) / strips - begin, [&]<int n>() {
                multiplyBf16<n, 32, false>(queries + begin * work.queryStride, work.queryStride,
                                           keys + column * job.size, 64, job.size / 2,
                                           work.scores + begin * ForwardWork::scoreStride + column,
                                           ForwardWork::scoreStride);
            });
        }
}

/// Adds the weighted values of the keys first .. first + count to the running output.
inline void tileValues(const AttentionJob& job, const ForwardWork& work, bool pairs, int64_t rows,
                       int64_t first, int64_t count) {
    if (!pairs) {
        productWithRows<true>({work.scores, ForwardWork::scoreStride, 1}, rows,
                              work.values + first * work.valueStride, work.valueStride, count, job.valueSize,
                              work.sums, work.valueStride);
        return;
    }
    auto* weights = reinterpret_cast<uint16_t*>(work.weights);
    const int64_t padded = roundUp(count, 32);
    for (int64_t i = 0; i < rows; ++i) {
        const float* from = work.scores + i * ForwardWork::scoreStride;
        uint16_t* to = weights + i * ForwardWork::scoreStride;
#if defined(__AVX512BF16__)
        for (int64_t j = 0; j < padded; j += 32)
            _mm512_storeu_si512(to + j,
                                (__m512i)_mm512_cvtne2ps_pbh(load(from + j + 16).v, load(from + j).v));
#else
        for (int64_t j = 0; j < padded; j += lanes)
            store(to + j, load(from + j));
#endif
    }
    const auto* values = reinterpret_cast<const uint16_t*>(work.values) + first * work.valueStride;
    const int64_t strips = (rows + maxStripRows - 1) / maxStripRows;
    for (int64_t column = 0; column < job.valueSize; column += 32)
        for (int64_t strip = 0; strip < strips; ++strip) {
            const int64_t begin = rows * strip / strips;
            withRows(rows * (strip + 1) / strips - begin, [&]<int n>() {
                const uint16_t* x = weights + begin * ForwardWork::scoreStride;
                float* to = work.sums + begin * work.valueStride + column;
                if (job.valueSize - column <= 16)
                    multiplyBf16<n, 16, true>(x, ForwardWork::scoreStride, values + 2 * column,
                                              2 * work.valueStride, (count + 1) / 2, to, work.valueStride);
                else
                    multiplyBf16<n, 32, true>(x, ForwardWork::scoreStride, values + 2 * column,
                                              2 * work.valueStride, (count + 1) / 2, to, work.valueStride);
            });
        }
}

/// Output and log-sum-exp of a tile's rows from the running sums.
inline void finishTile(const AttentionJob& job, const ForwardWork& work, int64_t batch, int64_t head,
                       int64_t row, int64_t rows) {
    for (int64_t i = 0; i < rows; ++i) {
        const float total = work.total[i];
        // A NaN total stays one; only a row that sees nothing has the sum 0.
        const Vec factor = set(total == 0 ? 0.0F : 1.0F / total);
        const float* from = work.sums + i * work.valueStride;
        if (job.out.bf16) {
            auto* to = rowOf<uint16_t>(job.out, batch, head, row + i);
            for (int64_t d = 0; d < job.valueSize; d += lanes)
                store(to + d, load(from + d) * factor, least<int64_t>(lanes, job.valueSize - d));
        } else {
            auto* to = rowOf<float>(job.out, batch, head, row + i);
            int64_t d = 0;
            for (; d + lanes <= job.valueSize; d += lanes)
                store(to + d, load(from + d) * factor);
            if (d < job.valueSize)
                store(to + d, load(from + d) * factor, job.valueSize - d);
        }
        if (job.lse)
            job.lse[(batch * job.heads + head) * job.queries + row + i] =
                total == 0 ? -infinity : work.peak[i] * ln2 + __builtin_logf(total);
    }
}

inline void attendTile(const AttentionJob& job, const ForwardWork& work, bool pairs, float factor,
                       int64_t batch, int64_t head, int64_t row, int64_t rows) {
    for (int64_t i = 0; i < rows; ++i) {
        if (pairs) {
            auto* to = reinterpret_cast<uint16_t*>(work.queries) + i * work.queryStride;
            __builtin_memcpy(to, rowOf<uint16_t>(job.query, batch, head, row + i),
                             static_cast<std::size_t>(job.size) * 2);
        } else {
            copyRow(job.query, batch, head, row + i, job.size, job.size, work.queries + i * work.queryStride);
        }
        work.peak[i] = -infinity;
        work.total[i] = 0;
        for (int64_t d = 0; d < work.valueStride; d += lanes)
            store(work.sums + i * work.valueStride + d, zero());
    }
    const KeyRange seen = visible(job, batch, row, row + rows - 1);
    const bool addends = needsAddends(job);
    for (int64_t first = seen.begin / keyTile * keyTile; first < seen.end; first += keyTile) {
        const int64_t count = least(keyTile, seen.end - first);
        const int64_t padded = roundUp(count, 32);
        tileScores(job, work, pairs, rows, first, count);
        for (int64_t i = 0; i < rows; ++i) {
            float* scores = work.scores + i * ForwardWork::scoreStride;
            const KeyRange range = visible(job, batch, row + i);
            if (addends || range.begin > first || range.end < first + padded)
                maskRow(job, batch, head, row + i, first, count, padded, factor, log2e, scores);
            const float change =
                softmaxStep(scores, padded, addends ? 1.0F : factor, work.peak[i], work.total[i]);
            if (change != 1.0F) {
                float* sums = work.sums + i * work.valueStride;
                const Vec c = set(change);
                for (int64_t d = 0; d < job.valueSize; d += lanes)
                    store(sums + d, load(sums + d) * c);
            }
        }
        tileValues(job, work, pairs, rows, first, count);
    }
    finishTile(job, work, batch, head, row, rows);
}

/// One or a few queries (decoding): keys and values are read once, where they lie. The scores of a row take
/// as much room as there are keys.
inline constexpr int64_t fewQueries = 3;

inline void attendFew(const AttentionJob& job, const ForwardWork& work, float factor, int64_t batch,
                      int64_t head, float* scores) {
    const int64_t keyHead = head / job.group;
    const int64_t padded = roundUp(job.keys, 32);
    const int64_t whole = job.size / lanes * lanes;
    for (int64_t row = 0; row < job.queries; ++row) {
        const KeyRange range = visible(job, batch, row);
        copyRow(job.query, batch, head, row, job.size, job.size, work.queries);
        for (int64_t j = range.begin; j < range.end; ++j) {
            Vec total = zero();
            float rest = 0;
            const auto dot = [&](const auto* key) {
                for (int64_t d = 0; d < whole; d += lanes)
                    total = fma(load(work.queries + d), load(key + d), total);
            };
            if (job.key.bf16) {
                const auto* key = rowOf<uint16_t>(job.key, batch, keyHead, j);
                dot(key);
                for (int64_t d = whole; d < job.size; ++d)
                    rest += work.queries[d] * widen(key[d]);
            } else {
                const auto* key = rowOf<float>(job.key, batch, keyHead, j);
                dot(key);
                for (int64_t d = whole; d < job.size; ++d)
                    rest += work.queries[d] * key[d];
            }
            scores[j] = sum(total) + rest;
        }
        for (int64_t j = 0; j < range.begin; ++j)
            scores[j] = 0; // masked below
        for (int64_t j = range.end; j < padded; ++j)
            scores[j] = 0;
        maskRow(job, batch, head, row, 0, job.keys, padded, factor, log2e, scores);
        work.peak[row] = -infinity;
        work.total[row] = 0;
        softmaxStep(scores, padded, needsAddends(job) ? 1.0F : factor, work.peak[row], work.total[row]);
        float* sums = work.sums + row * work.valueStride;
        int64_t d = 0;
        constexpr int wide = 4;
        for (; d + wide * lanes <= job.valueSize; d += wide * lanes) {
            Vec parts[wide] = {zero(), zero(), zero(), zero()};
            for (int64_t j = range.begin; j < range.end; ++j) {
                const Vec weight = set(scores[j]);
                if (job.value.bf16) {
                    const auto* value = rowOf<uint16_t>(job.value, batch, keyHead, j) + d;
#pragma GCC unroll 4
                    for (int u = 0; u < wide; ++u)
                        parts[u] = fma(weight, load(value + u * lanes), parts[u]);
                } else {
                    const auto* value = rowOf<float>(job.value, batch, keyHead, j) + d;
#pragma GCC unroll 4
                    for (int u = 0; u < wide; ++u)
                        parts[u] = fma(weight, load(value + u * lanes), parts[u]);
                }
            }
            for (int u = 0; u < wide; ++u)
                store(sums + d + u * lanes, parts[u]);
        }
        for (; d < job.valueSize; ++d) {
            float part = 0;
            for (int64_t j = range.begin; j < range.end; ++j)
                part += scores[j] * (job.value.bf16 ? widen(rowOf<uint16_t>(job.value, batch, keyHead, j)[d])
                                                    : rowOf<float>(job.value, batch, keyHead, j)[d]);
            sums[d] = part;
        }
    }
    finishTile(job, work, batch, head, 0, job.queries);
}

inline void attentionForward(const AttentionJob& job, int64_t begin, int64_t end, float* memory) {
    const ForwardWork work(job, memory);
    const bool pairs = usesBf16Products(job);
    const float factor = job.scale * log2e;
    const int64_t tiles = (job.queries + queryTile - 1) / queryTile;
    int64_t packedFor = -1;
    int64_t packedKeys = 0;
    for (int64_t unit = begin; unit < end; ++unit) {
        if (job.stop && job.stop(job.context))
            return;
        const int64_t tile = unit % tiles;
        const int64_t head = unit / tiles % job.heads;
        const int64_t batch = unit / tiles / job.heads;
        if (job.queries <= fewQueries) {
            attendFew(job, work, factor, batch, head, work.keys);
            continue;
        }
        const int64_t row = job.queries * tile / tiles;
        const int64_t rows = job.queries * (tile + 1) / tiles - row;
        // Keys and values are packed as far as the rows of this head that are left will look.
        const int64_t keyHead = head / job.group;
        const int64_t owner = batch * (job.heads / job.group) + keyHead;
        const bool lastOfHead = unit + tiles - tile > end;
        const int64_t lastRow = lastOfHead ? job.queries * (tile + end - unit) / tiles - 1 : job.queries - 1;
        const int64_t wanted = visible(job, batch, row, lastRow).end;
        if (owner != packedFor || wanted > packedKeys) {
            if (pairs) {
                packKeyPairs(job, batch, keyHead, wanted, reinterpret_cast<uint16_t*>(work.keys));
                packValuePairs(job, batch, keyHead, wanted, work.valueStride,
                               reinterpret_cast<uint16_t*>(work.values));
            } else {
                packTransposed(job.key, batch, keyHead, 0, wanted, job.size, work.keys);
                packRows(job.value, batch, keyHead, 0, wanted, job.valueSize, work.valueStride, work.values);
            }
            packedFor = owner;
            packedKeys = wanted;
        }
        attendTile(job, work, pairs, factor, batch, head, row, rows);
    }
}

} // namespace orrery::kernels::ORRERY_SIMD
