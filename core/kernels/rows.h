// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

#include <cstdint>
#include <string_view>

namespace orrery::kernels {

/// A tensor read as rows: its last dimension, which is dense, and one stride between rows.
struct RowView {
    std::byte* data = nullptr;
    DType dtype = DType::F32;
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    std::int64_t stride = 0; ///< elements

    [[nodiscard]] float* f32(std::int64_t row) const { return reinterpret_cast<float*>(data) + row * stride; }
    [[nodiscard]] std::uint16_t* bf16(std::int64_t row) const {
        return reinterpret_cast<std::uint16_t*>(data) + row * stride;
    }
    /// The row as f32: itself, or widened into buffer.
    [[nodiscard]] const float* read(std::int64_t row, float* buffer) const;
    /// Where to write a row of f32: itself, or buffer, to be narrowed by wrote().
    [[nodiscard]] float* target(std::int64_t row, float* buffer) const;
    void wrote(std::int64_t row, const float* buffer) const;
};

/// Error naming `what` when the leading dimensions do not collapse to rows of one stride or the dtype is
/// neither f32 nor bf16. A rank-1 tensor is one row.
[[nodiscard]] RowView rowsOf(const Tensor& tensor, std::string_view what);
/// The same of a tensor that is written: its storage must be writable.
[[nodiscard]] RowView writableRowsOf(const Tensor& tensor, std::string_view what);

/// Memory of the calling thread that grows and is kept between calls, at least `floats` long; slot tells
/// buffers in use at the same time apart.
[[nodiscard]] float* scratch(int slot, std::size_t floats);

} // namespace orrery::kernels
