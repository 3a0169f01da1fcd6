// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

namespace orrery::nn {

/// Layer norm (Ba, Kiros, Hinton 2016) or RMS norm (Zhang & Sennrich 2019) over the last dimension.
class Norm {
public:
    enum class Kind { LayerNorm, RmsNorm };

    Norm() = default;
    /// weight and bias [D] f32; bias may be undefined.
    Norm(Kind kind, Tensor weight, Tensor bias, double epsilon);

    [[nodiscard]] bool defined() const { return m_weight.defined(); }
    [[nodiscard]] Kind kind() const { return m_kind; }
    [[nodiscard]] const Tensor& weight() const { return m_weight; }
    [[nodiscard]] const Tensor& bias() const { return m_bias; }
    [[nodiscard]] double epsilon() const { return m_epsilon; }
    /// x and out [rows, D] f32, contiguous; out may be x.
    void run(const Tensor& x, const Tensor& out) const;

private:
    Kind m_kind = Kind::LayerNorm;
    Tensor m_weight;
    Tensor m_bias;
    double m_epsilon = 1e-5;
};

} // namespace orrery::nn
