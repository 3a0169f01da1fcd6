// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/simd/block_table.h"
#include "kernels/simd/block_unpack.h"

// Products of rows in 16 bits with a row of blocks, for one instruction set.
namespace orrery::kernels::ORRERY_SIMD {

#if defined(__AVX512F__)
/// Sums of neighbouring products of 32 numbers: 16 integers, the first 8 of the first 16 numbers.
ORRERY_INLINE Vec products(const int16_t* a, const int16_t* b) {
    const __m512i x = _mm512_loadu_si512(a);
    const __m512i y = _mm512_loadu_si512(b);
#if defined(__AVX512VNNI__)
    return {_mm512_cvtepi32_ps(_mm512_dpwssd_epi32(_mm512_setzero_si512(), x, y))};
#else
    return {_mm512_cvtepi32_ps(_mm512_madd_epi16(x, y))};
#endif
}
template <bool halves>
ORRERY_INLINE Vec addGroup(Vec sum, const int16_t* q, const int16_t* x, const float* scale, int group,
                           float xScale) {
    if constexpr (halves) {
        const Vec both = {_mm512_mask_mov_ps(_mm512_set1_ps(scale[2 * group]), 0xff00,
                                             _mm512_set1_ps(scale[2 * group + 1]))};
        return fma(products(q, x), both * set(xScale), sum);
    } else {
        return fma(products(q, x), set(scale[group] * xScale), sum);
    }
}
#elif defined(__AVX2__)
ORRERY_INLINE __m256i products(const int16_t* a, const int16_t* b) {
    return _mm256_madd_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(a)),
                             _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b)));
}
template <bool halves>
ORRERY_INLINE Vec addGroup(Vec sum, const int16_t* q, const int16_t* x, const float* scale, int group,
                           float xScale) {
    const __m256i first = products(q, x);
    const __m256i second = products(q + 16, x + 16);
    if constexpr (halves) {
        sum = fma({_mm256_cvtepi32_ps(first)}, set(scale[2 * group] * xScale), sum);
        return fma({_mm256_cvtepi32_ps(second)}, set(scale[2 * group + 1] * xScale), sum);
    } else {
        return fma({_mm256_cvtepi32_ps(_mm256_add_epi32(first, second))}, set(scale[group] * xScale), sum);
    }
}
#else
template <bool halves>
ORRERY_INLINE Vec addGroup(Vec sum, const int16_t* q, const int16_t* x, const float* scale, int group,
                           float xScale) {
    float added = 0;
    for (int part = 0; part < 2; ++part) {
        int32_t total = 0;
        for (int i = 0; i < 16; ++i)
            total += static_cast<int32_t>(q[16 * part + i]) * x[16 * part + i];
        added += static_cast<float>(total) * (halves ? scale[2 * group + part] : scale[group]);
    }
    alignas(64) float lanes[Vec::width] = {added * xScale};
    return sum + load(lanes);
}
#endif

/// Adds the chunk's part to the sums of `rows` rows of inputs.
template <BlockFormat format, int rows>
ORRERY_INLINE void addChunk(const Chunk& chunk, int groups, const BlockInput& input, int64_t row,
                            int64_t firstGroup, float (*sums)[Vec::width], float (*minima)[Chunk::groups]) {
    Vec sum[rows];
    for (int r = 0; r < rows; ++r)
        sum[r] = load(sums[r]);
    for (int group = 0; group < groups; ++group)
        for (int r = 0; r < rows; ++r)
            sum[r] = addGroup<Layout<format>::halves>(
                sum[r], chunk.q + 32 * group,
                input.quants + (row + r) * input.stride + 32 * (firstGroup + group), chunk.scale, group,
                input.scales[(row + r) * input.groupStride + firstGroup + group]);
    for (int r = 0; r < rows; ++r) {
        store(sums[r], sum[r]);
        if constexpr (Layout<format>::minima) {
            const float* x = input.sums + (row + r) * input.groupStride + firstGroup;
            for (int group = 0; group < Chunk::groups; ++group)
                minima[r][group] += chunk.minimum[group] * x[group];
        }
    }
}

