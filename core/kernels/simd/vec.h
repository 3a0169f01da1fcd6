// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One vector type for all instruction sets: every kernel is written once and compiled once for each set, in
// files whose flags CMake chooses. Each compilation has a namespace of its own, so that the linker can never
// take a function made for AVX-512 into code for older processors; for the same reason these headers use
// nothing inline from the standard library.

#include <cstdint>

#if defined(__AVX512F__)
#include <immintrin.h>
#if defined(__AVX512BF16__)
#define ORRERY_SIMD simd_avx512_bf16
#elif defined(__AVX512VNNI__)
#define ORRERY_SIMD simd_avx512_vnni
#else
#define ORRERY_SIMD simd_avx512
#endif
#elif defined(__AVX2__)
#include <immintrin.h>
#define ORRERY_SIMD simd_avx2
#else
#define ORRERY_SIMD simd_portable
#endif

#define ORRERY_INLINE inline __attribute__((always_inline))

namespace orrery::kernels::ORRERY_SIMD {

using std::int32_t;
using std::int64_t;
using std::uint16_t;
using std::uint32_t;

template <typename T>
ORRERY_INLINE T least(T a, T b) {
    return a < b ? a : b;
}
template <typename T>
ORRERY_INLINE T most(T a, T b) {
    return a > b ? a : b;
}

ORRERY_INLINE float widen(uint16_t bits) {
    return __builtin_bit_cast(float, static_cast<uint32_t>(bits) << 16U);
}
ORRERY_INLINE uint16_t narrow(float value) {
    const auto word = __builtin_bit_cast(uint32_t, value);
    if ((word & 0x7fffffffU) > 0x7f800000U)
        return static_cast<uint16_t>((word >> 16U) | 0x40U);
    return static_cast<uint16_t>((word + 0x7fffU + ((word >> 16U) & 1U)) >> 16U);
}

#if defined(__AVX512F__)

struct Vec {
    static constexpr int width = 16;
    __m512 v;
};
struct Mask {
    __mmask16 m;
};

ORRERY_INLINE __mmask16 firstLanes(int64_t count) {
    return static_cast<__mmask16>((1U << static_cast<unsigned>(count)) - 1U);
}
ORRERY_INLINE Vec set(float x) {
    return {_mm512_set1_ps(x)};
}
ORRERY_INLINE Vec zero() {
    return {_mm512_setzero_ps()};
}
ORRERY_INLINE Vec load(const float* p) {
    return {_mm512_loadu_ps(p)};
}
ORRERY_INLINE Vec load(const float* p, int64_t count) {
    return {_mm512_maskz_loadu_ps(firstLanes(count), p)};
}
ORRERY_INLINE void store(float* p, Vec a) {
    _mm512_storeu_ps(p, a.v);
}
ORRERY_INLINE void store(float* p, Vec a, int64_t count) {
    _mm512_mask_storeu_ps(p, firstLanes(count), a.v);
}
ORRERY_INLINE Vec widened(__m256i bits) {
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16))};
}
ORRERY_INLINE Vec load(const uint16_t* p) {
    return widened(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
ORRERY_INLINE Vec load(const uint16_t* p, int64_t count) {
    return widened(_mm256_maskz_loadu_epi16(firstLanes(count), p));
}
ORRERY_INLINE __m256i narrowed(Vec a) {
    const __m512i word = _mm512_castps_si512(a.v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(word, 16), _mm512_set1_epi32(1));
    const __m512i rounded =
        _mm512_srli_epi32(_mm512_add_epi32(_mm512_add_epi32(word, odd), _mm512_set1_epi32(0x7fff)), 16);
    const __mmask16 nan = _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q);
    const __m512i quiet = _mm512_or_si512(_mm512_srli_epi32(word, 16), _mm512_set1_epi32(0x40));
    return _mm512_cvtepi32_epi16(_mm512_mask_mov_epi32(rounded, nan, quiet));
}
ORRERY_INLINE void store(uint16_t* p, Vec a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), narrowed(a));
}
ORRERY_INLINE void store(uint16_t* p, Vec a, int64_t count) {
    _mm256_mask_storeu_epi16(p, firstLanes(count), narrowed(a));
}
ORRERY_INLINE Vec operator+(Vec a, Vec b) {
    return {_mm512_add_ps(a.v, b.v)};
}
ORRERY_INLINE Vec operator-(Vec a, Vec b) {
    return {_mm512_sub_ps(a.v, b.v)};
}
ORRERY_INLINE Vec operator*(Vec a, Vec b) {
    return {_mm512_mul_ps(a.v, b.v)};
}
ORRERY_INLINE Vec operator/(Vec a, Vec b) {
    return {_mm512_div_ps(a.v, b.v)};
}
ORRERY_INLINE Vec fma(Vec a, Vec b, Vec c) {
    return {_mm512_fmadd_ps(a.v, b.v, c.v)};
} // a b + c
ORRERY_INLINE Vec fnma(Vec a, Vec b, Vec c) {
    return {_mm512_fnmadd_ps(a.v, b.v, c.v)};
} // c - a b
// A NaN in a survives.
ORRERY_INLINE Vec max(Vec a, Vec b) {
    return {_mm512_max_ps(b.v, a.v)};
}
ORRERY_INLINE Vec min(Vec a, Vec b) {
    return {_mm512_min_ps(b.v, a.v)};
}
ORRERY_INLINE Vec abs(Vec a) {
    return {_mm512_abs_ps(a.v)};
}
ORRERY_INLINE Vec roundToNearest(Vec a) {
    return {_mm512_roundscale_ps(a.v, 8)};
}
ORRERY_INLINE Vec timesPowerOf2(Vec a, Vec n) {
    return {_mm512_scalef_ps(a.v, n.v)};
} // n integral
ORRERY_INLINE Mask operator<(Vec a, Vec b) {
    return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)};
}
ORRERY_INLINE Vec select(Mask m, Vec a, Vec b) {
    return {_mm512_mask_mov_ps(b.v, m.m, a.v)};
} // m ? a : b
ORRERY_INLINE float sum(Vec a) {
    return _mm512_reduce_add_ps(a.v);
}
ORRERY_INLINE float largest(Vec a) {
    return _mm512_reduce_max_ps(a.v);
}

