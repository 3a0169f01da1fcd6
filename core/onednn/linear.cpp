// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "base/operation_observer.h"
#include "kernels/cpu.h"
#include "kernels/elementwise.h"
#include "kernels/panel_product.h"
#include "kernels/rows.h"
#include "kernels/simd/row_table.h"
#include "kernels/threads.h"
#include "onednn/matmul.h"
#include "onednn/packed_weight.h"

#include <fmt/format.h>

#include <cstring>

namespace orrery::onednn {
namespace {

using kernels::PanelProduct;
using kernels::PanelType;
using kernels::RowView;

/// The views of one product, checked to fit.
struct Views {
    RowView x;
    RowView out;
    RowView residual;
    const float* bias = nullptr;
    bool hasResidual = false;
};

Views viewsOf(const Tensor& x, std::int64_t inputs, std::int64_t outputs, const Epilogue& epilogue,
              const Tensor& out) {
    Views views;
    views.x = kernels::rowsOf(x, "the input of a linear layer");
    views.out = kernels::writableRowsOf(out, "the output of a linear layer");
    ORRERY_CHECK(views.x.columns == inputs,
                 fmt::format("input is {} wide, the weight takes {}", views.x.columns, inputs));
    ORRERY_CHECK(views.out.columns == outputs,
                 fmt::format("output is {} wide, the weight gives {}", views.out.columns, outputs));
    ORRERY_CHECK(views.x.rows == views.out.rows, "as many rows in as out");
    if (epilogue.bias.defined()) {
        ORRERY_CHECK(epilogue.bias.elements() == outputs, "one bias for each output");
        views.bias = epilogue.bias.data<float>().data();
    }
    if (epilogue.residual.defined()) {
        views.residual = kernels::rowsOf(epilogue.residual, "the residual of a linear layer");
        ORRERY_CHECK(views.residual.rows == views.out.rows && views.residual.columns == outputs,
                     "the residual is like the output");
        views.hasResidual = true;
    }
    return views;
}

PanelProduct productOf(const Views& views, std::int64_t inputs, std::int64_t outputs, Activation activation) {
    PanelProduct product;
    product.x = views.x.data;
    product.xBf16 = views.x.dtype == DType::BF16;
    product.xStride = views.x.stride;
    product.rows = views.x.rows;
    product.columns = outputs;
    product.depth = inputs;
    product.out = views.out.data;
    product.outBf16 = views.out.dtype == DType::BF16;
    product.outStride = views.out.stride;
    product.bias = views.bias;
    product.activation = activation;
    if (views.hasResidual) {
        product.residual = views.residual.data;
        product.residualBf16 = views.residual.dtype == DType::BF16;
        product.residualStride = views.residual.stride;
    }
    return product;
}

std::string libraryProduct(const Views& views, const LibraryWeight& weight, std::int64_t inputs,
                           std::int64_t outputs, Activation activation, DType compute) {
    LibraryProduct product;
    product.rows = views.x.rows;
    product.bias = views.bias;
    product.activation = activation;
    product.x = views.x.data;
    product.xStride = views.x.stride;
    Tensor converted;
    if (views.x.dtype != compute) {
        converted = Tensor::empty({views.x.rows, inputs}, compute);
        const RowView to = kernels::writableRowsOf(converted, "the converted input");
        kernels::parallelFor(views.x.rows, 8, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t row = begin; row < end; ++row)
                if (compute == DType::BF16)
                    kernels::rowKernels().narrow(views.x.f32(row), to.bf16(row), inputs);
                else
                    kernels::rowKernels().widen(views.x.bf16(row), to.f32(row), inputs);
        });
        product.x = to.data;
        product.xStride = to.stride;
    }
    product.out = views.out.data;
    product.outType = views.out.dtype;
    product.outStride = views.out.stride;
    if (views.hasResidual) {
        // oneDNN adds to what the output holds: put the residual there first.
        product.addToOut = true;
        if (views.residual.data != views.out.data)
            for (std::int64_t row = 0; row < views.out.rows; ++row) {
                float* buffer = kernels::scratch(1, static_cast<std::size_t>(outputs));
                const float* values = views.residual.read(row, buffer);
                if (views.out.dtype == DType::F32)
                    std::memcpy(views.out.f32(row), values,
                                static_cast<std::size_t>(outputs) * sizeof(float));
                else
                    views.out.wrote(row, values);
            }
    }
    return libraryLinear(product, weight);
}

