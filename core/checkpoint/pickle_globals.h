// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/dtype.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace orrery::checkpoint::pickle {

/// What an allowed name of a pickle stands for.
enum class Meaning : std::uint8_t {
    OrderedDict,
    Set,
    Frozenset,
    RebuildTensor, ///< storage, offset, shape, strides, ...
    RebuildTensorWithDtype,
    RebuildParameter, ///< its first argument is the tensor
    Size,             ///< torch.Size: a tuple
    Device,           ///< torch.device: where the tensor lived
    StorageType,
    ElementType, ///< torch.float16 and the like
};

/// A name that a pickle may mention. The table is all that a checkpoint can ask for.
struct AllowedGlobal {
    std::string_view module;
    std::string_view name;
    Meaning meaning;
    std::optional<DType> dtype = {}; ///< of storages and element types
    std::uint64_t itemBytes = 0;
};

/// Index into the table, or none: then the pickle wants to run code.
std::optional<std::uint32_t> findGlobal(std::string_view module, std::string_view name);
const AllowedGlobal& allowedGlobal(std::uint32_t index);

} // namespace orrery::checkpoint::pickle
