// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "nn/weight_format.h"

#include <memory>
#include <string>
#include <utility>

namespace orrery::nn {

/// y = x W^T + b with an exchangeable weight format.
class Linear {
public:
    Linear() = default;
    Linear(std::string name, std::shared_ptr<const WeightFormat> format, Tensor bias)
        : m_name(std::move(name)), m_format(std::move(format)), m_bias(std::move(bias)) {}

    [[nodiscard]] bool defined() const { return m_format != nullptr; }
    [[nodiscard]] const std::string& name() const { return m_name; } ///< "blocks.3.attn.qkv"
    [[nodiscard]] const std::shared_ptr<const WeightFormat>& format() const { return m_format; }
    void setFormat(std::shared_ptr<const WeightFormat> format); ///< same sizes, checked
    [[nodiscard]] const Tensor& bias() const { return m_bias; } ///< [out] f32 or undefined
    [[nodiscard]] std::int64_t inputs() const { return m_format->inputs(); }
    [[nodiscard]] std::int64_t outputs() const { return m_format->outputs(); }

    /// x [rows, in] to out [rows, out]: activation(x W^T + b) + residual.
    void run(const Tensor& x, const Tensor& out, Activation activation = Activation::None,
             const Tensor& residual = {}) const;

private:
    std::string m_name;
    std::shared_ptr<const WeightFormat> m_format;
    Tensor m_bias;
};

} // namespace orrery::nn
