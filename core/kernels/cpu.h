// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string_view>

namespace orrery::kernels {

/// Instruction sets for which kernels have versions, in order.
enum class Isa {
    Portable,   ///< plain C++
    Avx2,       ///< AVX2, FMA, F16C
    Avx512,     ///< AVX-512 F, BW, VL, DQ
    Avx512Vnni, ///< and VNNI: int8 products
    Avx512Bf16, ///< and BF16: bf16 products
};

/// The best set of this processor (CPUID and what the operating system saves), unless limited by the
/// environment variable ORRERY_ISA (portable, avx2, avx512, avx512_vnni, avx512_bf16) or forceIsa().
[[nodiscard]] Isa isa() noexcept;
[[nodiscard]] std::string_view name(Isa isa) noexcept; ///< as in ORRERY_ISA
/// Limits kernels to a set (for tests and comparisons); never above what the processor has. nullopt: lifts
/// it. Weights that are packed already keep their form, which every set reads.
void forceIsa(std::optional<Isa> limit) noexcept;

} // namespace orrery::kernels
