// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/block_format.h"
#include "tensor/tensor.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace orrery {

/// A matrix of blocks in (usually mapped) storage; row after row. Copying copies the view.
struct BlockMatrix {
    BlockFormat format = BlockFormat::Q80;
    std::shared_ptr<Storage> storage{};
    std::size_t byteOffset = 0;
    std::int64_t rows = 0;
    std::int64_t columns = 0; ///< a multiple of blockElements
    /// Row i of the matrix is stored as row (*order)[i]; null: in order.
    std::shared_ptr<const std::vector<std::int32_t>> order{};

    [[nodiscard]] std::size_t rowBytes() const noexcept {
        return static_cast<std::size_t>(columns / blockElements(format) * blockBytes(format));
    }
    [[nodiscard]] std::size_t bytes() const noexcept { return static_cast<std::size_t>(rows) * rowBytes(); }
    [[nodiscard]] const std::byte* row(std::int64_t index) const {
        const std::int64_t at = order ? (*order)[static_cast<std::size_t>(index)] : index;
        return storage->data() + byteOffset + static_cast<std::size_t>(at) * rowBytes();
    }
    /// Error unless all of it lies inside the storage and the order names its rows.
    void check() const;
    [[nodiscard]] Tensor toDense() const; ///< [rows, columns] f32, a copy
};

} // namespace orrery