/// One row of blocks against up to maxRows rows of inputs.
template <BlockFormat format>
void dotRow(const uint8_t* blocks, int64_t depth, const BlockInput& input, float* out, int64_t outStride) {
    constexpr int maxRows = 16;
    constexpr int groupBytes = Layout<format>::bytes * 32 / Layout<format>::elements;
    Chunk chunk;
    for (int i = 0; i < Chunk::groups; ++i)
        chunk.minimum[i] = 0;
    const int64_t allGroups = depth / 32;
    for (int64_t first = 0; first < input.rows; first += maxRows) {
        const int64_t rows = least<int64_t>(maxRows, input.rows - first);
        alignas(64) float sums[maxRows][Vec::width] = {};
        alignas(64) float minima[maxRows][Chunk::groups] = {};
        for (int64_t group = 0; group < allGroups; group += Chunk::groups) {
            const auto groups = static_cast<int>(least<int64_t>(Chunk::groups, allGroups - group));
            const uint8_t* from = Layout<format>::elements == 32
                                      ? blocks + group * groupBytes
                                      : blocks + group / Chunk::groups * Layout<format>::bytes;
            if (groups < Chunk::groups)
                for (int i = groups; i < Chunk::groups; ++i)
                    chunk.minimum[i] = 0;
            if (groups == Chunk::groups)
                unpack<format>(from, Chunk::groups, chunk); // a length the compiler knows
            else
                unpack<format>(from, groups, chunk);
            int64_t row = 0;
            for (; row + 4 <= rows; row += 4)
                addChunk<format, 4>(chunk, groups, input, first + row, group, sums + row, minima + row);
            for (; row < rows; ++row)
                addChunk<format, 1>(chunk, groups, input, first + row, group, sums + row, minima + row);
        }
        for (int64_t row = 0; row < rows; ++row) {
            float total = sum(load(sums[row]));
            for (int group = 0; group < Chunk::groups; ++group)
                total -= minima[row][group];
            out[(first + row) * outStride] = total;
        }
    }
}

inline void dotBlocks(BlockFormat format, const std::byte* blocks, int64_t depth, const BlockInput& input,
                      float* out, int64_t outStride) {
    withFormat(format, [&]<BlockFormat what>() {
        dotRow<what>(reinterpret_cast<const uint8_t*>(blocks), depth, input, out, outStride);
    });
}

inline void dequantiseBlocks(BlockFormat format, const std::byte* blocks, float* out, int64_t elements) {
    withFormat(format, [&]<BlockFormat what>() {
        constexpr int groupBytes = Layout<what>::bytes * 32 / Layout<what>::elements;
        const auto* bytes = reinterpret_cast<const uint8_t*>(blocks);
        Chunk chunk;
        for (int64_t at = 0; at < elements; at += 32 * Chunk::groups) {
            const auto groups = static_cast<int>(least<int64_t>(Chunk::groups, (elements - at) / 32));
            unpack<what>(bytes, groups, chunk);
            bytes += Layout<what>::elements == 32 ? groups * groupBytes : Layout<what>::bytes;
            for (int half = 0; half < 2 * groups; ++half) {
                const float scale = chunk.scale[Layout<what>::halves ? half : half / 2];
                const float minimum = Layout<what>::minima ? chunk.minimum[half / 2] : 0.0F;
                for (int i = 0; i < 16; ++i)
                    out[at + 16 * half + i] = static_cast<float>(chunk.q[16 * half + i]) * scale - minimum;
            }
        }
    });
}

inline void quantiseGroups(const float* x, int64_t groups, int16_t* quants, float* scales, float* sums) {
    constexpr float most = 32767;
    for (int64_t group = 0; group < groups; ++group, x += 32, quants += 32) {
        Vec peak = zero();
        Vec probe = zero(); // NaN once a number is not finite
        for (int i = 0; i < 32; i += Vec::width) {
            const Vec value = load(x + i);
            peak = max(abs(value), peak);
            probe = fma(value, zero(), probe);
        }
        const float doubt = sum(probe);
        const float largestOne = largest(peak);
        int32_t total = 0;
        if (doubt != 0 || largestOne < 1e-30F) { // nothing that could be rounded
            for (int i = 0; i < 32; ++i)
                quants[i] = 0;
            scales[group] = doubt;
            sums[group] = doubt;
            continue;
        }
        const Vec factor = set(most / largestOne);
        for (int i = 0; i < 32; i += Vec::width) {
            alignas(64) float lanes[Vec::width];
            store(lanes, roundToNearest(min(max(load(x + i) * factor, set(-most)), set(most))));
            for (int j = 0; j < Vec::width; ++j) {
                const auto q = static_cast<int32_t>(lanes[j]);
                quants[i + j] = static_cast<int16_t>(q);
                total += q;
            }
        }
        scales[group] = largestOne / most;
        sums[group] = scales[group] * static_cast<float>(total);
    }
}

inline constexpr BlockTable blockTable{&dotBlocks, &dequantiseBlocks, &quantiseGroups};

} // namespace orrery::kernels::ORRERY_SIMD
