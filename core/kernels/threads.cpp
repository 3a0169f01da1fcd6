// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/threads.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <vector>

namespace orrery::kernels {
namespace {

// Part of the engine's state. OpenMP keeps its own count for each calling thread, which is why every parallel
// region of ours names this one.
std::atomic<int>& wanted() {
    static std::atomic<int> count{std::max(1, omp_get_max_threads())};
    return count;
}

} // namespace

void setThreads(int count) {
    wanted().store(std::max(1, count), std::memory_order_relaxed);
}

int threads() noexcept {
    return wanted().load(std::memory_order_relaxed);
}

void parallelFor(std::int64_t count, std::int64_t grain,
                 const std::function<void(std::int64_t begin, std::int64_t end)>& body) {
    if (count <= 0)
        return;
    const std::int64_t most =
        (count + std::max<std::int64_t>(grain, 1) - 1) / std::max<std::int64_t>(grain, 1);
    const auto pieces = static_cast<int>(std::min<std::int64_t>(threads(), most));
    if (pieces == 1) {
        body(0, count);
        return;
    }
    std::vector<std::exception_ptr> failures(static_cast<std::size_t>(pieces));
#pragma omp parallel for num_threads(pieces) schedule(static, 1)
    for (int piece = 0; piece < pieces; ++piece) {
        try {
            body(count * piece / pieces, count * (piece + 1) / pieces);
        } catch (...) {
            failures[static_cast<std::size_t>(piece)] = std::current_exception();
        }
    }
    for (const auto& failure : failures)
        if (failure)
            std::rethrow_exception(failure);
}

} // namespace orrery::kernels
