// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu.h"

#include "tensor/narrow_floats.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <string_view>

namespace orrery::kernels {
namespace {

constexpr std::array allSets{Isa::Portable, Isa::Avx2, Isa::Avx512, Isa::Avx512Vnni, Isa::Avx512Bf16};

Isa detect() noexcept {
#if defined(__x86_64__)
    __builtin_cpu_init();
    // These ask CPUID and XGETBV: a set that the operating system does not save counts as missing.
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !processorHasF16c())
        return Isa::Portable;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512dq"))
        return Isa::Avx2;
    if (!__builtin_cpu_supports("avx512vnni"))
        return Isa::Avx512;
    return __builtin_cpu_supports("avx512bf16") ? Isa::Avx512Bf16 : Isa::Avx512Vnni;
#else
    return Isa::Portable;
#endif
}

Isa limited() noexcept {
    const Isa found = detect();
    if (const char* wanted = std::getenv("ORRERY_ISA"))
        for (const Isa set : allSets)
            if (name(set) == wanted)
                return std::min(found, set);
    return found;
}

Isa best() noexcept {
    static const Isa found = limited();
    return found;
}

// Part of the engine's state: -1 while nothing is forced.
std::atomic<int> forced{-1};

} // namespace

Isa isa() noexcept {
    const int limit = forced.load(std::memory_order_relaxed);
    return limit < 0 ? best() : std::min(best(), static_cast<Isa>(limit));
}

std::string_view name(Isa isa) noexcept {
    switch (isa) {
    case Isa::Portable:
        return "portable";
    case Isa::Avx2:
        return "avx2";
    case Isa::Avx512:
        return "avx512";
    case Isa::Avx512Vnni:
        return "avx512_vnni";
    case Isa::Avx512Bf16:
        return "avx512_bf16";
    }
    return "unknown";
}

void forceIsa(std::optional<Isa> limit) noexcept {
    forced.store(limit ? static_cast<int>(*limit) : -1, std::memory_order_relaxed);
}

} // namespace orrery::kernels
