// SPDX-License-Identifier: GPL-3.0-or-later
#include "peak.h"

#include "kernels/cpu.h"

#include <algorithm>
#include <chrono>

namespace orrery::bench {
namespace {

// Twelve chains are enough to fill the pipelines; assembly keeps the compiler from being clever.
#define ORRERY_CHAINS(r)                                                                                     \
    "vfmadd231ps %%" r "0, %%" r "0, %%" r "1\n vfmadd231ps %%" r "0, %%" r "0, %%" r "2\n"                  \
    "vfmadd231ps %%" r "0, %%" r "0, %%" r "3\n vfmadd231ps %%" r "0, %%" r "0, %%" r "4\n"                  \
    "vfmadd231ps %%" r "0, %%" r "0, %%" r "5\n vfmadd231ps %%" r "0, %%" r "0, %%" r "6\n"                  \
    "vfmadd231ps %%" r "0, %%" r "0, %%" r "7\n vfmadd231ps %%" r "0, %%" r "0, %%" r "8\n"                  \
    "vfmadd231ps %%" r "0, %%" r "0, %%" r "9\n vfmadd231ps %%" r "0, %%" r "0, %%" r "10\n"                 \
    "vfmadd231ps %%" r "0, %%" r "0, %%" r "11\n vfmadd231ps %%" r "0, %%" r "0, %%" r "12\n"

constexpr long rounds = 1000000;
#define ORRERY_CLOBBERS                                                                                      \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12"

void wide() {
    asm volatile("vpxord %%zmm0, %%zmm0, %%zmm0" ::: ORRERY_CLOBBERS);
    for (long i = 0; i < rounds; ++i)
        asm volatile(ORRERY_CHAINS("zmm")::: ORRERY_CLOBBERS);
    asm volatile("vzeroupper" ::: ORRERY_CLOBBERS);
}

void narrow() {
    asm volatile("vpxor %%ymm0, %%ymm0, %%ymm0" ::: ORRERY_CLOBBERS);
    for (long i = 0; i < rounds; ++i)
        asm volatile(ORRERY_CHAINS("ymm")::: ORRERY_CLOBBERS);
    asm volatile("vzeroupper" ::: ORRERY_CLOBBERS);
}

} // namespace

double peakF32(int threads) {
    if (kernels::isa() == kernels::Isa::Portable)
        return 0;
    const bool large = kernels::isa() >= kernels::Isa::Avx512;
    double best = 0;
    for (int repeat = 0; repeat < 30; ++repeat) {
        const auto start = std::chrono::steady_clock::now();
#pragma omp parallel num_threads(threads)
        large ? wide() : narrow();
        const double seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        best = std::max(best, 12.0 * (large ? 32 : 16) * rounds * threads / seconds / 1e9);
    }
    return best;
}

} // namespace orrery::bench
