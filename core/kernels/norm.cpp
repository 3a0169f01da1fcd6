// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/norm.h"

#include "base/error.h"
#include "base/operation_observer.h"
#include "kernels/cpu.h"
#include "kernels/rows.h"
#include "kernels/simd/row_table.h"
#include "kernels/threads.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace orrery::kernels {
namespace {

/// Rows a thread should at least have: less work than this is done before a second thread has woken up.
std::int64_t grainOf(std::int64_t columns) {
    return std::max<std::int64_t>(8, 8192 / std::max<std::int64_t>(1, columns));
}

const float* vectorOf(const Tensor& tensor, std::int64_t size) {
    if (!tensor.defined())
        return nullptr;
    ORRERY_CHECK(tensor.elements() == size, "weight and bias are as long as a row");
    return tensor.data<float>().data();
}

float* statistic(const Tensor& tensor, std::int64_t rows) {
    if (!tensor.defined())
        return nullptr;
    ORRERY_CHECK(tensor.elements() == rows, "one statistic for each row");
    return tensor.mutableData<float>().data();
}

Operation described(std::string_view kind, const RowView& x, const Tensor& out, double flopsEach) {
    Operation operation;
    operation.kind = kind;
    operation.description = fmt::format("{}x{} {}:{}", x.rows, x.columns, name(x.dtype), name(out.dtype()));
    operation.implementation = name(isa());
    const auto elements = static_cast<double>(x.rows * x.columns);
    operation.flops = flopsEach * elements;
    operation.bytes = elements * static_cast<double>(itemSize(x.dtype) + itemSize(out.dtype()));
    return operation;
}

void forward(const Tensor& x, const Tensor& residual, const NormRow& form, const Tensor& out,
             const Tensor& sum, const NormStatistics& keep) {
    const RowView from = rowsOf(x, "the input of a norm");
    const RowView to = writableRowsOf(out, "the result of a norm");
    ORRERY_CHECK(from.rows == to.rows && from.columns == to.columns, "input and result fit");
    RowView added;
    RowView kept;
    if (residual.defined()) {
        added = rowsOf(residual, "the residual of a norm");
        ORRERY_CHECK(added.rows == from.rows && added.columns == from.columns, "input and residual fit");
    }
    if (sum.defined()) {
        kept = writableRowsOf(sum, "the sum of a norm");
        ORRERY_CHECK(kept.rows == from.rows && kept.columns == from.columns, "input and sum fit");
    }
    float* means = statistic(keep.mean, from.rows);
    float* scales = statistic(keep.scale, from.rows);
    observed(
        [&] {
            const std::int64_t n = from.columns;
            parallelFor(from.rows, grainOf(n), [&](std::int64_t begin, std::int64_t end) {
                const auto size = static_cast<std::size_t>(n);
                float* in = scratch(1, size);
                float* total = scratch(2, size);
                float* result = scratch(3, size);
                const RowTable& rows = rowKernels();
                for (std::int64_t row = begin; row < end; ++row) {
                    const float* s = from.read(row, in);
                    if (residual.defined()) {
                        rows.add(s, added.read(row, result), total, n);
                        s = total;
                    }
                    if (sum.defined()) {
                        if (kept.dtype == DType::BF16)
                            rows.narrow(s, kept.bf16(row), n);
                        else if (s != kept.f32(row))
                            std::copy(s, s + n, kept.f32(row));
                    }
                    NormRow norm = form;
                    float* target = to.target(row, result);
                    rows.norm(s, target, n, norm);
                    to.wrote(row, target);
                    if (means)
                        means[row] = norm.mean;
                    if (scales)
                        scales[row] = norm.scale;
                }
            });
        },
        [&] { return described(form.centred ? "layer_norm" : "rms_norm", from, out, 8); });
}

void backward(const Tensor& s, const NormRow& form, const NormStatistics& kept, const Tensor& dOut,
              const Tensor& dx, const Tensor& dWeight, const Tensor& dBias) {
    const RowView from = rowsOf(s, "the input of a norm");
    const RowView gradient = rowsOf(dOut, "the gradient of a norm");
    ORRERY_CHECK(from.dtype == DType::F32 && gradient.dtype == DType::F32, "gradients of norms are f32");
    ORRERY_CHECK(gradient.rows == from.rows && gradient.columns == from.columns, "input and gradient fit");
    RowView to;
    if (dx.defined()) {
        to = writableRowsOf(dx, "the gradient of a norm's input");
        ORRERY_CHECK(to.dtype == DType::F32 && to.rows == from.rows && to.columns == from.columns,
                     "gradients are like their tensors");
    }
    const float* means = form.centred ? kept.mean.data<float>().data() : nullptr;
    const float* scales = kept.scale.data<float>().data();
    observed(
        [&] {
            const std::int64_t n = from.columns;
            // Each piece of rows adds up on its own; the pieces are then added in order.
            const std::int64_t pieces = std::clamp<std::int64_t>(from.rows / grainOf(n), 1, threads());
            const auto size = static_cast<std::size_t>(n);
            std::vector<std::vector<float>> weights(static_cast<std::size_t>(pieces));
            std::vector<std::vector<float>> biases(static_cast<std::size_t>(pieces));
            const RowTable& rows = rowKernels();
            parallelFor(pieces, 1, [&](std::int64_t first, std::int64_t last) {
                for (std::int64_t piece = first; piece < last; ++piece) {
                    auto& weight = weights[static_cast<std::size_t>(piece)];
                    auto& bias = biases[static_cast<std::size_t>(piece)];
                    if (dWeight.defined())
                        weight.assign(size, 0.0F);
                    if (dBias.defined())
                        bias.assign(size, 0.0F);
                    for (std::int64_t row = from.rows * piece / pieces;
                         row < from.rows * (piece + 1) / pieces; ++row) {
                        NormRow norm = form;
                        norm.mean = means ? means[row] : 0.0F;
                        norm.scale = scales[row];
                        rows.normBackward(from.f32(row), gradient.f32(row),
                                          dx.defined() ? to.f32(row) : nullptr,
                                          dWeight.defined() ? weight.data() : nullptr,
                                          dBias.defined() ? bias.data() : nullptr, n, norm);
                    }
                }
            });
            const auto gather = [&](const Tensor& target, const std::vector<std::vector<float>>& parts) {
                if (!target.defined())
                    return;
                ORRERY_CHECK(target.elements() == n, "weight and bias are as long as a row");
                float* result = target.mutableData<float>().data();
                std::fill(result, result + n, 0.0F);
                for (const auto& part : parts)
                    rows.add(result, part.data(), result, n);
            };
            gather(dWeight, weights);
            gather(dBias, biases);
        },
        [&] { return described(form.centred ? "layer_norm_backward" : "rms_norm_backward", from, s, 16); });
}

} // namespace

