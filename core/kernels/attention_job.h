// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/attention.h"
#include "kernels/simd/attention_table.h"

#include <atomic>
#include <vector>

namespace orrery::kernels {

/// A problem, checked, as the vectorised parts take it, with what they only point to.
struct PreparedAttention {
    AttentionJob job;
    std::vector<float> keyAdd;
    std::vector<std::int64_t> keyEnd;
    Tensor bias; ///< expanded to [B, H, L, S]
};

/// Checks shapes, dtypes and strides (f32 and bf16) and fills all that concerns the inputs. The result points
/// into itself: keep it where it is.
void prepareAttention(const AttentionProblem& problem, PreparedAttention& prepared);
[[nodiscard]] HeadView headView(const Tensor& tensor);
[[nodiscard]] const AttentionTable& attentionKernels() noexcept;
/// Visible keys of a query, as the kernels see them (without padding).
[[nodiscard]] std::int64_t visibleKeys(const AttentionJob& job, std::int64_t row);

/// The same in f64 by plain loops: what gradient checks and the tests compare with.
void exactAttention(const AttentionProblem& problem, const Tensor& out, const Tensor& lse);
void exactAttentionBackward(const AttentionProblem& problem, const Tensor& out, const Tensor& lse,
                            const Tensor& dOut, const AttentionGradients& gradients);

} // namespace orrery::kernels
