// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/torch_file.h"

#include "checkpoint/state_dict.h"

namespace orrery::checkpoint {

TorchTensors torchTensors(const pickle::Arena& arena, pickle::Ref root, const std::string& fileName) {
    TorchTensors result;
    for (auto& named : stateDict(arena, root, fileName)) {
        const auto& record = arena.tensors[named.tensor];
        TensorInfo info;
        info.name = std::move(named.name);
        info.storedDtype = record.dtypeName;
        info.dtype = record.dtype;
        info.shape = Shape(record.shape);
        info.bytes = static_cast<std::uint64_t>(info.shape.elements()) * record.itemBytes;
        info.file = fileName;
        result.infos.push_back(std::move(info));
        result.storages.push_back(record.storage);
        result.byteOffsets.push_back(record.offset * record.itemBytes);
        result.strides.emplace_back(record.strides);
    }
    return result;
}

} // namespace orrery::checkpoint