Operation described(const Views& views, std::int64_t inputs, std::int64_t outputs, const Epilogue& epilogue,
                    std::string_view weightType, std::size_t weightBytes, std::string_view implementation) {
    Operation operation;
    operation.kind = "linear";
    const auto rows = static_cast<double>(views.x.rows);
    operation.flops = 2 * rows * static_cast<double>(inputs) * static_cast<double>(outputs);
    operation.bytes = static_cast<double>(weightBytes) +
                      rows * static_cast<double>(inputs) * static_cast<double>(itemSize(views.x.dtype)) +
                      rows * static_cast<double>(outputs) * static_cast<double>(itemSize(views.out.dtype));
    operation.description = fmt::format(
        "m{} n{} k{} {}:{}:{}{}{}{}", views.x.rows, outputs, inputs, name(views.x.dtype), weightType,
        name(views.out.dtype), views.bias ? " bias" : "",
        epilogue.activation == Activation::None ? std::string()
                                                : fmt::format(" {}", kernels::name(epilogue.activation)),
        views.hasResidual ? " residual" : "");
    operation.implementation = implementation;
    return operation;
}

} // namespace

void linear(const Tensor& x, const PackedWeight& weight, const Epilogue& epilogue, const Tensor& out) {
    const PackedWeight::State& state = weight.state();
    const Views views = viewsOf(x, state.inputs, state.outputs, epilogue, out);
    if (views.x.rows == 0)
        return;
    state.pack();
    std::string implementation;
    observed(
        [&] {
            if (state.library) {
                implementation = libraryProduct(views, *state.library, state.inputs, state.outputs,
                                                epilogue.activation, state.compute);
                if (!implementation.empty())
                    return;
                state.packPanels();
            }
            PanelProduct product = productOf(views, state.inputs, state.outputs, epilogue.activation);
            product.type = state.compute == DType::F32 ? PanelType::F32 : PanelType::BF16;
            product.panels = state.panels->data();
            kernels::multiplyPanels(product);
        },
        [&] {
            return described(
                views, state.inputs, state.outputs, epilogue, name(state.compute), weight.bytes(),
                implementation.empty() ? kernels::name(kernels::isa()) : std::string_view(implementation));
        });
}

void linear(const Tensor& x, const Int8Weight& weight, const Epilogue& epilogue, const Tensor& out) {
    const Int8Weight::State& state = weight.state();
    const Views views = viewsOf(x, state.inputs, state.outputs, epilogue, out);
    if (views.x.rows == 0)
        return;
    observed(
        [&] {
            std::int64_t depth = (state.inputs + 63) / 64 * 64;
            if (depth % 1024 == 0)
                depth += 64; // rows would fall into the same sets of the first-level cache
            const auto bytes = static_cast<std::size_t>(views.x.rows * depth);
            auto* quantised = reinterpret_cast<std::uint8_t*>(kernels::scratch(0, bytes / 4 + 1));
            float* scales = kernels::scratch(4, static_cast<std::size_t>(views.x.rows));
            kernels::quantiseRows(views.x.data, views.x.dtype == DType::BF16, views.x.stride, views.x.rows,
                                  state.inputs, quantised, depth, scales);
            PanelProduct product = productOf(views, state.inputs, state.outputs, epilogue.activation);
            product.type = PanelType::S8;
            product.x = quantised;
            product.xBf16 = false;
            product.xStride = depth;
            product.panels = state.panels->data();
            product.rowScale = scales;
            product.columnScale = state.scales.data<float>().data();
            product.columnSum = state.sums.data();
            kernels::multiplyPanels(product);
        },
        [&] {
            return described(views, state.inputs, state.outputs, epilogue, "i8", weight.bytes(),
                             kernels::name(kernels::isa()));
        });
}

} // namespace orrery::onednn
