// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/error.h"
#include "checkpoint/source.h"

#include <cstdint>
#include <memory>

namespace orrery::checkpoint {

/// The tensor that lies at byteOffset of the storage: a view where the processor can load its elements from
/// there, a copy in aligned memory where the file holds it misaligned. The caller has checked that it lies
/// inside. InputError when its dtype is not supported.
Tensor storedTensor(const TensorInfo& info, const std::shared_ptr<Storage>& storage, std::uint64_t byteOffset,
                    const Shape& strides);

/// What is said to who asks for a tensor of a dtype that Orrery lists but does not compute with.
InputError unsupportedDtype(const TensorInfo& info);

} // namespace orrery::checkpoint
