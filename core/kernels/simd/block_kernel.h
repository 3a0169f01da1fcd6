// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/simd/block_table.h"
#include "kernels/simd/block_unpack.h"

// Products of rows in 16 bits with a row of blocks, for one instruction set.
namespace orrery::kernels::ORRERY_SIMD {

/// Adds the products of 32 numbers, in 16 bits, to a sum. factors: one for all 32, or one for each half.
#if defined(__AVX512F__)
template <bool halves>
ORRERY_INLINE Vec addGroup(Vec sum, const int16_t* q, const int16_t* x, const float* factors) {
    // 16 sums of two neighbours, the first 8 of the first half.
    const __m512i a = _mm512_loadu_si512(q);
    const __m512i b = _mm512_loadu_si512(x);
#if defined(__AVX512VNNI__)
    const Vec products{_mm512_cvtepi32_ps(_mm512_dpwssd_epi32(_mm512_setzero_si512(), a, b))};
#else
    const Vec products{_mm512_cvtepi32_ps(_mm512_madd_epi16(a, b))};
#endif
    if constexpr (halves)
        return fma(products,
                   {_mm512_mask_mov_ps(_mm512_set1_ps(factors[0]), 0xff00, _mm512_set1_ps(factors[1]))}, sum);
    else
        return fma(products, set(factors[0]), sum);
}
#elif defined(__AVX2__)
ORRERY_INLINE __m256i products(const int16_t* a, const int16_t* b) {
    return _mm256_madd_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(a)),
                             _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b)));
}
template <bool halves>
ORRERY_INLINE Vec addGroup(Vec sum, const int16_t* q, const int16_t* x, const float* factors) {
    const __m256i first = products(q, x);
    const __m256i second = products(q + 16, x + 16);
    if constexpr (halves) {
        sum = fma({_mm256_cvtepi32_ps(first)}, set(factors[0]), sum);
        return fma({_mm256_cvtepi32_ps(second)}, set(factors[1]), sum);
    } else {
        return fma({_mm256_cvtepi32_ps(_mm256_add_epi32(first, second))}, set(factors[0]), sum);
    }
}
#else
template <bool halves>
ORRERY_INLINE Vec addGroup(Vec sum, const int16_t* q, const int16_t* x, const float* factors) {
    float added = 0;
    for (int part = 0; part < 2; ++part) {
        int32_t total = 0;
        for (int i = 0; i < 16; ++i)
            total += static_cast<int32_t>(q[16 * part + i]) * x[16 * part + i];
        added += static_cast<float>(total) * factors[halves ? part : 0];
    }
    alignas(64) float lanes[Vec::width] = {added};
    return sum + load(lanes);
}
#endif

/// Adds the chunk's part to the sums of `rows` rows of inputs.
template <BlockFormat format, int rows>
ORRERY_INLINE void addChunk(const Chunk& chunk, int groups, const BlockInput& input, int64_t row,
                            int64_t firstGroup, float (*sums)[Vec::width], float (*minima)[Chunk::groups]) {
    constexpr bool halves = Layout<format>::halves;
    alignas(64) float factors[rows][2 * Chunk::groups]; // scale of the weights times scale of the inputs
    for (int r = 0; r < rows; ++r) {
        const float* x = input.scales + (row + r) * input.groupStride + firstGroup;
        for (int i = 0; i < (halves ? 2 : 1) * Chunk::groups; ++i)
            factors[r][i] = chunk.scale[i] * x[halves ? i / 2 : i];
    }
    const auto add = [&](Vec to, int group, int r) __attribute__((always_inline)) {
        return addGroup<halves>(to, chunk.q + 32 * group,
                                input.quants + (row + r) * input.stride + 32 * (firstGroup + group),
                                factors[r] + (halves ? 2 : 1) * group);
    };
    // Two sums a row: their additions overlap.
    Vec sum[rows];
    Vec other[rows];
    for (int r = 0; r < rows; ++r) {
        sum[r] = load(sums[r]);
        other[r] = zero();
    }
    int group = 0;
    for (; group + 2 <= groups; group += 2)
        for (int r = 0; r < rows; ++r) {
            sum[r] = add(sum[r], group, r);
            other[r] = add(other[r], group + 1, r);
        }
    for (int r = 0; r < rows; ++r) {
        if (group < groups)
            sum[r] = add(sum[r], group, r);
        sum[r] = sum[r] + other[r];
    }
    for (int r = 0; r < rows; ++r) {
        store(sums[r], sum[r]);
        if constexpr (Layout<format>::minima) {
            const float* x = input.sums + (row + r) * input.groupStride + firstGroup;
            for (int i = 0; i < Chunk::groups; ++i)
                minima[r][i] += chunk.minimum[i] * x[i];
        }
    }
}

/// Asks for the next lines of a row of blocks: more of them under way than the hardware, which stops at the
/// ends of pages, would ask for.
template <int bytes>
ORRERY_INLINE void readAhead(const uint8_t* blocks) {
#pragma GCC unroll 8
    for (int line = 0; line < (bytes + 63) / 64; ++line)
        __builtin_prefetch(blocks + 8192 + 64 * line, 0, 2);
}

