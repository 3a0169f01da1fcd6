// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/stored_tensor.h"

#include "checkpoint/shown_text.h"

#include <fmt/format.h>

#include <cstring>

namespace orrery::checkpoint {
namespace {

/// Elements from the first to just behind the last, gaps included.
std::uint64_t extent(const Shape& shape, const Shape& strides) {
    if (shape.elements() == 0)
        return 0;
    std::int64_t last = 0;
    for (int i = 0; i < shape.rank(); ++i)
        last += (shape[i] - 1) * strides[i];
    return static_cast<std::uint64_t>(last) + 1;
}

} // namespace

InputError unsupportedDtype(const TensorInfo& info) {
    return InputError(
        fmt::format("The tensor \"{}\" in {} is stored as {}, which Orrery does not compute with; "
                    "convert it to F32, BF16 or F16 where it was written.",
                    shownText(info.name), info.file.string(), shownText(info.storedDtype)));
}

Tensor storedTensor(const TensorInfo& info, const std::shared_ptr<Storage>& storage, std::uint64_t byteOffset,
                    const Shape& strides) {
    if (!info.dtype)
        throw unsupportedDtype(info);
    if (*info.dtype == DType::Bool) {
        // A bool in memory that is neither 0 nor 1 is undefined behaviour: bytes from outside become one.
        const Tensor bytes = Tensor::view(storage, byteOffset, info.shape, strides, DType::U8);
        return bytes.to(DType::Bool);
    }
    const auto address = reinterpret_cast<std::uintptr_t>(storage->data()) + byteOffset;
    if (address % itemSize(*info.dtype) == 0)
        return Tensor::view(storage, byteOffset, info.shape, strides, *info.dtype);
    const std::uint64_t bytes = extent(info.shape, strides) * itemSize(*info.dtype);
    auto aligned = Storage::allocate(bytes);
    std::memcpy(aligned->data(), storage->data() + byteOffset, bytes);
    return Tensor::view(std::move(aligned), 0, info.shape, strides, *info.dtype);
}

} // namespace orrery::checkpoint
