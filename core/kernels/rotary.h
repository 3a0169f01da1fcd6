// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

namespace orrery::kernels {

/// Which two numbers of a head turn together.
enum class RotaryLayout {
    Halves,  ///< x[i] and x[i + r / 2]: GPT-NeoX, LLaMA
    Adjacent ///< x[2 i] and x[2 i + 1]: RoFormer, GPT-J
};

/// Rotary position embedding (Su et al. 2021), in place: the first r = 2 * cosine.size(-1) numbers of every
/// head are turned, pair by pair, by the angle of their position. x [B, L, H, d] f32 or bf16, any strides
/// with a dense last dimension, d >= r; cosine and sine [b, L, r / 2] f32, contiguous, b repeating: row i
/// uses i mod b.
void rotate(const Tensor& x, const Tensor& cosine, const Tensor& sine, RotaryLayout layout);

} // namespace orrery::kernels
