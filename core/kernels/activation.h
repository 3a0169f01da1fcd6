// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string_view>

namespace orrery::kernels {

enum class Activation {
    None,
    Gelu,     ///< x Phi(x), by erf
    GeluTanh, ///< its tanh approximation ("gelu_new")
    Relu,
    Silu,
    QuickGelu, ///< x sigmoid(1.702 x)
    Tanh,
};
[[nodiscard]] std::string_view name(Activation activation) noexcept;

} // namespace orrery::kernels
