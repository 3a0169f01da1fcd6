// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/simd/vec.h"
#include "tensor/block_format.h"

// Up to 256 quantised numbers as integers of 16 bits with their scales: what differs between the formats.
namespace orrery::kernels::ORRERY_SIMD {

using std::int16_t;
using std::int8_t;
using std::uint64_t;
using std::uint8_t;

/// value = scale * q - minimum.
struct Chunk {
    static constexpr int groups = 8; ///< of 32 numbers
    alignas(64) int16_t q[32 * groups];
    alignas(64) float scale[2 * groups]; ///< of every 32, or of every 16
    alignas(64) float minimum[groups];   ///< of every 32; zero where the format has none
};

/// binary16 to f32. The flags of every set but the portable one include F16C.
ORRERY_INLINE float half(const uint8_t* at) {
    uint16_t bits;
    __builtin_memcpy(&bits, at, 2);
#if defined(__F16C__)
    return _cvtsh_ss(bits);
#else
    const uint32_t sign = (bits & 0x8000U) << 16U;
    const uint32_t exponent = (bits >> 10U) & 31U;
    const uint32_t mantissa = bits & 1023U;
    if (exponent == 0) {
        const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
        return sign != 0 ? -magnitude : magnitude;
    }
    const uint32_t wide = exponent == 31 ? 0x7f800000U : (exponent + 112U) << 23U;
    return __builtin_bit_cast(float, sign | wide | (mantissa << 13U));
#endif
}

template <BlockFormat format>
struct Layout; // elements and bytes of a block; halves: scales for every 16

#define ORRERY_LAYOUT(FORMAT, ELEMENTS, BYTES, HALVES, MINIMA)                                               \
    template <>                                                                                              \
    struct Layout<BlockFormat::FORMAT> {                                                                     \
        static constexpr int elements = ELEMENTS;                                                            \
        static constexpr int bytes = BYTES;                                                                  \
        static constexpr bool halves = HALVES;                                                               \
        static constexpr bool minima = MINIMA;                                                               \
    };
ORRERY_LAYOUT(Q40, 32, 18, false, false)
ORRERY_LAYOUT(Q41, 32, 20, false, true)
ORRERY_LAYOUT(Q50, 32, 22, false, false)
ORRERY_LAYOUT(Q51, 32, 24, false, true)
ORRERY_LAYOUT(Q80, 32, 34, false, false)
ORRERY_LAYOUT(Q4K, 256, 144, false, true)
ORRERY_LAYOUT(Q5K, 256, 176, false, true)
ORRERY_LAYOUT(Q6K, 256, 210, true, false)
#undef ORRERY_LAYOUT

// 32 integers of 16 bits. By hand, since the compiler will not vectorise loops from bytes to integers: bytes
// may alias anything. A whole register is stored at once, because loads that need two stores wait for both.
#if defined(__AVX512F__)
struct Numbers {
    __m512i v;
};
ORRERY_INLINE Numbers bytes(const uint8_t* p) {
    return {_mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
ORRERY_INLINE Numbers signedBytes(const uint8_t* p) {
    return {_mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
/// The low halves of 16 bytes, then the high ones.
ORRERY_INLINE Numbers nibbles(const uint8_t* p) {
    const __m128i both = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m256i all = _mm256_inserti128_si256(_mm256_castsi128_si256(both), _mm_srli_epi16(both, 4), 1);
    return {_mm512_cvtepu8_epi16(_mm256_and_si256(all, _mm256_set1_epi8(15)))};
}
ORRERY_INLINE Numbers masked(Numbers a, int16_t mask) {
    return {_mm512_and_si512(a.v, _mm512_set1_epi16(mask))};
}
template <int count>
ORRERY_INLINE Numbers shiftedRight(Numbers a) {
    return {_mm512_srli_epi16(a.v, count)};
}
template <int count>
ORRERY_INLINE Numbers shiftedLeft(Numbers a) {
    return {_mm512_slli_epi16(a.v, count)};
}
ORRERY_INLINE Numbers operator|(Numbers a, Numbers b) {
    return {_mm512_or_si512(a.v, b.v)};
}
ORRERY_INLINE Numbers minus(Numbers a, int16_t b) {
    return {_mm512_sub_epi16(a.v, _mm512_set1_epi16(b))};
}
/// 16 where a bit is set: number i by bit i.
ORRERY_INLINE Numbers sixteens(uint32_t bits) {
    return {_mm512_maskz_set1_epi16(bits, 16)};
}
ORRERY_INLINE void put(int16_t* p, Numbers a) {
    _mm512_storeu_si512(p, a.v);
}
#elif defined(__AVX2__)
struct Numbers {
    __m256i low, high;
};
template <typename Work>
ORRERY_INLINE Numbers both(Numbers a, const Work& work) {
    return {work(a.low), work(a.high)};
}
ORRERY_INLINE __m128i sixteenBytes(const uint8_t* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
ORRERY_INLINE Numbers bytes(const uint8_t* p) {
    return {_mm256_cvtepu8_epi16(sixteenBytes(p)), _mm256_cvtepu8_epi16(sixteenBytes(p + 16))};
}
ORRERY_INLINE Numbers signedBytes(const uint8_t* p) {
    return {_mm256_cvtepi8_epi16(sixteenBytes(p)), _mm256_cvtepi8_epi16(sixteenBytes(p + 16))};
}
ORRERY_INLINE Numbers masked(Numbers a, int16_t mask) {
    return both(a, [&](__m256i v) { return _mm256_and_si256(v, _mm256_set1_epi16(mask)); });
}
template <int count>
ORRERY_INLINE Numbers shiftedRight(Numbers a) {
    return both(a, [](__m256i v) { return _mm256_srli_epi16(v, count); });
}
template <int count>
ORRERY_INLINE Numbers shiftedLeft(Numbers a) {
    return both(a, [](__m256i v) { return _mm256_slli_epi16(v, count); });
}
ORRERY_INLINE Numbers nibbles(const uint8_t* p) {
    const __m256i all = _mm256_cvtepu8_epi16(sixteenBytes(p));
    return {_mm256_and_si256(all, _mm256_set1_epi16(15)), _mm256_srli_epi16(all, 4)};
}
ORRERY_INLINE Numbers operator|(Numbers a, Numbers b) {
    return {_mm256_or_si256(a.low, b.low), _mm256_or_si256(a.high, b.high)};
}
ORRERY_INLINE Numbers minus(Numbers a, int16_t b) {
    return both(a, [&](__m256i v) { return _mm256_sub_epi16(v, _mm256_set1_epi16(b)); });
}
ORRERY_INLINE __m256i sixteensOf(uint32_t bits) {
    const __m256i each = _mm256_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192,
                                           16384, static_cast<int16_t>(0x8000));
    const __m256i all = _mm256_set1_epi16(static_cast<int16_t>(bits & 0xffffU));
    return _mm256_and_si256(_mm256_cmpeq_epi16(_mm256_and_si256(all, each), each), _mm256_set1_epi16(16));
}
ORRERY_INLINE Numbers sixteens(uint32_t bits) {
    return {sixteensOf(bits), sixteensOf(bits >> 16U)};
}
ORRERY_INLINE void put(int16_t* p, Numbers a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.low);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 16), a.high);
}
#else
struct Numbers {
    int16_t v[32];
};
template <typename Work>
ORRERY_INLINE Numbers each(const Work& work) {
    Numbers result;
    for (int i = 0; i < 32; ++i)
        result.v[i] = static_cast<int16_t>(work(i));
    return result;
}
ORRERY_INLINE Numbers bytes(const uint8_t* p) {
    return each([&](int i) { return p[i]; });
}
ORRERY_INLINE Numbers signedBytes(const uint8_t* p) {
    return each([&](int i) { return (p[i] ^ 128) - 128; }); // two's complement: 128 to 255 are -128 to -1
}
ORRERY_INLINE Numbers nibbles(const uint8_t* p) {
    return each([&](int i) { return i < 16 ? p[i] & 15 : p[i - 16] >> 4; });
}
ORRERY_INLINE Numbers masked(Numbers a, int16_t mask) {
    return each([&](int i) { return a.v[i] & mask; });
}
template <int count>
ORRERY_INLINE Numbers shiftedRight(Numbers a) { // of numbers that are not negative
    return each([&](int i) { return a.v[i] >> count; });
}
template <int count>
ORRERY_INLINE Numbers shiftedLeft(Numbers a) {
    return each([&](int i) { return a.v[i] << count; });
}
ORRERY_INLINE Numbers operator|(Numbers a, Numbers b) {
    return each([&](int i) { return a.v[i] | b.v[i]; });
}
ORRERY_INLINE Numbers minus(Numbers a, int16_t b) {
    return each([&](int i) { return a.v[i] - b; });
}
ORRERY_INLINE Numbers sixteens(uint32_t bits) {
    return each([&](int i) { return (bits >> static_cast<uint32_t>(i) & 1U) << 4U; });
}
ORRERY_INLINE void put(int16_t* p, Numbers a) {
    __builtin_memcpy(p, a.v, sizeof a.v);
}
#endif

ORRERY_INLINE Numbers fifthBits(const uint8_t* at) {
    uint32_t bits;
    __builtin_memcpy(&bits, at, 4);
    return sixteens(bits);
}

/// to[i] = factor * byte i of eight.
template <bool isSigned>
ORRERY_INLINE void scaleEight(uint64_t eight, float factor, float* to) {
#if defined(__AVX2__)
    const __m128i packed = _mm_cvtsi64_si128(static_cast<long long>(eight));
    const __m256i wide = isSigned ? _mm256_cvtepi8_epi32(packed) : _mm256_cvtepu8_epi32(packed);
    _mm256_storeu_ps(to, _mm256_mul_ps(_mm256_cvtepi32_ps(wide), _mm256_set1_ps(factor)));
#else
    for (uint32_t i = 0; i < 8; ++i) {
        const auto byte = static_cast<uint8_t>(eight >> (8 * i));
        to[i] =
            factor * (isSigned ? static_cast<float>(static_cast<int8_t>(byte)) : static_cast<float>(byte));
    }
#endif
}

/// The eight scales and minima of 6 bits of Q4_K and Q5_K, all at once: four in the low 6 bits of each of two
/// words, the other four in a third word of halves and the 2 bits left over.
ORRERY_INLINE void unpackScales(const uint8_t* block, Chunk& chunk) {
    uint32_t words[3];
    __builtin_memcpy(words, block + 4, sizeof words);
    const auto joined = [](uint32_t first, uint32_t halves) {
        const uint32_t second = (halves & 0x0f0f0f0fU) | (first >> 2U & 0x30303030U);
        return static_cast<uint64_t>(second) << 32U | (first & 0x3f3f3f3fU);
    };
    scaleEight<false>(joined(words[0], words[2]), half(block), chunk.scale);
    scaleEight<false>(joined(words[1], words[2] >> 4U), half(block + 2), chunk.minimum);
}

template <BlockFormat format>
ORRERY_INLINE void unpackGroup(const uint8_t* block, int group, Chunk& chunk) {
    int16_t* q = chunk.q + 32 * group;
    chunk.scale[group] = half(block);
    if constexpr (Layout<format>::minima)
        chunk.minimum[group] = -half(block + 2);
    if constexpr (format == BlockFormat::Q40)
        put(q, minus(nibbles(block + 2), 8));
    else if constexpr (format == BlockFormat::Q41)
        put(q, nibbles(block + 4));
    else if constexpr (format == BlockFormat::Q50)
        put(q, minus(nibbles(block + 6) | fifthBits(block + 2), 16));
    else if constexpr (format == BlockFormat::Q51)
        put(q, nibbles(block + 8) | fifthBits(block + 4));
    else
        put(q, signedBytes(block + 2));
}

ORRERY_INLINE void unpackSixBits(const uint8_t* block, Chunk& chunk) {
    const float scale = half(block + 208);
    for (int part = 0; part < 2; ++part) {
        uint64_t eight;
        __builtin_memcpy(&eight, block + 192 + 8 * part, 8);
        scaleEight<true>(eight, scale, chunk.scale + 8 * part);
    }
    for (int part = 0; part < 2; ++part) {
        const uint8_t* low = block + 64 * part;
        const uint8_t* high = block + 128 + 32 * part;
        int16_t* q = chunk.q + 128 * part;
        const Numbers first = bytes(low);
        const Numbers second = bytes(low + 32);
        const Numbers top = bytes(high);
        put(q, minus(masked(first, 15) | shiftedLeft<4>(masked(top, 3)), 32));
        put(q + 32, minus(masked(second, 15) | shiftedLeft<2>(masked(top, 12)), 32));
        put(q + 64, minus(shiftedRight<4>(first) | masked(top, 48), 32));
        put(q + 96, minus(shiftedRight<4>(second) | shiftedRight<2>(masked(top, 192)), 32));
    }
}

/// Numbers 64 pair ... 64 pair + 63 of Q4_K and Q5_K.
template <BlockFormat format, int pair>
ORRERY_INLINE void unpackPair(const uint8_t* block, Chunk& chunk) {
    int16_t* q = chunk.q + 64 * pair;
    const Numbers both = bytes(block + (format == BlockFormat::Q5K ? 48 : 16) + 32 * pair);
    if constexpr (format == BlockFormat::Q5K) {
        const Numbers fifth = shiftedRight<2 * pair>(bytes(block + 16));
        put(q, masked(both, 15) | shiftedLeft<4>(masked(fifth, 1)));
        put(q + 32, shiftedRight<4>(both) | shiftedLeft<3>(masked(fifth, 2)));
    } else {
        put(q, masked(both, 15));
        put(q + 32, shiftedRight<4>(both));
    }
}

/// The next `groups` (at most 8; all 8 where a block is that large) groups of 32.
template <BlockFormat format>
ORRERY_INLINE void unpack(const uint8_t* blocks, int groups, Chunk& chunk) {
    if constexpr (Layout<format>::elements == 32) {
        for (int group = 0; group < groups; ++group)
            unpackGroup<format>(blocks + Layout<format>::bytes * group, group, chunk);
    } else if constexpr (format == BlockFormat::Q6K) {
        unpackSixBits(blocks, chunk);
    } else {
        unpackScales(blocks, chunk);
        unpackPair<format, 0>(blocks, chunk);
        unpackPair<format, 1>(blocks, chunk);
        unpackPair<format, 2>(blocks, chunk);
        unpackPair<format, 3>(blocks, chunk);
    }
}

template <typename Work>
ORRERY_INLINE void withFormat(BlockFormat format, const Work& work) {
    switch (format) {
    case BlockFormat::Q40:
        return work.template operator()<BlockFormat::Q40>();
    case BlockFormat::Q41:
        return work.template operator()<BlockFormat::Q41>();
    case BlockFormat::Q50:
        return work.template operator()<BlockFormat::Q50>();
    case BlockFormat::Q51:
        return work.template operator()<BlockFormat::Q51>();
    case BlockFormat::Q80:
        return work.template operator()<BlockFormat::Q80>();
    case BlockFormat::Q4K:
        return work.template operator()<BlockFormat::Q4K>();
    case BlockFormat::Q5K:
        return work.template operator()<BlockFormat::Q5K>();
    case BlockFormat::Q6K:
        return work.template operator()<BlockFormat::Q6K>();
    }
}

} // namespace orrery::kernels::ORRERY_SIMD