#elif defined(__AVX2__)

struct Vec {
    static constexpr int width = 8;
    __m256 v;
};
struct Mask {
    __m256 m;
};

ORRERY_INLINE __m256i firstLanes(int64_t count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
ORRERY_INLINE Vec set(float x) {
    return {_mm256_set1_ps(x)};
}
ORRERY_INLINE Vec zero() {
    return {_mm256_setzero_ps()};
}
ORRERY_INLINE Vec load(const float* p) {
    return {_mm256_loadu_ps(p)};
}
ORRERY_INLINE Vec load(const float* p, int64_t count) {
    return {_mm256_maskload_ps(p, firstLanes(count))};
}
ORRERY_INLINE void store(float* p, Vec a) {
    _mm256_storeu_ps(p, a.v);
}
ORRERY_INLINE void store(float* p, Vec a, int64_t count) {
    _mm256_maskstore_ps(p, firstLanes(count), a.v);
}
ORRERY_INLINE Vec load(const uint16_t* p) {
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16))};
}
ORRERY_INLINE Vec load(const uint16_t* p, int64_t count) {
    uint16_t lanes[8] = {};
    for (int64_t i = 0; i < count; ++i)
        lanes[i] = p[i];
    return load(lanes);
}
ORRERY_INLINE void store(uint16_t* p, Vec a) {
    const __m256i word = _mm256_castps_si256(a.v);
    const __m256i high = _mm256_srli_epi32(word, 16);
    const __m256i odd = _mm256_and_si256(high, _mm256_set1_epi32(1));
    const __m256i rounded =
        _mm256_srli_epi32(_mm256_add_epi32(_mm256_add_epi32(word, odd), _mm256_set1_epi32(0x7fff)), 16);
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q));
    const __m256i quiet = _mm256_or_si256(high, _mm256_set1_epi32(0x40));
    const __m256i words = _mm256_blendv_epi8(rounded, quiet, nan);
    const __m128i packed =
        _mm_packus_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), packed);
}
ORRERY_INLINE void store(uint16_t* p, Vec a, int64_t count) {
    uint16_t lanes[8];
    store(lanes, a);
    for (int64_t i = 0; i < count; ++i)
        p[i] = lanes[i];
}
ORRERY_INLINE Vec operator+(Vec a, Vec b) {
    return {_mm256_add_ps(a.v, b.v)};
}
ORRERY_INLINE Vec operator-(Vec a, Vec b) {
    return {_mm256_sub_ps(a.v, b.v)};
}
ORRERY_INLINE Vec operator*(Vec a, Vec b) {
    return {_mm256_mul_ps(a.v, b.v)};
}
ORRERY_INLINE Vec operator/(Vec a, Vec b) {
    return {_mm256_div_ps(a.v, b.v)};
}
ORRERY_INLINE Vec fma(Vec a, Vec b, Vec c) {
    return {_mm256_fmadd_ps(a.v, b.v, c.v)};
}
ORRERY_INLINE Vec fnma(Vec a, Vec b, Vec c) {
    return {_mm256_fnmadd_ps(a.v, b.v, c.v)};
}
ORRERY_INLINE Vec max(Vec a, Vec b) {
    return {_mm256_max_ps(b.v, a.v)};
}
ORRERY_INLINE Vec min(Vec a, Vec b) {
    return {_mm256_min_ps(b.v, a.v)};
}
ORRERY_INLINE Vec abs(Vec a) {
    return {_mm256_andnot_ps(_mm256_set1_ps(-0.0F), a.v)};
}
ORRERY_INLINE Vec roundToNearest(Vec a) {
    return {_mm256_round_ps(a.v, 8)};
}
ORRERY_INLINE Vec timesPowerOf2(Vec a, Vec n) {
    // Two steps reach the ends of the exponent's range, denormal numbers included.
    const __m256i whole = _mm256_cvtps_epi32(n.v);
    const __m256i half = _mm256_srai_epi32(whole, 1);
    const __m256i bias = _mm256_set1_epi32(127);
    const __m256i first = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
    const __m256i second = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(whole, half), bias), 23);
    return {_mm256_mul_ps(_mm256_mul_ps(a.v, _mm256_castsi256_ps(first)), _mm256_castsi256_ps(second))};
}
ORRERY_INLINE Mask operator<(Vec a, Vec b) {
    return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)};
}
ORRERY_INLINE Vec select(Mask m, Vec a, Vec b) {
    return {_mm256_blendv_ps(b.v, a.v, m.m)};
}
ORRERY_INLINE float sum(Vec a) {
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_shuffle_ps(x, x, 1)));
}
ORRERY_INLINE float largest(Vec a) {
    __m128 x = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
    x = _mm_max_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_max_ss(x, _mm_shuffle_ps(x, x, 1)));
}

