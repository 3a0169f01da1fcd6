// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/matrix_source.h"
#include "tensor/tensor.h"

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace orrery::probe {

/// The attention weights of one layer, kept as what they are computed from: queries, keys and the log-sum-exp
/// of every row. pattern[b, h, i, j] = exp(scale * q_i . k_j + bias - lse_i) where j may be attended from i,
/// else 0. Any tile is computed when it is looked at; the L x S array is made only by full(). Immutable,
/// cheap to copy, thread safe.
class AttentionPattern {
public:
    /// What a softmax attention leaves behind. Tensors are views: B x L x H x d queries, B x S x Hkv x d keys
    /// (H a multiple of Hkv), f32; lse [B, H, L] f32; keyMask [B, S] u8 (1: may be attended) or undefined;
    /// bias f32, broadcastable to [B, H, L, S], or undefined. In causal patterns query i sees keys
    /// 0..i+queryOffset.
    struct Parts {
        Tensor query;
        Tensor key;
        Tensor lse;
        Tensor keyMask;
        Tensor bias;
        double scale = 1;
        bool causal = false;
        std::int64_t queryOffset = 0;
        /// Keys this far from the query or further have no weight (on both sides unless causal).
        std::int64_t window = std::numeric_limits<std::int64_t>::max();
    };

    AttentionPattern() = default;
    explicit AttentionPattern(Parts parts);
    /// A pattern held whole (edited runs, kernels without softmax): [B, H, L, S] f32.
    explicit AttentionPattern(Tensor dense);
    /// One matrix for each batch item and head (batch * heads + head), as token mixers give them.
    AttentionPattern(std::int64_t batch, int heads,
                     std::vector<std::shared_ptr<const figure::MatrixSource>> matrices);

    [[nodiscard]] bool defined() const { return m_state != nullptr; }
    [[nodiscard]] bool lazy() const; ///< made of q, k and lse
    [[nodiscard]] std::int64_t batch() const;
    [[nodiscard]] int heads() const;
    [[nodiscard]] int groupSize() const; ///< heads that share keys; 1 when each has its own
    [[nodiscard]] std::int64_t queries() const;
    [[nodiscard]] std::int64_t keys() const;
    [[nodiscard]] bool causal() const;
    [[nodiscard]] std::size_t bytesKept() const;

    /// The L x S weights of one head; tiles are computed on demand.
    [[nodiscard]] std::shared_ptr<const figure::MatrixSource> matrix(std::int64_t batchItem, int head) const;
    /// Mean over heads, also lazy.
    [[nodiscard]] std::shared_ptr<const figure::MatrixSource> meanOverHeads(std::int64_t batchItem) const;
    /// The whole array [B, H, L, S] f32, for those who ask for it.
    [[nodiscard]] Tensor full() const;
    /// Scaled, masked scores before softmax [B, H, L, S]; -infinity where masked. Lazy patterns only.
    [[nodiscard]] Tensor scores() const;
    /// The parts of a lazy pattern (UsageError otherwise).
    [[nodiscard]] const Parts& parts() const;

private:
    struct State;
    std::shared_ptr<const State> m_state;
};

} // namespace orrery::probe
