// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/gate.h"

#include "base/error.h"
#include "base/operation_observer.h"
#include "kernels/cpu.h"
#include "kernels/rows.h"
#include "kernels/simd/row_table.h"
#include "kernels/threads.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace orrery::kernels {
namespace {

Operation described(std::string_view kind, const Tensor& x, const Tensor& out, double flopsEach) {
    Operation operation;
    operation.kind = kind;
    operation.description = fmt::format("{} {}:{}", x.shape().toText(), name(x.dtype()), name(out.dtype()));
    operation.implementation = name(isa());
    operation.flops = flopsEach * static_cast<double>(x.elements());
    operation.bytes = static_cast<double>(x.bytes() + out.bytes());
    return operation;
}

/// x = work(x) for every number, in place.
template <typename Work>
void inPlace(std::string_view kind, const Tensor& x, const Work& work) {
    observed(
        [&] {
            float* values = x.mutableData<float>().data();
            parallelFor(x.elements(), 16384, [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t i = begin; i < end; ++i)
                    values[i] = work(values[i]);
            });
        },
        [&] { return described(kind, x, x, 1); });
}

} // namespace

void gate(Activation activation, const Tensor& gate, const Tensor& up, const Tensor& out) {
    observed(
        [&] {
            const RowView g = rowsOf(gate, "the gate");
            const RowView u = rowsOf(up, "the gated units");
            const RowView to = writableRowsOf(out, "the result");
            ORRERY_CHECK(g.rows == u.rows && g.rows == to.rows && g.columns == u.columns &&
                             g.columns == to.columns,
                         "gate, units and result fit");
            const auto width = static_cast<std::size_t>(g.columns);
            parallelFor(g.rows, std::max<std::int64_t>(1, 8192 / std::max<std::int64_t>(1, g.columns)),
                        [&](std::int64_t begin, std::int64_t end) {
                            float* left = scratch(1, width);
                            float* right = scratch(2, width);
                            float* result = scratch(3, width);
                            for (std::int64_t row = begin; row < end; ++row) {
                                float* target = to.target(row, result);
                                rowKernels().gate(activation, g.read(row, left), u.read(row, right), target,
                                                  g.columns);
                                to.wrote(row, target);
                            }
                        });
        },
        [&] { return described("gate", gate, out, 11); });
}

void softCap(const Tensor& x, double cap) {
    inPlace("soft_cap", x, [size = static_cast<float>(cap)](float value) {
        return std::isinf(value) ? value : size * std::tanh(value / size);
    });
}

void scale(const Tensor& x, double factor) {
    inPlace("scale", x, [size = static_cast<float>(factor)](float value) { return value * size; });
}

} // namespace orrery::kernels
