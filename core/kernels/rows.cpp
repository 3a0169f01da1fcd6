// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/rows.h"

#include "base/error.h"
#include "kernels/cpu.h"
#include "kernels/simd/row_table.h"

#include <fmt/format.h>

#include <array>
#include <utility>

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

namespace {

/// Grows; counts as owned memory.
class WorkBuffer {
public:
    WorkBuffer() = default;
    ~WorkBuffer() { giveMemory(m_block); }
    WorkBuffer(const WorkBuffer&) = delete;
    WorkBuffer& operator=(const WorkBuffer&) = delete;
    std::byte* atLeast(std::size_t bytes) {
        if (m_block.bytes < bytes) {
            giveMemory(std::exchange(m_block, {})); // before, not after: the peak is the new one alone
            m_block = takeMemory(bytes + 64);       // microkernels read a line ahead
        }
        return m_block.data;
    }

private:
    MemoryBlock m_block;
};

} // namespace

float* scratch(int slot, std::size_t floats) {
    thread_local std::array<WorkBuffer, 8> buffers;
    return reinterpret_cast<float*>(
        buffers.at(static_cast<std::size_t>(slot)).atLeast(floats * sizeof(float)));
}

} // namespace orrery::kernels
