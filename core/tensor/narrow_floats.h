// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/dtype.h"

#include <cstdint>

namespace orrery {

/// Runs of stored floats to float, exactly. binary16 by the processor's own conversion where it has one
/// (F16C), the rest by shifts and tables; the results are the same on every machine, NaNs included.
void widenFloats(const BFloat16* source, float* target, std::int64_t count) noexcept;
void widenFloats(const Float16* source, float* target, std::int64_t count) noexcept;
void widenFloats(const Float8E4M3* source, float* target, std::int64_t count) noexcept;
void widenFloats(const Float8E5M2* source, float* target, std::int64_t count) noexcept;

/// Rounds to nearest, ties to even.
void narrowFloats(const float* source, Float16* target, std::int64_t count) noexcept;

/// Whether the processor converts binary16 itself. (Clang 14 has no name for it in __builtin_cpu_supports.)
[[nodiscard]] bool processorHasF16c() noexcept;

namespace detail {
/// The same without F16C, for its tests.
void widenPortably(const Float16* source, float* target, std::int64_t count) noexcept;
void narrowPortably(const float* source, Float16* target, std::int64_t count) noexcept;
} // namespace detail

} // namespace orrery
