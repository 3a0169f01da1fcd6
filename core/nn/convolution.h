// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "nn/weight_format.h"
#include "onednn/convolution.h"

#include <cstdint>
#include <string>
#include <utility>

namespace orrery::nn {

using kernels::Pair;
using kernels::Window2d;

/// A 2-D convolution over maps [B, H, W, C]; a batch norm that follows it is folded in. One over sequences
/// [B, L, C] is a convolution over maps of height 1. Immutable, thread safe; copies share all weights.
class Convolution {
public:
    Convolution() = default;
    /// bias [out] f32 or undefined
    Convolution(std::string name, onednn::ConvolutionWeight weight, Window2d window, Tensor bias)
        : m_name(std::move(name)), m_weight(std::move(weight)), m_window(window), m_bias(std::move(bias)) {}

    [[nodiscard]] bool defined() const { return m_weight.defined(); }
    [[nodiscard]] const std::string& name() const { return m_name; }
    [[nodiscard]] std::int64_t inputs() const { return m_weight.original().size(1) * m_weight.groups(); }
    [[nodiscard]] std::int64_t outputs() const { return m_weight.original().size(0); }
    [[nodiscard]] Pair kernel() const { return {m_weight.original().size(2), m_weight.original().size(3)}; }
    [[nodiscard]] const Window2d& window() const { return m_window; }
    [[nodiscard]] std::size_t bytes() const { return m_weight.bytes(); }
    [[nodiscard]] std::size_t bytesToPack() const { return m_weight.packed() ? 0 : m_weight.bytes(); }
    /// Sizes [B, H', W', out] of the result; UsageError when the map is smaller than the kernel.
    [[nodiscard]] Shape resultShape(const Shape& x) const;
    [[nodiscard]] double operations(const Shape& result) const;
    /// out = activation(x * weight + bias); x and out dense f32.
    void run(const Tensor& x, const Tensor& out, Activation activation = Activation::None) const {
        onednn::convolution(x, m_weight, m_window, m_bias, activation, out);
    }

private:
    std::string m_name;
    onednn::ConvolutionWeight m_weight;
    Window2d m_window;
    Tensor m_bias;
};

} // namespace orrery::nn
