// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/elementwise.h"

#include "base/operation_observer.h"
#include "kernels/cpu.h"
#include "kernels/rows.h"
#include "kernels/simd/row_table.h"
#include "kernels/threads.h"
#include "tensor/narrow_floats.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

namespace orrery::kernels {
namespace {

constexpr std::int64_t pieceSize = 4096;

/// One long row of any contiguous tensor.
RowView flat(const Tensor& tensor, std::string_view what, bool write) {
    ORRERY_CHECK(tensor.defined(), fmt::format("{} is missing", what));
    ORRERY_CHECK(tensor.isContiguous(), fmt::format("{} must be contiguous", what));
    const Tensor line = tensor.reshape({1, tensor.elements()});
    return write ? writableRowsOf(line, what) : rowsOf(line, what);
}

RowView piece(const RowView& line, std::int64_t begin, std::int64_t count) {
    RowView part = line;
    part.data += begin * static_cast<std::int64_t>(itemSize(line.dtype));
    part.columns = count;
    return part;
}

/// work(piece number's begin, count) over n numbers on all threads.
template <typename Work>
void overPieces(std::int64_t n, const Work& work) {
    parallelFor((n + pieceSize - 1) / pieceSize, 4, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i)
            work(i * pieceSize, std::min(pieceSize, n - i * pieceSize));
    });
}

Operation described(std::string_view kind, const Tensor& x, const Tensor& out, double flopsEach) {
    Operation operation;
    operation.kind = kind;
    operation.description = fmt::format("{} {}:{}", x.shape().toText(), name(x.dtype()), name(out.dtype()));
    operation.implementation = name(isa());
    operation.flops = flopsEach * static_cast<double>(x.elements());
    operation.bytes = static_cast<double>(x.bytes() + out.bytes());
    return operation;
}

template <typename RowWork>
void unary(std::string_view kind, const Tensor& x, const Tensor& out, const RowWork& work) {
    observed(
        [&] {
            const RowView from = flat(x, "the input", false);
            const RowView to = flat(out, "the result", true);
            ORRERY_CHECK(from.columns == to.columns, "input and result have as many elements");
            overPieces(from.columns, [&](std::int64_t begin, std::int64_t count) {
                float in[pieceSize];
                float result[pieceSize];
                const RowView a = piece(from, begin, count);
                const RowView b = piece(to, begin, count);
                float* target = b.target(0, result);
                work(a.read(0, in), target, count);
                b.wrote(0, target);
            });
        },
        [&] { return described(kind, x, out, 10); });
}

} // namespace

void activate(Activation activation, const Tensor& x, const Tensor& out) {
    unary("activation", x, out, [&](const float* from, float* to, std::int64_t n) {
        rowKernels().activate(activation, from, to, n);
    });
}

void exponential(const Tensor& x, const Tensor& out) {
    unary("exponential", x, out,
          [](const float* from, float* to, std::int64_t n) { rowKernels().exponential(from, to, n); });
}

void activateBackward(Activation activation, const Tensor& x, const Tensor& dOut, const Tensor& dx) {
    observed(
        [&] {
            const RowView a = flat(x, "the input", false);
            const RowView g = flat(dOut, "the gradient", false);
            const RowView d = flat(dx, "the result", true);
            ORRERY_CHECK(a.columns == g.columns && a.columns == d.columns, "as many elements in all three");
            overPieces(a.columns, [&](std::int64_t begin, std::int64_t count) {
                float in[pieceSize];
                float gradient[pieceSize];
                float result[pieceSize];
                const RowView to = piece(d, begin, count);
                float* target = to.target(0, result);
                rowKernels().activateBackward(activation, piece(a, begin, count).read(0, in),
                                              piece(g, begin, count).read(0, gradient), target, count);
                to.wrote(0, target);
            });
        },
        [&] { return described("activation_backward", x, dx, 15); });
}

void add(const Tensor& a, const Tensor& b, const Tensor& out) {
    observed(
        [&] {
            const RowView x = flat(a, "the first addend", false);
            const RowView y = flat(b, "the second addend", false);
            const RowView to = flat(out, "the sum", true);
            ORRERY_CHECK(x.columns == y.columns && x.columns == to.columns, "as many elements in all three");
            overPieces(x.columns, [&](std::int64_t begin, std::int64_t count) {
                float left[pieceSize];
                float right[pieceSize];
                float result[pieceSize];
                const RowView target = piece(to, begin, count);
                float* sum = target.target(0, result);
                rowKernels().add(piece(x, begin, count).read(0, left), piece(y, begin, count).read(0, right),
                                 sum, count);
                target.wrote(0, sum);
            });
        },
        [&] { return described("add", a, out, 1); });
}

