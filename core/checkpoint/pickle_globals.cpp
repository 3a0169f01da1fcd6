// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/pickle_globals.h"

#include <algorithm>
#include <array>

namespace orrery::checkpoint::pickle {
namespace {

constexpr std::array table{
    AllowedGlobal{"collections", "OrderedDict", Meaning::OrderedDict},
    AllowedGlobal{"builtins", "set", Meaning::Set},
    AllowedGlobal{"__builtin__", "set", Meaning::Set},
    AllowedGlobal{"builtins", "frozenset", Meaning::Frozenset},
    AllowedGlobal{"__builtin__", "frozenset", Meaning::Frozenset},
    AllowedGlobal{"torch._utils", "_rebuild_tensor", Meaning::RebuildTensor},
    AllowedGlobal{"torch._utils", "_rebuild_tensor_v2", Meaning::RebuildTensor},
    AllowedGlobal{"torch._utils", "_rebuild_tensor_v3", Meaning::RebuildTensorWithDtype},
    AllowedGlobal{"torch._utils", "_rebuild_parameter", Meaning::RebuildParameter},
    AllowedGlobal{"torch._utils", "_rebuild_parameter_with_state", Meaning::RebuildParameter},
    AllowedGlobal{"torch", "Size", Meaning::Size},
    AllowedGlobal{"torch", "device", Meaning::Device},

    AllowedGlobal{"torch", "FloatStorage", Meaning::StorageType, DType::F32, 4},
    AllowedGlobal{"torch", "HalfStorage", Meaning::StorageType, DType::F16, 2},
    AllowedGlobal{"torch", "BFloat16Storage", Meaning::StorageType, DType::BF16, 2},
    AllowedGlobal{"torch", "DoubleStorage", Meaning::StorageType, DType::F64, 8},
    AllowedGlobal{"torch", "LongStorage", Meaning::StorageType, DType::I64, 8},
    AllowedGlobal{"torch", "IntStorage", Meaning::StorageType, DType::I32, 4},
    AllowedGlobal{"torch", "ShortStorage", Meaning::StorageType, DType::I16, 2},
    AllowedGlobal{"torch", "CharStorage", Meaning::StorageType, DType::I8, 1},
    AllowedGlobal{"torch", "ByteStorage", Meaning::StorageType, DType::U8, 1},
    AllowedGlobal{"torch", "BoolStorage", Meaning::StorageType, DType::Bool, 1},
    AllowedGlobal{"torch", "UntypedStorage", Meaning::StorageType, DType::U8, 1},
    AllowedGlobal{"torch.storage", "UntypedStorage", Meaning::StorageType, DType::U8, 1},
    AllowedGlobal{"torch", "ComplexFloatStorage", Meaning::StorageType, {}, 8},
    AllowedGlobal{"torch", "ComplexDoubleStorage", Meaning::StorageType, {}, 16},

    AllowedGlobal{"torch", "float32", Meaning::ElementType, DType::F32, 4},
    AllowedGlobal{"torch", "float16", Meaning::ElementType, DType::F16, 2},
    AllowedGlobal{"torch", "bfloat16", Meaning::ElementType, DType::BF16, 2},
    AllowedGlobal{"torch", "float64", Meaning::ElementType, DType::F64, 8},
    AllowedGlobal{"torch", "int64", Meaning::ElementType, DType::I64, 8},
    AllowedGlobal{"torch", "int32", Meaning::ElementType, DType::I32, 4},
    AllowedGlobal{"torch", "int16", Meaning::ElementType, DType::I16, 2},
    AllowedGlobal{"torch", "int8", Meaning::ElementType, DType::I8, 1},
    AllowedGlobal{"torch", "uint8", Meaning::ElementType, DType::U8, 1},
    AllowedGlobal{"torch", "bool", Meaning::ElementType, DType::Bool, 1},
    AllowedGlobal{"torch", "uint16", Meaning::ElementType, {}, 2},
    AllowedGlobal{"torch", "uint32", Meaning::ElementType, {}, 4},
    AllowedGlobal{"torch", "uint64", Meaning::ElementType, {}, 8},
    AllowedGlobal{"torch", "complex64", Meaning::ElementType, {}, 8},
    AllowedGlobal{"torch", "complex128", Meaning::ElementType, {}, 16},
    AllowedGlobal{"torch", "float8_e4m3fn", Meaning::ElementType, DType::F8E4M3, 1},
    AllowedGlobal{"torch", "float8_e4m3fnuz", Meaning::ElementType, {}, 1},
    AllowedGlobal{"torch", "float8_e5m2", Meaning::ElementType, DType::F8E5M2, 1},
    AllowedGlobal{"torch", "float8_e5m2fnuz", Meaning::ElementType, {}, 1},
};

} // namespace

std::optional<std::uint32_t> findGlobal(std::string_view module, std::string_view name) {
    if (module == "torch.cuda" && name.ends_with("Storage")) // saved by old versions from a GPU
        module = "torch";
    const auto found = std::find_if(table.begin(), table.end(), [&](const AllowedGlobal& allowed) {
        return allowed.module == module && allowed.name == name;
    });
    if (found == table.end())
        return {};
    return static_cast<std::uint32_t>(found - table.begin());
}

const AllowedGlobal& allowedGlobal(std::uint32_t index) {
    return table.at(index);
}

} // namespace orrery::checkpoint::pickle
