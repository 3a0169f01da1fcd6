// SPDX-License-Identifier: GPL-3.0-or-later
// What a network's run does with feature maps.
#include "base/error.h"
#include "model/network_run.h"

#include <fmt/format.h>

#include <array>

namespace orrery::model {

using kernels::Pair;

Tensor NetworkRun::map(const Tensor& image) {
    return dense(image.transpose(1, 2).transpose(2, 3));
}

Tensor NetworkRun::grid(const Tensor& tokens, std::int64_t height, std::int64_t width) {
    return tokens.contiguous().reshape({tokens.size(0), height, width, tokens.size(2)});
}

Tensor NetworkRun::tokens(const Tensor& map) {
    return map.contiguous().reshape({map.size(0), map.size(1) * map.size(2), map.size(3)});
}

Tensor NetworkRun::patches(const Tensor& image, const Pair& size) {
    const std::int64_t rows = image.size(2) / size[0];
    const std::int64_t columns = image.size(3) / size[1];
    if (rows < 1 || columns < 1)
        throw UsageError(
            fmt::format("An image of {} x {} is smaller than a patch of {} x {}; give a larger one.",
                        image.size(2), image.size(3), size[0], size[1]));
    const std::int64_t channels = image.size(1);
    const Tensor whole = image.slice(2, 0, rows * size[0]).slice(3, 0, columns * size[1]).contiguous();
    constexpr std::array<int, 6> order{0, 2, 4, 1, 3, 5};
    const Tensor view =
        whole.reshape({image.size(0), channels, rows, size[0], columns, size[1]}).permute(order);
    return dense(view).reshape({image.size(0), rows * columns, channels * size[0] * size[1]});
}

Tensor NetworkRun::pool(const Tensor& map, kernels::Pooling pooling, const Pair& size,
                        const kernels::Window2d& window) {
    const Shape shape{map.size(0), window.positions(0, map.size(1), size[0]),
                      window.positions(1, map.size(2), size[1]), map.size(3)};
    if (shape[1] == 0 || shape[2] == 0)
        throw UsageError(fmt::format("A map of {} x {} cannot be pooled by {} x {}; give a larger input.",
                                     map.size(1), map.size(2), size[0], size[1]));
    const Tensor out = empty(shape);
    if (onlySizes())
        return out;
    kernels::pool(map.contiguous(), pooling, size, window, out);
    return out;
}

Tensor NetworkRun::meanOverPositions(const Tensor& x) {
    const Tensor out = empty({x.size(0), x.size(-1)});
    if (onlySizes())
        return out;
    kernels::meanOverPositions(x.contiguous(), out);
    return out;
}

Tensor NetworkRun::resample(const Tensor& map, std::int64_t height, std::int64_t width,
                            kernels::Interpolation interpolation, bool alignCorners) {
    const Tensor out = empty({map.size(0), height, width, map.size(3)});
    if (onlySizes())
        return out;
    kernels::resample(map.contiguous(), interpolation, alignCorners, out);
    return out;
}

Tensor NetworkRun::cutWindows(const Tensor& map, const Pair& size, const Pair& shift) {
    const std::int64_t down = (map.size(1) + size[0] - 1) / size[0];
    const std::int64_t across = (map.size(2) + size[1] - 1) / size[1];
    const Tensor out = empty({map.size(0) * down * across, size[0] * size[1], map.size(3)});
    if (onlySizes())
        return out;
    kernels::cutWindows(map.contiguous(), size, shift, out);
    return out;
}

Tensor NetworkRun::joinWindows(const Tensor& windows, const Shape& map, const Pair& size, const Pair& shift) {
    const Tensor out = empty(map);
    if (onlySizes())
        return out;
    kernels::joinWindows(windows.contiguous(), size, shift, out);
    return out;
}

} // namespace orrery::model
