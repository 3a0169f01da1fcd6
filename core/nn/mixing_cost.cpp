// SPDX-License-Identifier: GPL-3.0-or-later
#include "nn/mixing_cost.h"

#include "kernels/state_scan.h"

#include <algorithm>

namespace orrery::nn {

Cost selectiveScanCost(std::int64_t batch, std::int64_t length, std::int64_t channels, std::int64_t states) {
    const kernels::ScanCount count = kernels::selectiveScanCount(batch, length, channels, states);
    return {.operations = count.operations,
            .bytes = count.bytes,
            .memory = 4.0 * static_cast<double>(batch * channels * states),
            .operationsFormula = "B L C (7 N + 2)",
            .bytesFormula = "4 (B L (3 C + 2 N) + C (N + 1) + 2 B C N)",
            .memoryFormula = "4 B C N"};
}

Cost scalarScanCost(std::int64_t batch, std::int64_t length, std::int64_t channels, std::int64_t states,
                    std::int64_t heads, std::int64_t groups) {
    const kernels::ScanCount count = kernels::scalarScanCount(batch, length, channels, states, heads, groups);
    return {.operations = count.operations,
            .bytes = count.bytes,
            .memory = 4.0 * static_cast<double>(batch * channels * states),
            .operationsFormula = "B L (2 H + C (5 N + 2))",
            .bytesFormula = "4 (B L (2 C + H + 2 G N) + 2 H + 2 B C N)",
            .memoryFormula = "4 B C N"};
}

Cost windowAttentionCost(std::int64_t length, std::int64_t side, std::span<const std::int64_t> global,
                         std::int64_t heads, std::int64_t headSize) {
    const auto globals = static_cast<std::int64_t>(global.size());
    // Keys in the windows of all positions, if none were global: on each side of a position at most side.
    const std::int64_t reach = std::min(side, length - 1);
    double pairs = static_cast<double>(length) * static_cast<double>(2 * reach + 1) -
                   static_cast<double>(reach) * static_cast<double>(reach + 1);
    // A global position has no window of its own and is in no other's.
    for (const std::int64_t at : global) {
        const std::int64_t width = std::min(length - 1, at + side) - std::max<std::int64_t>(0, at - side) + 1;
        const auto near = std::upper_bound(global.begin(), global.end(), at + side) -
                          std::lower_bound(global.begin(), global.end(), at - side);
        // Pairs of two global positions would be taken off twice.
        pairs -= 2.0 * static_cast<double>(width) - static_cast<double>(near);
    }
    const auto others = static_cast<double>(length - globals);
    pairs +=
        others * static_cast<double>(globals) + static_cast<double>(globals) * static_cast<double>(length);
    const double size = static_cast<double>(heads) * static_cast<double>(headSize);
    // q, k, v of all that is not global (k and v of global positions are seen in windows as well), the
    // output; then the queries of the global ones and the keys and values that they see.
    const double rows = others + 2 * static_cast<double>(length) + static_cast<double>(length) +
                        (globals > 0 ? static_cast<double>(globals) + 2 * static_cast<double>(length) : 0.0);
    return {.operations = 4 * size * pairs,
            .bytes = 4 * size * rows,
            .memory = 0,
            .operationsFormula = "4 H d (L (2 w + 1) - w (w + 1) + 2 L g), pairs of global positions once",
            .bytesFormula = "4 H d (4 L - g + [g > 0] (g + 2 L))",
            .memoryFormula = "0"};
}

Cost blockAttentionCost(std::int64_t batch, std::int64_t length, std::int64_t size,
                        std::span<const std::int64_t> keys, std::int64_t heads, std::int64_t headSize) {
    double pairs = 0;
    std::int64_t begin = 0;
    for (const std::int64_t seen : keys) {
        const std::int64_t rows = std::min(size, length - begin);
        pairs += static_cast<double>(rows) * static_cast<double>(seen);
        begin += rows;
    }
    const double width =
        static_cast<double>(batch) * static_cast<double>(heads) * static_cast<double>(headSize);
    return {.operations = 4 * width * pairs,
            .bytes = 4 * width * 4 * static_cast<double>(length),
            .memory = 0,
            .operationsFormula = "4 B H d (sum over blocks of b times the keys it sees)",
            .bytesFormula = "16 B H L d",
            .memoryFormula = "0"};
}

Cost sum(const Cost& a, const Cost& b) {
    Cost result = b;
    result.operations += a.operations;
    result.bytes += a.bytes;
    result.memory += a.memory;
    return result;
}

} // namespace orrery::nn
