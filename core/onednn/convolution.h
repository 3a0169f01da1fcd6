// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/activation.h"
#include "kernels/feature_map.h"
#include "tensor/tensor.h"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace orrery::onednn {

using kernels::Window2d;

/// The weights of a 2-D convolution, packed for the engine when first used and never before; copies share
/// the packed form. Thread safe.
class ConvolutionWeight {
public:
    ConvolutionWeight() = default;
    /// weight [out, in / groups, height, width] f32, bf16 or f16 (only referred to); scale [out] f32 or
    /// undefined: what every output is multiplied by (a folded batch norm).
    ConvolutionWeight(Tensor weight, std::int64_t groups, Tensor scale = {});

    [[nodiscard]] bool defined() const { return m_state != nullptr; }
    [[nodiscard]] const Tensor& original() const;
    [[nodiscard]] std::int64_t groups() const;
    [[nodiscard]] std::size_t bytes() const; ///< read by one use: f32
    [[nodiscard]] bool packed() const;       ///< already

    struct State;
    [[nodiscard]] const State& state() const { return *m_state; }

private:
    std::shared_ptr<State> m_state;
};

/// out = activation(x * weight + bias), cross-correlation as usual. x [B, H, W, in] f32 dense (channels last:
/// tokens on a grid are a map as they are), bias [out] f32 or undefined, out [B, H', W', out] f32 dense.
void convolution(const Tensor& x, const ConvolutionWeight& weight, const Window2d& window, const Tensor& bias,
                 kernels::Activation activation, const Tensor& out);

} // namespace orrery::onednn
