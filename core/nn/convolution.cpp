// SPDX-License-Identifier: GPL-3.0-or-later
#include "nn/convolution.h"

#include "base/error.h"

#include <fmt/format.h>

namespace orrery::nn {

Shape Convolution::resultShape(const Shape& x) const {
    ORRERY_CHECK(x.rank() == 4 && x[3] == inputs(), "a map with the channels of the convolution");
    const Pair size = kernel();
    const Shape result{x[0], m_window.positions(0, x[1], size[0]), m_window.positions(1, x[2], size[1]),
                       outputs()};
    if (result[1] == 0 || result[2] == 0)
        throw UsageError(
            fmt::format("{} cannot work on a map of {} x {}: its kernel of {} x {} does not fit; "
                        "give a larger input.",
                        m_name, x[1], x[2], size[0], size[1]));
    return result;
}

double Convolution::operations(const Shape& result) const {
    const std::int64_t perOutput = m_weight.original().elements() / outputs();
    return 2.0 * static_cast<double>(result.elements()) * static_cast<double>(perOutput);
}

} // namespace orrery::nn
