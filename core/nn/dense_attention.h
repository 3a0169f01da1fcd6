// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "nn/attention_kernel.h"

#include <functional>

namespace orrery::nn {

/// Attention with the scores and the pattern made whole [B, H, L, S], so that both can be changed on the way.
/// Either function may be empty.
struct DenseAttention {
    Tensor output;  ///< [B, L, H, d]
    Tensor pattern; ///< [B, H, L, S], as used
};
[[nodiscard]] DenseAttention denseAttention(const AttentionInput& input,
                                            const std::function<void(const Tensor&)>& changeScores,
                                            const std::function<void(const Tensor&)>& changePattern,
                                            const Progress& progress);

} // namespace orrery::nn
