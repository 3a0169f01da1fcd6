// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "nn/cost.h"

#include <cstdint>
#include <span>

// Costs of the ways of mixing positions that are no dense attention. As everywhere the least that the task
// needs: operands are read once, what is masked away by the pattern is not counted. f32.
namespace orrery::nn {

/// Mamba's recurrence over C channels with N states each: see kernels/state_scan.h.
[[nodiscard]] Cost selectiveScanCost(std::int64_t batch, std::int64_t length, std::int64_t channels,
                                     std::int64_t states);
/// Mamba-2's: H heads in G groups.
[[nodiscard]] Cost scalarScanCost(std::int64_t batch, std::int64_t length, std::int64_t channels,
                                  std::int64_t states, std::int64_t heads, std::int64_t groups);

/// One sequence of Longformer (Beltagy et al. 2020, section 3.1): every query that is not global sees the
/// keys at most side positions away and the global ones; the global ones (ascending positions) see all, by
/// queries, keys and values of their own.
[[nodiscard]] Cost windowAttentionCost(std::int64_t length, std::int64_t side,
                                       std::span<const std::int64_t> global, std::int64_t heads,
                                       std::int64_t headSize);

/// BigBird (Zaheer et al. 2020, section 2): queries in blocks of size (the last may be shorter); those of
/// block i see keys[i] keys.
[[nodiscard]] Cost blockAttentionCost(std::int64_t batch, std::int64_t length, std::int64_t size,
                                      std::span<const std::int64_t> keys, std::int64_t heads,
                                      std::int64_t headSize);

/// Both together; the formulas of b.
[[nodiscard]] Cost sum(const Cost& a, const Cost& b);

} // namespace orrery::nn
