// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/rotary.h"

#include "base/error.h"
#include "base/operation_observer.h"
#include "kernels/cpu.h"
#include "kernels/rows.h"
#include "kernels/simd/row_table.h"
#include "kernels/threads.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::kernels {

void rotate(const Tensor& x, const Tensor& cosine, const Tensor& sine, RotaryLayout layout) {
    ORRERY_CHECK(x.rank() == 4 && (x.dtype() == DType::F32 || x.dtype() == DType::BF16) &&
                     (x.size(3) <= 1 || x.strides()[3] == 1),
                 "heads [B, L, H, d] in f32 or bf16, dense in the last dimension");
    ORRERY_CHECK(cosine.rank() == 3 && cosine.isContiguous() && sine.isContiguous() &&
                     cosine.shape() == sine.shape() && cosine.size(1) == x.size(1) && cosine.size(0) > 0 &&
                     x.size(0) % cosine.size(0) == 0 && 2 * cosine.size(2) <= x.size(3),
                 "an angle for every position and pair");
    const std::int64_t length = x.size(1);
    const std::int64_t heads = x.size(2);
    const std::int64_t half = cosine.size(2);
    const std::int64_t tables = cosine.size(0);
    const auto& strides = x.strides();
    const std::int64_t item = static_cast<std::int64_t>(itemSize(x.dtype()));
    std::byte* data = x.mutableRawData();
    const float* cosines = cosine.pointer<float>();
    const float* sines = sine.pointer<float>();
    observed(
        [&] {
            const std::int64_t grain =
                std::max<std::int64_t>(1, 8192 / std::max<std::int64_t>(1, heads * half));
            parallelFor(x.size(0) * length, grain, [&](std::int64_t begin, std::int64_t end) {
                float* buffer = scratch(1, static_cast<std::size_t>(2 * half));
                const RowTable& rows = rowKernels();
                for (std::int64_t place = begin; place < end; ++place) {
                    const std::int64_t row = place / length;
                    const std::int64_t position = place % length;
                    const std::int64_t angle = (row % tables * length + position) * half;
                    std::byte* head = data + (row * strides[0] + position * strides[1]) * item;
                    for (std::int64_t h = 0; h < heads; ++h, head += strides[2] * item) {
                        if (x.dtype() == DType::F32) {
                            rows.rotate(reinterpret_cast<float*>(head), cosines + angle, sines + angle, half,
                                        layout == RotaryLayout::Adjacent);
                            continue;
                        }
                        auto* narrow = reinterpret_cast<std::uint16_t*>(head);
                        rows.widen(narrow, buffer, 2 * half);
                        rows.rotate(buffer, cosines + angle, sines + angle, half,
                                    layout == RotaryLayout::Adjacent);
                        rows.narrow(buffer, narrow, 2 * half);
                    }
                }
            });
        },
        [&] {
            Operation operation;
            operation.kind = "rotary";
            operation.description = fmt::format("{} {}", x.shape().toText(), name(x.dtype()));
            operation.implementation = name(isa());
            operation.flops = 6.0 * static_cast<double>(x.size(0) * length * heads * half);
            operation.bytes = 4.0 * static_cast<double>(x.size(0) * length * heads * half * item);
            return operation;
        });
}

} // namespace orrery::kernels
