// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/rows.h"

#include "base/error.h"
#include "kernels/cpu.h"
#include "kernels/simd/row_table.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <memory>

namespace orrery::kernels {

const RowTable& rowKernels() noexcept {
    switch (isa()) {
    case Isa::Portable:
        return rowsPortable;
    case Isa::Avx2:
        return rowsAvx2;
    default:
        return rowsAvx512;
    }
}

const float* RowView::read(std::int64_t row, float* buffer) const {
    if (dtype == DType::F32)
        return f32(row);
    rowKernels().widen(bf16(row), buffer, columns);
    return buffer;
}

float* RowView::target(std::int64_t row, float* buffer) const {
    return dtype == DType::F32 ? f32(row) : buffer;
}

void RowView::wrote(std::int64_t row, const float* buffer) const {
    if (dtype != DType::F32)
        rowKernels().narrow(buffer, bf16(row), columns);
}

namespace {

RowView collapse(const Tensor& tensor, std::byte* data, std::string_view what) {
    ORRERY_CHECK(tensor.dtype() == DType::F32 || tensor.dtype() == DType::BF16,
                 fmt::format("{} must be f32 or bf16, not {}", what, name(tensor.dtype())));
    ORRERY_CHECK(tensor.rank() >= 1, fmt::format("{} must have at least one dimension", what));
    RowView view;
    view.data = data;
    view.dtype = tensor.dtype();
    view.columns = tensor.size(-1);
    ORRERY_CHECK(view.columns <= 1 || tensor.strides()[-1] == 1,
                 fmt::format("the last dimension of {} must be dense", what));
    view.rows = 1;
    view.stride = view.columns;
    for (int i = tensor.rank() - 2; i >= 0; --i) {
        const std::int64_t size = tensor.size(i);
        if (size == 1)
            continue;
        if (view.rows == 1)
            view.stride = tensor.strides()[i];
        else
            ORRERY_CHECK(tensor.strides()[i] == view.stride * view.rows,
                         fmt::format("the leading dimensions of {} must be rows of one stride", what));
        view.rows *= size;
    }
    return view;
}

} // namespace

RowView rowsOf(const Tensor& tensor, std::string_view what) {
    ORRERY_CHECK(tensor.defined(), fmt::format("{} is missing", what));
    return collapse(tensor, const_cast<std::byte*>(tensor.rawData()), what);
}

RowView writableRowsOf(const Tensor& tensor, std::string_view what) {
    ORRERY_CHECK(tensor.defined(), fmt::format("{} is missing", what));
    return collapse(tensor, tensor.mutableRawData(), what);
}

float* scratch(int slot, std::size_t floats) {
    struct Buffer {
        std::unique_ptr<float[], decltype(&std::free)> memory{nullptr, &std::free};
        std::size_t size = 0;
    };
    thread_local std::array<Buffer, 8> buffers;
    Buffer& buffer = buffers.at(static_cast<std::size_t>(slot));
    if (buffer.size < floats) {
        const std::size_t bytes = (floats * sizeof(float) + 127) / 64 * 64;
        buffer.memory.reset(); // before, not after: the peak is the new one alone
        buffer.size = 0;
        auto* fresh = static_cast<float*>(std::aligned_alloc(64, bytes));
        if (!fresh)
            throw Error(fmt::format("No memory left for a work buffer of {} bytes.", bytes));
        buffer.memory.reset(fresh);
        buffer.size = floats;
    }
    return buffer.memory.get();
}

} // namespace orrery::kernels
