// SPDX-License-Identifier: GPL-3.0-or-later
#include "nn/dense_attention.h"

#include "kernels/elementwise.h"
#include "onednn/matmul.h"

#include <utility>

namespace orrery::nn {
DenseAttention denseAttention(const AttentionInput& input,
                              const std::function<void(const Tensor&)>& changeScores,
                              const std::function<void(const Tensor&)>& changePattern,
                              const Progress& progress) {
    const std::int64_t batch = input.query.size(0);
    const std::int64_t rows = input.query.size(1);
    const std::int64_t heads = input.query.size(2);
    const std::int64_t group = heads / input.key.size(2);

    // The scores are what a lazy pattern would show of these queries and keys.
    probe::AttentionPattern::Parts parts{.query = input.query,
                                         .key = input.key,
                                         .lse = Tensor::empty({batch, heads, rows}),
                                         .keyMask = input.keyMask,
                                         .bias = input.bias,
                                         .scale = input.scale,
                                         .causal = input.causal,
                                         .queryOffset = input.queryOffset,
                                         .window = input.window};
    DenseAttention result;
    result.pattern = probe::AttentionPattern(std::move(parts)).scores();
    if (changeScores)
        changeScores(result.pattern);
    progress.check();
    kernels::softmaxRows(result.pattern, result.pattern);
    if (changePattern)
        changePattern(result.pattern);

    const Tensor mixed = Tensor::empty({batch, heads, rows, input.value.size(3)});
    progress.check();
    // Heads that share keys and values are a dimension along which the values repeat.
    const std::int64_t groups = heads / group;
    onednn::matmul(result.pattern.reshape({batch, groups, group, rows, result.pattern.size(3)}),
                   input.value.transpose(1, 2).unsqueeze(2), false, false,
                   mixed.reshape({batch, groups, group, rows, mixed.size(3)}));
    result.output = mixed.transpose(1, 2);
    return result;
}

} // namespace orrery::nn
