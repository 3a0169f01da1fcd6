// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

// What the vectorised parts of attention are given, and their versions for each instruction set.
namespace orrery::kernels {

/// Rows of one head's queries, keys, values ... : element (batch, head, position, d) at batch * batchStride +
/// head * headStride + position * stride + d.
struct HeadView {
    const void* data = nullptr;
    bool bf16 = false;
    std::int64_t batchStride = 0;
    std::int64_t headStride = 0;
    std::int64_t stride = 0;
};

struct AttentionJob {
    HeadView query;
    HeadView key;
    HeadView value;
    HeadView out;    ///< written by the forward pass, read by the backward pass
    HeadView dOut;   ///< backward only, as those below
    HeadView dQuery; ///< data null: not wanted
    HeadView dKey;
    HeadView dValue;
    std::int64_t batch = 0;
    std::int64_t heads = 0;
    std::int64_t group = 1; ///< heads that share keys
    std::int64_t queries = 0;
    std::int64_t keys = 0;
    std::int64_t size = 0; ///< of a query and a key
    std::int64_t valueSize = 0;
    float scale = 1;
    bool causal = false;
    std::int64_t queryOffset = 0;
    std::int64_t window = 0;              ///< 0: none
    const float* keyAdd = nullptr;        ///< [batch][keys] 0 or -infinity; null: no padding
    const std::int64_t* keyEnd = nullptr; ///< [batch] keys from here on are padding; with keyAdd
    const float* bias = nullptr;          ///< added to scaled scores; strides 0 where it repeats
    std::int64_t biasStrides[4] = {0, 0, 0, 0};
    float* dBias = nullptr; ///< as bias, added to
    std::int64_t dBiasStrides[4] = {0, 0, 0, 0};
    float* lse = nullptr;                        ///< [batch, heads, queries]; null: not wanted (forward)
    bool (*stop)(const void* context) = nullptr; ///< asked between tiles; true: leave
    const void* context = nullptr;
};

/// Rows of queries that are worked on together, and keys.
inline constexpr std::int64_t queryTile = 70;
inline constexpr std::int64_t keyTile = 128;

/// What one row of a pattern adds up to over all keys.
struct RowSums {
    float entropy = 0; ///< -sum p log p
    float maximum = 0;
    std::int64_t argmax = -1;
    float sink = 0;
    float distance = 0;
    float squares = 0;
};

struct AttentionTable {
    /// Floats of working memory that one thread needs for any call below.
    std::int64_t (*workFloats)(const AttentionJob& job);
    /// Tiles begin .. end of batch x heads x tiles, in this order.
    void (*forward)(const AttentionJob& job, std::int64_t begin, std::int64_t end, float* work);
    /// All gradients of key heads begin .. end of batch x key heads.
    void (*backward)(const AttentionJob& job, std::int64_t begin, std::int64_t end, float* work);
    /// Scaled, biased, masked scores (-infinity) of rows x columns, at most queryTile x keyTile, of one head.
    void (*scores)(const AttentionJob& job, std::int64_t batch, std::int64_t head, std::int64_t row,
                   std::int64_t rows, std::int64_t column, std::int64_t columns, float* out,
                   std::int64_t outStride, float* work);
    /// Adds n scores of a row, those of the keys from firstKey on, to its sums; position is the query's.
    void (*rowSums)(const float* scores, float lse, std::int64_t n, std::int64_t position,
                    std::int64_t firstKey, std::int64_t sinkKeys, RowSums& sums);
};

extern const AttentionTable attentionPortable;
extern const AttentionTable attentionAvx2;
extern const AttentionTable attentionAvx512;
extern const AttentionTable attentionAvx512Bf16;

} // namespace orrery::kernels
