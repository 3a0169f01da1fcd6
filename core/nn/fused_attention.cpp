// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/attention.h"
#include "nn/attention_kernel.h"

#include <algorithm>

namespace orrery::nn {
namespace {

class FusedAttention final : public AttentionKernel {
public:
    [[nodiscard]] std::string name() const override { return "fused"; }
    [[nodiscard]] MixingSupport supports() const override {
        return {.self = true,
                .cross = true,
                .causal = true,
                .noncausal = true,
                .incremental = true,
                .keyMask = true,
                .minGrid = 1,
                .maxGrid = 3};
    }

    [[nodiscard]] AttentionOutput run(const AttentionInput& input, bool wantLse,
                                      const Context& context) const override {
        const std::int64_t batch = input.query.size(0);
        const std::int64_t rows = input.query.size(1);
        const std::int64_t heads = input.query.size(2);
        AttentionOutput result;
        result.output =
            input.output.defined() ? input.output : Tensor::empty({batch, rows, heads, input.value.size(3)});
        if (wantLse)
            result.lse = Tensor::empty({batch, heads, rows});
        const kernels::AttentionProblem problem{.query = input.query.transpose(1, 2),
                                                .key = input.key.transpose(1, 2),
                                                .value = input.value.transpose(1, 2),
                                                .scale = input.scale,
                                                .causal = input.causal,
                                                .queryOffset = input.queryOffset,
                                                .window = input.window,
                                                .keyMask = input.keyMask,
                                                .bias = input.bias,
                                                .progress = &context.progress};
        kernels::attention(problem, result.output.transpose(1, 2), result.lse);
        return result;
    }

    [[nodiscard]] probe::AttentionPattern matrix(const AttentionInput& input,
                                                 const AttentionOutput& output) const override {
        return probe::AttentionPattern(probe::AttentionPattern::Parts{.query = input.query,
                                                                      .key = input.key,
                                                                      .lse = output.lse,
                                                                      .keyMask = input.keyMask,
                                                                      .bias = input.bias,
                                                                      .scale = input.scale,
                                                                      .causal = input.causal,
                                                                      .queryOffset = input.queryOffset,
                                                                      .window = input.window});
    }

    [[nodiscard]] Cost cost(std::int64_t batch, std::int64_t queries, std::int64_t keys, int heads,
                            std::int64_t headSize, bool causal) const override {
        const auto size = static_cast<double>(batch) * heads * static_cast<double>(headSize);
        const double pairs = static_cast<double>(queries) * static_cast<double>(keys) * (causal ? 0.5 : 1.0);
        return {.operations = 4 * size * pairs,
                .bytes = 4 * size * (2 * static_cast<double>(queries) + 2 * static_cast<double>(keys)),
                .memory = 4 * static_cast<double>(batch) * heads * static_cast<double>(queries),
                .operationsFormula = causal ? "2 B H L S d" : "4 B H L S d",
                .bytesFormula = "8 B H d (L + S)",
                .memoryFormula = "4 B H L"};
    }
};

} // namespace

std::shared_ptr<const AttentionKernel> fusedAttention() {
    static const auto kernel = std::make_shared<const FusedAttention>();
    return kernel;
}

} // namespace orrery::nn
