// SPDX-License-Identifier: GPL-3.0-or-later
#include "nn/linear.h"

#include "base/error.h"

#include <fmt/format.h>

namespace orrery::nn {

void Linear::setFormat(std::shared_ptr<const WeightFormat> format) {
    ORRERY_CHECK(format != nullptr, "a format");
    if (m_format && (format->inputs() != inputs() || format->outputs() != outputs()))
        throw Error(fmt::format("The weight format \"{}\" for {} is {} x {}, but the layer is {} x {}.",
                                format->name(), m_name, format->outputs(), format->inputs(), outputs(),
                                inputs()));
    m_format = std::move(format);
}

void Linear::run(const Tensor& x, const Tensor& out, Activation activation, const Tensor& residual) const {
    m_format->apply(x, {.bias = m_bias, .activation = activation, .residual = residual}, out);
}

} // namespace orrery::nn
