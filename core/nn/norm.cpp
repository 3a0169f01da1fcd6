// SPDX-License-Identifier: GPL-3.0-or-later
#include "nn/norm.h"

#include "kernels/norm.h"

#include <utility>

namespace orrery::nn {

Norm::Norm(Kind kind, Tensor weight, Tensor bias, double epsilon)
    : m_kind(kind), m_weight(std::move(weight)), m_bias(std::move(bias)), m_epsilon(epsilon) {}

void Norm::run(const Tensor& x, const Tensor& out) const {
    if (m_kind == Kind::LayerNorm)
        kernels::layerNorm(x, {}, m_weight, m_bias, m_epsilon, out);
    else
        kernels::rmsNorm(x, {}, m_weight, m_epsilon, out);
}

} // namespace orrery::nn