#else

// Four lanes by the compiler's own vectors: whatever the processor has.
using Floats = float __attribute__((vector_size(16)));
using Words = int32_t __attribute__((vector_size(16)));

struct Vec {
    static constexpr int width = 4;
    Floats v;
};
struct Mask {
    Words m;
};

ORRERY_INLINE Vec set(float x) {
    return {Floats{x, x, x, x}};
}
ORRERY_INLINE Vec zero() {
    return {Floats{}};
}
ORRERY_INLINE Vec load(const float* p) {
    Vec a;
    __builtin_memcpy(&a.v, p, sizeof(a.v));
    return a;
}
ORRERY_INLINE Vec load(const float* p, int64_t count) {
    Vec a = zero();
    for (int64_t i = 0; i < count; ++i)
        a.v[i] = p[i];
    return a;
}
ORRERY_INLINE void store(float* p, Vec a) {
    __builtin_memcpy(p, &a.v, sizeof(a.v));
}
ORRERY_INLINE void store(float* p, Vec a, int64_t count) {
    for (int64_t i = 0; i < count; ++i)
        p[i] = a.v[i];
}
ORRERY_INLINE Vec load(const uint16_t* p) {
    return {Floats{widen(p[0]), widen(p[1]), widen(p[2]), widen(p[3])}};
}
ORRERY_INLINE Vec load(const uint16_t* p, int64_t count) {
    Vec a = zero();
    for (int64_t i = 0; i < count; ++i)
        a.v[i] = widen(p[i]);
    return a;
}
ORRERY_INLINE void store(uint16_t* p, Vec a, int64_t count) {
    for (int64_t i = 0; i < count; ++i)
        p[i] = narrow(a.v[i]);
}
ORRERY_INLINE void store(uint16_t* p, Vec a) {
    store(p, a, 4);
}
ORRERY_INLINE Vec operator+(Vec a, Vec b) {
    return {a.v + b.v};
}
ORRERY_INLINE Vec operator-(Vec a, Vec b) {
    return {a.v - b.v};
}
ORRERY_INLINE Vec operator*(Vec a, Vec b) {
    return {a.v * b.v};
}
ORRERY_INLINE Vec operator/(Vec a, Vec b) {
    return {a.v / b.v};
}
ORRERY_INLINE Vec fma(Vec a, Vec b, Vec c) {
    return {a.v * b.v + c.v};
}
ORRERY_INLINE Vec fnma(Vec a, Vec b, Vec c) {
    return {c.v - a.v * b.v};
}
ORRERY_INLINE Mask operator<(Vec a, Vec b) {
    return {a.v < b.v};
}
ORRERY_INLINE Vec select(Mask m, Vec a, Vec b) {
    return {__builtin_bit_cast(Floats, (m.m & __builtin_bit_cast(Words, a.v)) |
                                           (~m.m & __builtin_bit_cast(Words, b.v)))};
}
ORRERY_INLINE Vec max(Vec a, Vec b) {
    return select(a < b, b, a);
}
ORRERY_INLINE Vec min(Vec a, Vec b) {
    return select(b < a, b, a);
}
ORRERY_INLINE Vec abs(Vec a) {
    return {__builtin_bit_cast(Floats, __builtin_bit_cast(Words, a.v) & 0x7fffffff)};
}
ORRERY_INLINE Vec roundToNearest(Vec a) {
    // Adding and taking away 1.5 * 2^23 drops the fraction of anything that exp gives us.
    const Vec shift = set(12582912.0F);
    return {(a.v + shift.v) - shift.v};
}
ORRERY_INLINE Vec timesPowerOf2(Vec a, Vec n) {
    const Words whole = __builtin_convertvector(n.v, Words);
    const Words half = whole >> 1;
    const auto first = __builtin_bit_cast(Floats, (half + 127) << 23);
    const auto second = __builtin_bit_cast(Floats, (whole - half + 127) << 23);
    return {a.v * first * second};
}
ORRERY_INLINE float sum(Vec a) {
    return (a.v[0] + a.v[2]) + (a.v[1] + a.v[3]);
}
ORRERY_INLINE float largest(Vec a) {
    return most(most(a.v[0], a.v[1]), most(a.v[2], a.v[3]));
}

#endif

} // namespace orrery::kernels::ORRERY_SIMD
