// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/state_scan.h"

#include "base/error.h"
#include "base/operation_observer.h"
#include "kernels/cpu.h"
#include "kernels/rows.h"
#include "kernels/simd/row_table.h"
#include "kernels/threads.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

namespace orrery::kernels {
namespace {

/// Channels that one thread takes through time together: their states stay in the first-level cache.
constexpr std::int64_t channelsAtOnce = 128;

const float* rowOf(const Tensor& tensor, std::int64_t item, std::int64_t time) {
    return tensor.pointer<float>() + item * tensor.strides()[0] + time * tensor.strides()[1];
}

void checkSequence(const Tensor& tensor, const Shape& shape) {
    ORRERY_CHECK(tensor.shape() == shape && tensor.dtype() == DType::F32 &&
                     (tensor.size(2) == 1 || tensor.strides()[2] == 1),
                 "a sequence as the scan needs it");
}

Operation described(std::string_view kind, const Tensor& x, std::int64_t states, const ScanCount& count) {
    Operation operation;
    operation.kind = kind;
    operation.description = fmt::format("{}x{}x{}x{}", x.size(0), x.size(1), x.size(2), states);
    operation.implementation = name(isa());
    operation.flops = count.operations;
    operation.bytes = count.bytes;
    return operation;
}

void checkState(const Tensor& x, const Tensor& state, const Tensor& y) {
    ORRERY_CHECK(state.rank() == 3 && state.isContiguous() && state.size(0) == x.size(0) &&
                     state.size(2) == x.size(2),
                 "a dense state of all channels");
    ORRERY_CHECK(y.shape() == x.shape() && y.isContiguous(), "a dense result like x");
}

} // namespace

ScanCount selectiveScanCount(std::int64_t batch, std::int64_t length, std::int64_t channels,
                             std::int64_t states) {
    const auto rows = static_cast<double>(batch * length);
    const auto c = static_cast<double>(channels);
    const auto n = static_cast<double>(states);
    return {.operations = rows * c * (7 * n + 2),
            .bytes = sizeof(float) *
                     (rows * (3 * c + 2 * n) + c * (n + 1) + 2 * static_cast<double>(batch) * c * n)};
}

ScanCount scalarScanCount(std::int64_t batch, std::int64_t length, std::int64_t channels, std::int64_t states,
                          std::int64_t heads, std::int64_t groups) {
    const auto rows = static_cast<double>(batch * length);
    const auto c = static_cast<double>(channels);
    const auto n = static_cast<double>(states);
    const auto h = static_cast<double>(heads);
    return {.operations = rows * (2 * h + c * (5 * n + 2)),
            .bytes = sizeof(float) * (rows * (2 * c + h + 2 * static_cast<double>(groups) * n) + 2 * h +
                                      2 * static_cast<double>(batch) * c * n)};
}

void selectiveScan(const SelectiveScan& scan) {
    const std::int64_t batch = scan.x.size(0);
    const std::int64_t length = scan.x.size(1);
    const std::int64_t channels = scan.x.size(2);
    const std::int64_t states = scan.state.size(1);
    checkState(scan.x, scan.state, scan.y);
    checkSequence(scan.x, scan.x.shape());
    checkSequence(scan.step, scan.x.shape());
    checkSequence(scan.in, {batch, length, states});
    checkSequence(scan.out, {batch, length, states});
    ORRERY_CHECK(scan.rate.shape() == Shape({states, channels}) && scan.rate.isContiguous(), "rates [N, C]");
    ORRERY_CHECK(scan.skip.elements() == channels && scan.skip.isContiguous(), "a skip for each channel");
    const std::int64_t blocks = (channels + channelsAtOnce - 1) / channelsAtOnce;
    const float* rate = scan.rate.pointer<float>();
    const float* skip = scan.skip.pointer<float>();
    observed(
        [&] {
            parallelFor(batch * blocks, 1, [&](std::int64_t begin, std::int64_t end) {
                const RowTable& rows = rowKernels();
                float* taken = scratch(1, channelsAtOnce);
                for (std::int64_t block = begin; block < end; ++block) {
                    const std::int64_t item = block / blocks;
                    const std::int64_t first = block % blocks * channelsAtOnce;
                    const std::int64_t count = std::min(channelsAtOnce, channels - first);
                    float* state = scan.state.mutablePointer<float>() + item * states * channels + first;
                    for (std::int64_t time = 0; time < length; ++time) {
                        const float* x = rowOf(scan.x, item, time) + first;
                        const float* step = rowOf(scan.step, item, time) + first;
                        const float* in = rowOf(scan.in, item, time);
                        const float* out = rowOf(scan.out, item, time);
                        float* y = scan.y.mutablePointer<float>() + (item * length + time) * channels + first;
                        for (std::int64_t i = 0; i < count; ++i) {
                            taken[i] = step[i] * x[i];
                            y[i] = skip[first + i] * x[i];
                        }
                        for (std::int64_t n = 0; n < states; ++n)
                            rows.recurSelected(step, rate + n * channels + first, taken, in[n], out[n],
                                               state + n * channels, y, count);
                    }
                }
            });
        },
        [&] {
            return described("selective_scan", scan.x, states,
                             selectiveScanCount(batch, length, channels, states));
        });
}

void scalarScan(const ScalarScan& scan) {
    const std::int64_t batch = scan.x.size(0);
    const std::int64_t length = scan.x.size(1);
    const std::int64_t channels = scan.x.size(2);
    const std::int64_t states = scan.state.size(1);
    const std::int64_t heads = scan.rate.elements();
    const std::int64_t width = heads > 0 ? channels / heads : 0;
    const std::int64_t groups = states > 0 ? scan.in.size(2) / states : 0;
    checkState(scan.x, scan.state, scan.y);
    ORRERY_CHECK(width * heads == channels && groups > 0 && heads % groups == 0, "whole heads and groups");
    checkSequence(scan.x, scan.x.shape());
    checkSequence(scan.step, {batch, length, heads});
    checkSequence(scan.in, {batch, length, groups * states});
    checkSequence(scan.out, {batch, length, groups * states});
    ORRERY_CHECK(scan.rate.isContiguous() && scan.skip.isContiguous() && scan.skip.elements() == heads,
                 "a rate and a skip for each head");
    const float* rate = scan.rate.pointer<float>();
    const float* skip = scan.skip.pointer<float>();
    observed(
        [&] {
            parallelFor(batch * heads, 1, [&](std::int64_t begin, std::int64_t end) {
                const RowTable& rows = rowKernels();
                float* taken = scratch(1, static_cast<std::size_t>(width));
                float* decay = scratch(2, static_cast<std::size_t>(width));
                for (std::int64_t each = begin; each < end; ++each) {
                    const std::int64_t item = each / heads;
                    const std::int64_t head = each % heads;
                    const std::int64_t group = head / (heads / groups);
                    const std::int64_t first = head * width;
                    float* state = scan.state.mutablePointer<float>() + item * states * channels + first;
                    for (std::int64_t time = 0; time < length; ++time) {
                        const float* x = rowOf(scan.x, item, time) + first;
                        const float step = rowOf(scan.step, item, time)[head];
                        const float* in = rowOf(scan.in, item, time) + group * states;
                        const float* out = rowOf(scan.out, item, time) + group * states;
                        float* y = scan.y.mutablePointer<float>() + (item * length + time) * channels + first;
                        std::fill_n(decay, width, std::exp(step * rate[head]));
                        for (std::int64_t i = 0; i < width; ++i) {
                            taken[i] = step * x[i];
                            y[i] = skip[head] * x[i];
                        }
                        for (std::int64_t n = 0; n < states; ++n)
                            rows.recur(decay, taken, in[n], out[n], state + n * channels, y, width);
                    }
                }
            });
        },
        [&] {
            return described("scalar_scan", scan.x, states,
                             scalarScanCount(batch, length, channels, states, heads, groups));
        });
}

} // namespace orrery::kernels
