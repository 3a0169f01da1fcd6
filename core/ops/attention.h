// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

#include <cstdint>
#include <limits>

namespace orrery::ops {

/// Who may look where. All that is given must allow a pair.
struct AttentionMask {
    bool causal = false;
    /// Query i stands at position i + queryOffset of the keys: the length of the cache when decoding.
    std::int64_t queryOffset = 0;
    /// A key further than this back (and, unless causal, ahead) is not seen; 1 sees itself only.
    std::int64_t window = std::numeric_limits<std::int64_t>::max();
    /// [batch, keys], bool or integer: zero is padding. May be undefined.
    Tensor keys{};
    /// Floating, broadcastable to [batch, heads, queries, keys], added to the scaled scores (relative
    /// positions, ALiBi, any mask by -infinity); gets a gradient when tracked. May be undefined.
    Tensor bias{};
};

struct AttentionResult {
    Tensor output;    ///< [batch, heads, queries, value size], differentiable
    Tensor logSumExp; ///< [batch, heads, queries], f32 or f64, of the masked scores; not differentiable
};

/// softmax(q k^T scale + mask) v without an L x L buffer, forward (online softmax, Milakov & Gimelshein 2018;
/// Dao et al. 2022) and backward (patterns are recomputed from the log-sum-exp, tile by tile).
/// q [batch, heads, queries, d], k [batch, kvHeads, keys, d], v [batch, kvHeads, keys, dv], any strides with
/// the last contiguous; heads is a multiple of kvHeads (grouped queries). scale 0 means 1 / sqrt(d). A query
/// that may look nowhere gives zeros and log-sum-exp -infinity.
[[nodiscard]] AttentionResult attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                        const AttentionMask& mask = {}, double scale = 0);

} // namespace orrery::ops
