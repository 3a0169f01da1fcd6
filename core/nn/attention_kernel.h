// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/part.h"
#include "nn/cost.h"
#include "probe/attention_pattern.h"
#include "probe/context.h"
#include "tensor/tensor.h"

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::nn {

/// What attention is given: any pretrained layer's own queries, keys and values. f32, strided views allowed
/// (the last dimension is dense). The fused kernel also takes all in bf16.
struct AttentionInput {
    Tensor query;   ///< [B, L, H, d]
    Tensor key;     ///< [B, S, Hkv, d]; H is a multiple of Hkv
    Tensor value;   ///< [B, S, Hkv, d]
    Tensor keyMask; ///< [B, S] u8, 1 where a key may be attended, or undefined
    Tensor bias;    ///< f32, broadcastable to [B, H, L, S], added to the scaled scores; or undefined
    double scale = 1;
    bool causal = false;
    std::int64_t queryOffset = 0; ///< in causal attention query i sees keys 0..i+queryOffset
    /// Keys this far away from the query or further are not seen, on both sides unless causal (sliding
    /// windows).
    std::int64_t window = std::numeric_limits<std::int64_t>::max();
    std::vector<std::int64_t> grid; ///< sizes of the positions' grid; {} means {L}
    Tensor output;                  ///< where to write [B, L, H, d]; undefined: the kernel makes its own
};

struct AttentionOutput {
    Tensor output; ///< [B, L, H, d]
    Tensor lse; ///< [B, H, L] log-sum-exp of each row of scaled scores; undefined for kernels without softmax
};

/// A way to compute attention from q, k, v. Immutable and shared between threads.
class AttentionKernel {
public:
    virtual ~AttentionKernel() = default;
    [[nodiscard]] virtual std::string name() const = 0;
    [[nodiscard]] virtual MixingSupport supports() const = 0;
    /// lse is filled when wantLse and the kernel has one. Calls context.progress.check() every 50 ms.
    [[nodiscard]] virtual AttentionOutput run(const AttentionInput& input, bool wantLse,
                                              const Context& context) const = 0;
    /// The mixing weights that run() applies to this input, [B, H, L, S], lazy where possible.
    [[nodiscard]] virtual probe::AttentionPattern matrix(const AttentionInput& input,
                                                         const AttentionOutput& output) const = 0;
    [[nodiscard]] virtual Cost cost(std::int64_t batch, std::int64_t queries, std::int64_t keys, int heads,
                                    std::int64_t headSize, bool causal) const = 0;
};

/// Makes attention kernels from options: the part that a plugin registers.
class AttentionKernelPart : public Part {
public:
    static constexpr std::string_view kind = "attention_kernel";

    [[nodiscard]] virtual MixingSupport supports() const = 0;
    [[nodiscard]] virtual std::shared_ptr<const AttentionKernel> make(const OptionValues& options) const = 0;
};

/// The fused softmax attention of core/kernels: online softmax, no L x S buffer, leaves the log-sum-exp.
[[nodiscard]] std::shared_ptr<const AttentionKernel> fusedAttention();

} // namespace orrery::nn
