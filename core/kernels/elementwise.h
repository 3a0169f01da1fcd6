// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/activation.h"
#include "tensor/tensor.h"

#include <cstdint>

// Functions of single elements and of rows. Unless said otherwise tensors are f32 or bf16 and contiguous;
// computation is in f32. Results are written into tensors of the caller, which may be the inputs.
namespace orrery::kernels {

/// out = activation(x). Errors against the real functions are below 2e-7 relative or absolute, whichever is
/// larger.
void activate(Activation activation, const Tensor& x, const Tensor& out);
/// dx = dOut * activation'(x), f32.
void activateBackward(Activation activation, const Tensor& x, const Tensor& dOut, const Tensor& dx);
/// out = exp(x): relative error below 2 ulp, 0 below -104, infinity above 88.73.
void exponential(const Tensor& x, const Tensor& out);
/// out = a + b, same shapes.
void add(const Tensor& a, const Tensor& b, const Tensor& out);

/// f32 to bf16 (to nearest even) and back, any contiguous tensors of the same number of elements.
void cast(const Tensor& source, const Tensor& target);

/// Softmax of every row (last dimension), shifted by its maximum. A row of -infinity becomes zeros.
void softmaxRows(const Tensor& x, const Tensor& out);
/// lse[row] = log sum exp x[row], f32; -infinity for a row of -infinity.
void logSumExpRows(const Tensor& x, const Tensor& lse);
/// losses[row] = logSumExp(x[row]) - x[row, target[row]]; 0 where target is ignoreIndex. x [.., C], targets
/// [..] i64, losses [..] f32. InputError when a target is outside [0, C). gradient (undefined: not wanted,
/// else like x, f32): softmax(x) - onehot(target), 0 where ignored.
void crossEntropyRows(const Tensor& x, const Tensor& targets, std::int64_t ignoreIndex, const Tensor& losses,
                      const Tensor& gradient = {});

/// out[i] = table[ids[i]] (+ out[i] when accumulate): table [V, D] f32, bf16 or f16, ids i64 or i32 of any
/// shape, out [.., D] f32. InputError naming the id when one is outside [0, V).
void gatherRows(const Tensor& table, const Tensor& ids, const Tensor& out, bool accumulate = false);
/// table[ids[i]] += rows[i], f32; repeated ids add up in order.
void scatterAddRows(const Tensor& rows, const Tensor& ids, const Tensor& table);

} // namespace orrery::kernels
