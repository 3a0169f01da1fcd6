// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/activation.h"

namespace orrery::kernels {

std::string_view name(Activation activation) noexcept {
    switch (activation) {
    case Activation::None:
        return "none";
    case Activation::Gelu:
        return "gelu";
    case Activation::GeluTanh:
        return "gelu_tanh";
    case Activation::Relu:
        return "relu";
    case Activation::Silu:
        return "silu";
    case Activation::QuickGelu:
        return "quick_gelu";
    case Activation::Tanh:
        return "tanh";
    }
    return "unknown";
}

} // namespace orrery::kernels