#if defined(__AVX512VNNI__)
/// dotOne for whole chunks of Q8_0, whose numbers are multiplied as they are read.
ORRERY_INLINE void addBytes(const uint8_t* blocks, const int16_t* x, const float* scales, Vec* sum) {
    constexpr int bytes = Layout<BlockFormat::Q80>::bytes;
    const auto half = [&](int i) __attribute__((always_inline)) {
        uint16_t bits;
        __builtin_memcpy(&bits, blocks + bytes * i, 2);
        return static_cast<short>(bits);
    };
    const __m128i halves =
        _mm_set_epi16(half(7), half(6), half(5), half(4), half(3), half(2), half(1), half(0));
    alignas(32) float factors[8];
    _mm256_store_ps(factors, _mm256_mul_ps(_mm256_cvtph_ps(halves), _mm256_loadu_ps(scales)));
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
        const __m512i q = _mm512_cvtepi8_epi16(
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(blocks + bytes * i + 2)));
        const __m512i products =
            _mm512_dpwssd_epi32(_mm512_setzero_si512(), q, _mm512_loadu_si512(x + 32 * i));
        sum[i % 4] = fma(Vec{_mm512_cvtepi32_ps(products)}, set(factors[i]), sum[i % 4]);
    }
}
#endif

/// One row of blocks against one row of inputs, as in decoding: the sums stay in registers.
template <BlockFormat format>
float dotOne(const uint8_t* blocks, int64_t depth, const BlockInput& input) {
    using Form = Layout<format>;
    constexpr int perGroup = Form::halves ? 2 : 1;
    Chunk chunk;
    alignas(64) float factors[2 * Chunk::groups];
    alignas(64) float minima[Chunk::groups] = {};
    for (int i = 0; i < Chunk::groups; ++i)
        chunk.minimum[i] = 0;
    for (int i = 0; i < 2 * Chunk::groups; ++i)
        chunk.scale[i] = 0; // those of a part without some groups
    Vec sum[4] = {zero(), zero(), zero(), zero()};
    const int64_t allGroups = depth / 32;
    const auto prepare = [&](int64_t group) __attribute__((always_inline)) {
        for (int i = 0; i < perGroup * Chunk::groups; ++i)
            factors[i] = chunk.scale[i] * input.scales[group + i / perGroup];
        if constexpr (Form::minima)
            for (int i = 0; i < Chunk::groups; ++i)
                minima[i] += chunk.minimum[i] * input.sums[group + i];
    };
    const auto add = [&](Vec to, int64_t group, int i) __attribute__((always_inline)) {
        return addGroup<Form::halves>(to, chunk.q + 32 * i, input.quants + 32 * (group + i),
                                      factors + perGroup * i);
    };
    int64_t group = 0;
    constexpr int chunkBytes = Form::bytes * (32 * Chunk::groups / Form::elements);
#if defined(__AVX512VNNI__)
    if constexpr (format == BlockFormat::Q80)
        for (; group + Chunk::groups <= allGroups; group += Chunk::groups, blocks += chunkBytes) {
            readAhead<chunkBytes>(blocks);
            addBytes(blocks, input.quants + 32 * group, input.scales + group, sum);
        }
#endif
    for (; group + Chunk::groups <= allGroups; group += Chunk::groups) {
        readAhead<chunkBytes>(blocks);
        unpack<format>(blocks, Chunk::groups, chunk);
        blocks += chunkBytes;
        prepare(group);
#pragma GCC unroll 8
        for (int i = 0; i < Chunk::groups; ++i)
            sum[i % 4] = add(sum[i % 4], group, i);
    }
    if (group < allGroups) {
        const auto groups = static_cast<int>(allGroups - group);
        for (int i = groups; i < Chunk::groups; ++i)
            chunk.minimum[i] = 0;
        unpack<format>(blocks, groups, chunk);
        prepare(group);
        for (int i = 0; i < groups; ++i)
            sum[0] = add(sum[0], group, i);
    }
    float total = orrery::kernels::ORRERY_SIMD::sum((sum[0] + sum[1]) + (sum[2] + sum[3]));
    for (int i = 0; i < Chunk::groups; ++i)
        total -= minima[i];
    return total;
}

/// One row of blocks against any number of rows of inputs.
template <BlockFormat format>
void dotRow(const uint8_t* blocks, int64_t depth, const BlockInput& input, float* out, int64_t outStride) {
    constexpr int maxRows = 16;
    constexpr int groupBytes = Layout<format>::bytes * 32 / Layout<format>::elements;
    Chunk chunk;
    for (int i = 0; i < Chunk::groups; ++i)
        chunk.minimum[i] = 0;
    for (int i = 0; i < 2 * Chunk::groups; ++i)
        chunk.scale[i] = 0; // those of a part without some groups
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
            const auto add = [&](int count) __attribute__((always_inline)) {
                unpack<format>(from, count, chunk);
                int64_t row = 0;
                for (; row + 4 <= rows; row += 4)
                    addChunk<format, 4>(chunk, count, input, first + row, group, sums + row, minima + row);
                for (; row < rows; ++row)
                    addChunk<format, 1>(chunk, count, input, first + row, group, sums + row, minima + row);
            };
            if (groups == Chunk::groups)
                add(Chunk::groups); // a number that the compiler knows
            else
                add(groups);
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
        const auto* bytes = reinterpret_cast<const uint8_t*>(blocks);
        if (input.rows == 1)
            *out = dotOne<what>(bytes, depth, input);
        else
            dotRow<what>(bytes, depth, input, out, outStride);
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
