// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/activation.h"
#include "tensor/tensor.h"

// What gated, capped and scaled models need beside elementwise.h. Computation is in f32.
namespace orrery::kernels {

/// out = activation(gate) * up: the gated feed-forward (Shazeer 2020, "GLU Variants Improve Transformer").
/// Rows [n, F] f32 or bf16 of any stride; out may be gate or up.
void gate(Activation activation, const Tensor& gate, const Tensor& up, const Tensor& out);

/// x = cap tanh(x / cap), f32, contiguous, in place; infinities stay, so that masks do.
void softCap(const Tensor& x, double cap);
/// x = factor x, f32, contiguous, in place.
void scale(const Tensor& x, double factor);

} // namespace orrery::kernels
