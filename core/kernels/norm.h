// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

namespace orrery::kernels {

/// What a norm leaves for its backward pass; undefined tensors are not wanted.
struct NormStatistics {
    Tensor mean{};  ///< [rows] f32 (layer norm only)
    Tensor scale{}; ///< [rows] f32: 1 / sqrt(variance + epsilon), or of the mean square
};

/// Layer norm over the last dimension (Ba, Kiros, Hinton 2016) of x + residual:
///   s = x + residual;  out = (s - mean) / sqrt(variance + epsilon) * weight + bias.
/// x [.., D] f32 or bf16, contiguous; residual like x or undefined; weight, bias [D] f32 or undefined; out
/// [.., D] f32 or bf16, may be x or residual. sum (undefined: not wanted) receives s, f32 or bf16, may be x
/// or residual too. Two passes over a row that stays in the first-level cache; mean and variance in f32 by
/// lanes, the variance around the mean.
void layerNorm(const Tensor& x, const Tensor& residual, const Tensor& weight, const Tensor& bias,
               double epsilon, const Tensor& out, const Tensor& sum = {}, const NormStatistics& keep = {});

/// RMS norm (Zhang & Sennrich 2019) of x + residual: s / sqrt(mean(s^2) + epsilon) * weight; as layerNorm.
void rmsNorm(const Tensor& x, const Tensor& residual, const Tensor& weight, double epsilon, const Tensor& out,
             const Tensor& sum = {}, const NormStatistics& keep = {});

/// Gradients of layerNorm for s (= x + residual) f32: dx like s; dWeight and dBias [D] f32 or undefined, are
/// overwritten. mean and scale as left by the forward pass. The sums over rows are made in a fixed order.
void layerNormBackward(const Tensor& s, const Tensor& weight, const NormStatistics& kept, const Tensor& dOut,
                       const Tensor& dx, const Tensor& dWeight, const Tensor& dBias);
/// The same for rmsNorm.
void rmsNormBackward(const Tensor& s, const Tensor& weight, const NormStatistics& kept, const Tensor& dOut,
                     const Tensor& dx, const Tensor& dWeight);

} // namespace orrery::kernels
