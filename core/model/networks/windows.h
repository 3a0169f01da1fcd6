// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/feature_map.h"
#include "tensor/tensor.h"

#include <cstdint>

// Attention inside of windows: relative positions, and who sees whom after a cyclic shift.
namespace orrery::model {

/// Rows of a table of relative positions [(2 H - 1) (2 W - 1), heads] (of windows up to H x W, table) as what
/// is added to the scores of a window: [heads, n, n] with n = window[0] window[1]. Query i and key j, both
/// row by row, meet at (y_i - y_j, x_i - x_j).
[[nodiscard]] Tensor relativeBias(const Tensor& table, const kernels::Pair& tableWindow,
                                  const kernels::Pair& window);

/// What keeps positions apart that a cyclic shift has brought into one window (Liu et al. 2021, section 3.2):
/// [windows, n, n], 0 or -100 as the reference has it, for a map filled up to whole windows.
[[nodiscard]] Tensor shiftMask(std::int64_t height, std::int64_t width, const kernels::Pair& window,
                               const kernels::Pair& shift);

/// bias [heads, n, n] plus mask [windows, n, n] for batch items of all windows: [batch windows, heads, n, n].
[[nodiscard]] Tensor maskedBias(const Tensor& bias, const Tensor& mask, std::int64_t batch);

} // namespace orrery::model