void layerNorm(const Tensor& x, const Tensor& residual, const Tensor& weight, const Tensor& bias,
               double epsilon, const Tensor& out, const Tensor& sum, const NormStatistics& keep) {
    const std::int64_t size = x.size(-1);
    NormRow form{vectorOf(weight, size), vectorOf(bias, size), static_cast<float>(epsilon), true};
    forward(x, residual, form, out, sum, keep);
}

void rmsNorm(const Tensor& x, const Tensor& residual, const Tensor& weight, double epsilon, const Tensor& out,
             const Tensor& sum, const NormStatistics& keep) {
    NormRow form{vectorOf(weight, x.size(-1)), nullptr, static_cast<float>(epsilon), false};
    forward(x, residual, form, out, sum, keep);
}

void layerNormBackward(const Tensor& s, const Tensor& weight, const NormStatistics& kept, const Tensor& dOut,
                       const Tensor& dx, const Tensor& dWeight, const Tensor& dBias) {
    const NormRow form{vectorOf(weight, s.size(-1)), nullptr, 0, true};
    backward(s, form, kept, dOut, dx, dWeight, dBias);
}

void rmsNormBackward(const Tensor& s, const Tensor& weight, const NormStatistics& kept, const Tensor& dOut,
                     const Tensor& dx, const Tensor& dWeight) {
    const NormRow form{vectorOf(weight, s.size(-1)), nullptr, 0, false};
    backward(s, form, kept, dOut, dx, dWeight, {});
}

} // namespace orrery::kernels
