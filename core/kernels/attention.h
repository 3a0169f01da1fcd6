// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/progress.h"
#include "tensor/tensor.h"

#include <cstdint>
#include <limits>
#include <span>

namespace orrery::kernels {

/// Softmax attention: out = softmax(scale q k^T + bias, masked) v, row by row, by the online softmax
/// (Milakov & Gimelshein 2018; Rabe & Staats 2021; Dao et al. 2022), in tiles that stay in cache. Nothing of
/// size L x S is ever made. Views may have any strides with a dense last dimension: the [B, L, 3, H, D]
/// output of one product for queries, keys and values is read in place.
struct AttentionProblem {
    Tensor query; ///< [B, H, L, D] f32, bf16 or f64
    Tensor key;   ///< [B, Hkv, S, D], same dtype; H is a multiple of Hkv: head h reads h / (H / Hkv)
    Tensor value; ///< [B, Hkv, S, Dv], same dtype; only for the output and its gradient
    double scale = 1;
    bool causal = false;          ///< query i sees keys 0 .. i + queryOffset
    std::int64_t queryOffset = 0; ///< queries i stand at key position i + queryOffset (cached decoding)
    /// A key that is window or more positions away from the query's (behind, and ahead unless causal) is not
    /// seen; 1 sees itself only.
    std::int64_t window = std::numeric_limits<std::int64_t>::max();
    Tensor keyMask; ///< [B, S] u8, bool or i64: zero is padding; undefined: none
    Tensor bias;    ///< f32 (f64 with f64), rank 4, each size that of [B, H, L, S] or 1; undefined: none. May
                    ///< hold -infinity.
    const Progress* progress = nullptr; ///< asked about every 20 ms; Cancelled when the job was cancelled
};

/// out [B, H, L, Dv] view of any strides with a dense last dimension, f32 or bf16 (f64 with f64). lse
/// (undefined: not wanted) [B, H, L], f32 (f64 with f64), dense: log sum_j exp(score_ij). A query that may
/// look nowhere gives zeros and lse = -infinity.
void attention(const AttentionProblem& problem, const Tensor& out, const Tensor& lse = {});

/// Gradients of attention, patterns recomputed from lse tile by tile. Undefined tensors are not wanted.
/// dQuery, dKey, dValue: shapes of query, key, value (f32; f64 with f64), dense last dimension, overwritten
/// (shared key heads sum over their group). dBias: shape of bias, dense, overwritten, sums over dimensions
/// of size 1.
struct AttentionGradients {
    Tensor dQuery{};
    Tensor dKey{};
    Tensor dValue{};
    Tensor dBias{};
};
/// out and lse are those of the forward pass; dOut [B, H, L, Dv], dense last dimension. f32 or f64.
void attentionBackward(const AttentionProblem& problem, const Tensor& out, const Tensor& lse,
                       const Tensor& dOut, const AttentionGradients& gradients);

/// A block of the pattern of one head: rows [row, row + rows) x keys [column, column + columns).
struct PatternBlock {
    std::int64_t batch = 0;
    std::int64_t head = 0;
    std::int64_t row = 0;
    std::int64_t column = 0;
    std::int64_t rows = 0;
    std::int64_t columns = 0;
};

/// Exact weights exp(score - lse), 0 where masked, row-major rows x columns into out (at least that large).
/// problem.value is not looked at. f32 or bf16 operands.
void attentionTile(const AttentionProblem& problem, const Tensor& lse, const PatternBlock& block,
                   std::span<float> out);
/// Scaled, biased scores before softmax of a block, -infinity where masked.
void attentionScoreTile(const AttentionProblem& problem, const PatternBlock& block, std::span<float> out);

/// Means of the weights over cells of factor x factor (the last ones smaller): ceil(L / factor) x ceil(S /
/// factor), row-major, of one head. Time as one pass of scores, memory of a few tiles.
void attentionPooled(const AttentionProblem& problem, const Tensor& lse, std::int64_t batch,
                     std::int64_t head, std::int64_t factor, std::span<float> out);

/// What is asked of every row i of a pattern; each [B, H, L] f32 dense, undefined: not wanted. Masked rows
/// give 0 (argmax -1).
struct AttentionRowStatistics {
    Tensor entropy{};  ///< -sum_j p log p, nats
    Tensor maximum{};  ///< largest weight
    Tensor argmax{};   ///< its key, i64
    Tensor sink{};     ///< weight of the keys 0 .. sinkKeys-1
    Tensor distance{}; ///< sum_j p |i + queryOffset - j|
    Tensor squares{};  ///< sum_j p^2: inverse participation
    std::int64_t sinkKeys = 1;
};
/// One pass over tiles of all heads.
void attentionRowStatistics(const AttentionProblem& problem, const Tensor& lse,
                            const AttentionRowStatistics& statistics);

} // namespace orrery::kernels
