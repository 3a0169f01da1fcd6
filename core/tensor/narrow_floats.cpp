// SPDX-License-Identifier: GPL-3.0-or-later
#include "tensor/narrow_floats.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace orrery {
namespace {

#if defined(__x86_64__)

// This file is compiled for any x86-64; only these two functions use F16C, after asking for it.

__attribute__((target("avx,f16c"))) std::int64_t widenByF16c(const Float16* source, float* target,
                                                             std::int64_t count) noexcept {
    std::int64_t i = 0;
    for (; i + 8 <= count; i += 8)
        _mm256_storeu_ps(target + i,
                         _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(source + i))));
    return i;
}

__attribute__((target("avx,f16c"))) std::int64_t narrowByF16c(const float* source, Float16* target,
                                                              std::int64_t count) noexcept {
    std::int64_t i = 0;
    for (; i + 8 <= count; i += 8)
        _mm_storeu_si128(reinterpret_cast<__m128i*>(target + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(source + i), _MM_FROUND_TO_NEAREST_INT));
    return i;
}

#else

std::int64_t widenByF16c(const Float16*, float*, std::int64_t) noexcept {
    return 0;
}
std::int64_t narrowByF16c(const float*, Float16*, std::int64_t) noexcept {
    return 0;
}

#endif

template <typename T>
void widenEach(const T* source, float* target, std::int64_t count) noexcept {
    for (std::int64_t i = 0; i < count; ++i)
        target[i] = static_cast<float>(source[i]);
}

} // namespace

bool processorHasF16c() noexcept {
#if defined(__x86_64__)
    static const bool has = [] {
        unsigned a = 0;
        unsigned b = 0;
        unsigned c = 0;
        unsigned d = 0;
        __builtin_cpu_init();
        // AVX as well: its answer includes whether the operating system saves the wide registers.
        return __builtin_cpu_supports("avx") != 0 && __get_cpuid(1, &a, &b, &c, &d) != 0 &&
               (c & bit_F16C) != 0;
    }();
    return has;
#else
    return false;
#endif
}

namespace detail {

void widenPortably(const Float16* source, float* target, std::int64_t count) noexcept {
    widenEach(source, target, count);
}

void narrowPortably(const float* source, Float16* target, std::int64_t count) noexcept {
    for (std::int64_t i = 0; i < count; ++i)
        target[i] = Float16(source[i]);
}

} // namespace detail

void widenFloats(const BFloat16* source, float* target, std::int64_t count) noexcept {
    widenEach(source, target, count);
}

void widenFloats(const Float16* source, float* target, std::int64_t count) noexcept {
    const std::int64_t done = processorHasF16c() ? widenByF16c(source, target, count) : 0;
    detail::widenPortably(source + done, target + done, count - done);
}

void widenFloats(const Float8E4M3* source, float* target, std::int64_t count) noexcept {
    widenEach(source, target, count);
}

void widenFloats(const Float8E5M2* source, float* target, std::int64_t count) noexcept {
    widenEach(source, target, count);
}

void narrowFloats(const float* source, Float16* target, std::int64_t count) noexcept {
    const std::int64_t done = processorHasF16c() ? narrowByF16c(source, target, count) : 0;
    detail::narrowPortably(source + done, target + done, count - done);
}

} // namespace orrery
