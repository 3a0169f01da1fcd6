// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace orrery::bench {

/// What the multipliers give at best: fused multiply-adds on registers, GFLOP/s of all threads together, the
/// best of several short loops.
[[nodiscard]] double peakF32(int threads);

} // namespace orrery::bench