void cast(const Tensor& source, const Tensor& target) {
    observed(
        [&] {
            const RowView from = flat(source, "the source", false);
            const RowView to = flat(target, "the target", true);
            ORRERY_CHECK(from.columns == to.columns, "source and target have as many elements");
            overPieces(from.columns, [&](std::int64_t begin, std::int64_t count) {
                const RowView a = piece(from, begin, count);
                const RowView b = piece(to, begin, count);
                if (a.dtype == b.dtype) {
                    if (a.data != b.data)
                        std::memcpy(b.data, a.data, static_cast<std::size_t>(count) * itemSize(a.dtype));
                } else if (a.dtype == DType::F32) {
                    rowKernels().narrow(a.f32(0), b.bf16(0), count);
                } else {
                    rowKernels().widen(a.bf16(0), b.f32(0), count);
                }
            });
        },
        [&] { return described("cast", source, target, 0); });
}

void softmaxRows(const Tensor& x, const Tensor& out) {
    observed(
        [&] {
            const RowView from = rowsOf(x, "the input");
            const RowView to = writableRowsOf(out, "the result");
            ORRERY_CHECK(from.rows == to.rows && from.columns == to.columns, "input and result fit");
            const auto width = static_cast<std::size_t>(from.columns);
            parallelFor(from.rows, std::max<std::int64_t>(1, 8192 / std::max<std::int64_t>(1, from.columns)),
                        [&](std::int64_t begin, std::int64_t end) {
                            float* in = scratch(1, width);
                            float* result = scratch(2, width);
                            for (std::int64_t row = begin; row < end; ++row) {
                                float* target = to.target(row, result);
                                rowKernels().softmax(from.read(row, in), target, from.columns);
                                to.wrote(row, target);
                            }
                        });
        },
        [&] { return described("softmax", x, out, 12); });
}

void logSumExpRows(const Tensor& x, const Tensor& lse) {
    observed(
        [&] {
            const RowView from = rowsOf(x, "the input");
            ORRERY_CHECK(lse.elements() == from.rows, "one result for each row");
            const auto result = lse.mutableData<float>();
            parallelFor(from.rows, std::max<std::int64_t>(1, 8192 / std::max<std::int64_t>(1, from.columns)),
                        [&](std::int64_t begin, std::int64_t end) {
                            float* in = scratch(1, static_cast<std::size_t>(from.columns));
                            for (std::int64_t row = begin; row < end; ++row)
                                result[static_cast<std::size_t>(row)] =
                                    rowKernels().softmax(from.read(row, in), nullptr, from.columns);
                        });
        },
        [&] { return described("log_sum_exp", x, lse, 12); });
}

void crossEntropyRows(const Tensor& x, const Tensor& targets, std::int64_t ignoreIndex, const Tensor& losses,
                      const Tensor& gradient) {
    const RowView from = rowsOf(x, "the logits");
    ORRERY_CHECK(targets.elements() == from.rows && losses.elements() == from.rows,
                 "one target and one loss for each row");
    const auto wanted = targets.data<std::int64_t>();
    const auto result = losses.mutableData<float>();
    for (const std::int64_t target : wanted)
        if (target != ignoreIndex && (target < 0 || target >= from.columns))
            throw InputError(
                fmt::format("Target {} is outside the {} classes; only {} may be (it is ignored).", target,
                            from.columns, ignoreIndex));
    RowView slope;
    if (gradient.defined()) {
        slope = writableRowsOf(gradient, "the gradient");
        ORRERY_CHECK(slope.dtype == DType::F32 && slope.rows == from.rows && slope.columns == from.columns,
                     "the gradient is f32 and like the logits");
    }
    observed(
        [&] {
            parallelFor(from.rows, std::max<std::int64_t>(1, 8192 / std::max<std::int64_t>(1, from.columns)),
                        [&](std::int64_t begin, std::int64_t end) {
                            float* in = scratch(1, static_cast<std::size_t>(from.columns));
                            for (std::int64_t row = begin; row < end; ++row) {
                                const std::int64_t target = wanted[static_cast<std::size_t>(row)];
                                float* out = gradient.defined() ? slope.f32(row) : nullptr;
                                if (target == ignoreIndex) {
                                    result[static_cast<std::size_t>(row)] = 0;
                                    if (out)
                                        std::fill(out, out + from.columns, 0.0F);
                                    continue;
                                }
                                const float* logits = from.read(row, in);
                                const float chosen = logits[target]; // before out, which may be the logits
                                const float lse = rowKernels().softmax(logits, out, from.columns);
                                result[static_cast<std::size_t>(row)] = lse - chosen;
                                if (out)
                                    out[target] -= 1;
                            }
                        });
        },
        [&] { return described("cross_entropy", x, losses, 12); });
}

