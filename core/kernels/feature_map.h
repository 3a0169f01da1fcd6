// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

#include <array>
#include <cstdint>

// Functions of feature maps. Maps lie channels last, [B, H, W, C] f32 contiguous: the tokens of an image
// [B, H W, C] are a map as they are. Results are written into tensors of the caller, which may not overlap
// the inputs unless said so. Pairs of numbers are [vertical, horizontal].
namespace orrery::kernels {

using Pair = std::array<std::int64_t, 2>;

/// How a kernel walks over a map.
struct Window2d {
    Pair stride{1, 1};
    Pair before{0, 0}; ///< zeros above and to the left
    Pair after{0, 0};  ///< below and to the right
    Pair dilation{1, 1};
    /// Positions along one side (0 vertical, 1 horizontal); 0 when the map is smaller than the kernel.
    [[nodiscard]] std::int64_t positions(int side, std::int64_t size, std::int64_t kernel) const;
};

enum class Pooling {
    Maximum,      ///< what lies outside of the map does not count
    Average,      ///< over the cells inside of the map
    AverageOfAll, ///< the zeros around the map count
};
/// out [B, H', W', C] with H' = window.positions(0, H, size[0]) and W' alike.
void pool(const Tensor& x, Pooling pooling, const Pair& size, const Window2d& window, const Tensor& out);
/// out [B, C]: the mean over all positions of x [B, .., C].
void meanOverPositions(const Tensor& x, const Tensor& out);

enum class Interpolation {
    Nearest, ///< source index floor(i H / H')
    Bilinear,
    Bicubic, ///< Keys 1981 with a = -0.75, as PyTorch has it; no filter against aliasing
};
/// Resamples a map to the sizes of out [B, H', W', C]. alignCorners: the outermost samples stay where they
/// are (positions i (H - 1) / (H' - 1)); else cell centres correspond: (i + 0.5) H / H' - 0.5. Samples
/// outside of the map are those at its border.
void resample(const Tensor& x, Interpolation interpolation, bool alignCorners, const Tensor& out);

/// Cuts a map into windows of size, row by row: out [B nH nW, size[0] size[1], C] with n = ceil(H / size).
/// The map is first filled up with zeros below and to the right and then shifted cyclically up and to the
/// left by shift (Swin: Liu et al. 2021).
void cutWindows(const Tensor& x, const Pair& size, const Pair& shift, const Tensor& out);
/// The way back: windows to the map out [B, H, W, C]; what fills it up is dropped.
void joinWindows(const Tensor& windows, const Pair& size, const Pair& shift, const Tensor& out);

/// Group norm (Wu & He 2018) of x [B, .., C]: over all positions and the channels of a group, times weight
/// [C] plus bias [C]. C is a multiple of groups; out may be x.
void groupNorm(const Tensor& x, std::int64_t groups, const Tensor& weight, const Tensor& bias, double epsilon,
               const Tensor& out);
/// out = x * scale + shift by channel; scale and shift [C], shift may be undefined; out may be x.
void scaleChannels(const Tensor& x, const Tensor& scale, const Tensor& shift, const Tensor& out);
/// out = x + y * scale by channel (layer scale: Touvron et al. 2021); out may be x or y.
void addScaled(const Tensor& x, const Tensor& y, const Tensor& scale, const Tensor& out);

} // namespace orrery::kernels
