// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "nn/weight_format.h"

#include <fmt/format.h>

namespace orrery::nn {

Activation activationFromName(std::string_view name, const std::string& where) {
    if (name == "gelu" || name == "gelu_python")
        return Activation::Gelu;
    if (name == "gelu_new" || name == "gelu_pytorch_tanh" || name == "gelu_fast" || name == "gelu_accurate")
        return Activation::GeluTanh; // the same function, written in several ways
    if (name == "relu")
        return Activation::Relu;
    if (name == "silu" || name == "swish")
        return Activation::Silu;
    if (name == "quick_gelu")
        return Activation::QuickGelu;
    if (name == "tanh")
        return Activation::Tanh;
    if (name == "linear")
        return Activation::None;
    throw InputError(
        fmt::format("{}: the activation \"{}\" is not known; known are gelu, gelu_new, "
                    "gelu_pytorch_tanh, gelu_fast, quick_gelu, relu, silu, swish, tanh and linear.",
                    where, name));
}

} // namespace orrery::nn