namespace {

std::int64_t idAt(const Tensor& ids, std::int64_t index) {
    return ids.dtype() == DType::I64 ? ids.pointer<std::int64_t>()[index]
                                     : static_cast<std::int64_t>(ids.pointer<std::int32_t>()[index]);
}

void checkIds(const Tensor& ids, std::int64_t limit) {
    ORRERY_CHECK(ids.isContiguous() && (ids.dtype() == DType::I64 || ids.dtype() == DType::I32),
                 "ids are contiguous i64 or i32");
    for (std::int64_t i = 0; i < ids.elements(); ++i)
        if (const std::int64_t id = idAt(ids, i); id < 0 || id >= limit)
            throw InputError(fmt::format("Id {} is outside the table's {} rows.", id, limit));
}

} // namespace

void gatherRows(const Tensor& table, const Tensor& ids, const Tensor& out, bool accumulate) {
    ORRERY_CHECK(table.rank() == 2 && table.strides()[1] == 1, "the table has dense rows");
    checkIds(ids, table.size(0));
    const RowView to = writableRowsOf(out, "the result");
    ORRERY_CHECK(to.dtype == DType::F32 && to.columns == table.size(1) && to.rows == ids.elements(),
                 "the result is f32 with one row for each id");
    observed(
        [&] {
            const std::int64_t stride = table.strides()[0];
            const auto width = static_cast<std::size_t>(to.columns);
            parallelFor(to.rows, 16, [&](std::int64_t begin, std::int64_t end) {
                float* buffer = scratch(1, width);
                const RowTable& rows = rowKernels();
                for (std::int64_t i = begin; i < end; ++i) {
                    const std::int64_t at = idAt(ids, i) * stride;
                    float* target = to.f32(i);
                    const float* row = buffer;
                    switch (table.dtype()) {
                    case DType::F32:
                        row = table.pointer<float>() + at;
                        break;
                    case DType::BF16:
                        rows.widen(reinterpret_cast<const std::uint16_t*>(table.rawData()) + at, buffer,
                                   to.columns);
                        break;
                    case DType::F16:
                        widenFloats(table.pointer<Float16>() + at, buffer, to.columns);
                        break;
                    case DType::F8E4M3:
                        widenFloats(table.pointer<Float8E4M3>() + at, buffer, to.columns);
                        break;
                    case DType::F8E5M2:
                        widenFloats(table.pointer<Float8E5M2>() + at, buffer, to.columns);
                        break;
                    default:
                        ORRERY_CHECK(false, "the table is f32, bf16, f16 or f8");
                    }
                    if (accumulate)
                        rows.add(target, row, target, to.columns);
                    else
                        std::memcpy(target, row, width * sizeof(float));
                }
            });
        },
        [&] { return described("gather", ids, out, 0); });
}

void scatterAddRows(const Tensor& rows, const Tensor& ids, const Tensor& table) {
    checkIds(ids, table.size(0));
    const RowView from = rowsOf(rows, "the rows");
    ORRERY_CHECK(from.dtype == DType::F32 && from.rows == ids.elements() && from.columns == table.size(1),
                 "one f32 row for each id");
    float* target = table.mutablePointer<float>();
    const std::int64_t stride = table.strides()[0];
    observed(
        [&] {
            // Threads share the columns, so that repeated ids add up in order without locks.
            parallelFor(from.columns, 256, [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t i = 0; i < from.rows; ++i) {
                    float* to = target + idAt(ids, i) * stride + begin;
                    rowKernels().add(to, from.f32(i) + begin, to, end - begin);
                }
            });
        },
        [&] { return described("scatter_add", rows, table, 1); });
}

} // namespace orrery::kernels
