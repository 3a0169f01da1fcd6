// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/networks/windows.h"

#include "base/error.h"
#include "kernels/elementwise.h"
#include "kernels/threads.h"

#include <algorithm>
#include <vector>

namespace orrery::model {

using kernels::Pair;

Tensor relativeBias(const Tensor& table, const Pair& tableWindow, const Pair& window) {
    ORRERY_CHECK(window[0] <= tableWindow[0] && window[1] <= tableWindow[1] &&
                     table.size(0) >= (2 * tableWindow[0] - 1) * (2 * tableWindow[1] - 1),
                 "a table for windows of this size");
    const std::int64_t heads = table.size(1);
    const std::int64_t cells = window[0] * window[1];
    const std::int64_t across = 2 * tableWindow[1] - 1;
    const Tensor bias = Tensor::empty({heads, cells, cells});
    const Tensor byHead = table.transpose(0, 1).contiguous();
    const std::int64_t rows = table.size(0);
    kernels::parallelFor(
        heads * cells, std::max<std::int64_t>(1, 8192 / cells), [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t task = begin; task < end; ++task) {
                const std::int64_t i = task % cells;
                float* to = bias.mutablePointer<float>() + task * cells;
                for (std::int64_t y = 0; y < window[0]; ++y) {
                    const std::int64_t down = i / window[1] - y + tableWindow[0] - 1;
                    const std::int64_t right = i % window[1] + tableWindow[1] - 1;
                    const float* from = byHead.pointer<float>() + task / cells * rows + down * across + right;
                    for (std::int64_t x = 0; x < window[1]; ++x)
                        *to++ = from[-x];
                }
            }
        });
    return bias;
}

Tensor shiftMask(std::int64_t height, std::int64_t width, const Pair& window, const Pair& shift) {
    const std::int64_t down = (height + window[0] - 1) / window[0];
    const std::int64_t across = (width + window[1] - 1) / window[1];
    const std::int64_t cells = window[0] * window[1];
    // In the shifted map the last window of a side holds what stood at its end and what came around.
    const auto region = [](std::int64_t at, std::int64_t size, std::int64_t windowSize, std::int64_t moved) {
        return at < size - windowSize ? 0 : at < size - moved ? 1 : 2;
    };
    const Tensor mask = Tensor::zeros({down * across, cells, cells});
    float* to = mask.mutablePointer<float>();
    std::vector<std::int64_t> regions(static_cast<std::size_t>(cells));
    for (std::int64_t each = 0; each < down * across; ++each) {
        for (std::int64_t cell = 0; cell < cells; ++cell) {
            const std::int64_t y = each / across * window[0] + cell / window[1];
            const std::int64_t x = each % across * window[1] + cell % window[1];
            regions[static_cast<std::size_t>(cell)] = 3 * region(y, down * window[0], window[0], shift[0]) +
                                                      region(x, across * window[1], window[1], shift[1]);
        }
        for (std::int64_t i = 0; i < cells; ++i)
            for (std::int64_t j = 0; j < cells; ++j)
                if (regions[static_cast<std::size_t>(i)] != regions[static_cast<std::size_t>(j)])
                    to[(each * cells + i) * cells + j] = -100;
    }
    return mask;
}

Tensor maskedBias(const Tensor& bias, const Tensor& mask, std::int64_t batch) {
    const std::int64_t windows = mask.size(0);
    const std::int64_t heads = bias.size(0);
    const std::int64_t cells = bias.size(1);
    const Tensor result = Tensor::empty({batch, windows, heads, cells, cells});
    for (std::int64_t window = 0; window < windows; ++window)
        for (std::int64_t head = 0; head < heads; ++head)
            kernels::add(bias.select(0, head), mask.select(0, window),
                         result.select(0, 0).select(0, window).select(0, head));
    for (std::int64_t item = 1; item < batch; ++item)
        result.select(0, item).copyFrom(result.select(0, 0));
    return result.reshape({batch * windows, heads, cells, cells});
}

} // namespace orrery::model
