// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace orrery {

class Tensor;

/// Copies every element of source to target (same shape, any strides), converting between dtypes: floats
/// round to nearest even, floats to integers truncate and saturate, anything to bool asks "not zero".
void convertElements(const Tensor& source, const Tensor& target);

} // namespace orrery
