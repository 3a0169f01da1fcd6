// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/threads.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>
#include <vector>

#if defined(__has_feature)
#define ORRERY_THREAD_SANITIZER __has_feature(thread_sanitizer)
#elif defined(__SANITIZE_THREAD__)
#define ORRERY_THREAD_SANITIZER 1
#else
#define ORRERY_THREAD_SANITIZER 0
#endif

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
    const auto run = [&](int piece) {
        try {
            body(count * piece / pieces, count * (piece + 1) / pieces);
        } catch (...) {
            failures[static_cast<std::size_t>(piece)] = std::current_exception();
        }
    };
#if ORRERY_THREAD_SANITIZER
    // GCC's OpenMP runtime is not instrumented: the sanitizer would see no order between the pieces and what
    // comes before and after them. Threads of the standard library it does see.
    std::vector<std::thread> others;
    for (int piece = 1; piece < pieces; ++piece)
        others.emplace_back(run, piece);
    run(0);
    for (std::thread& other : others)
        other.join();
#else
#pragma omp parallel for num_threads(pieces) schedule(static, 1)
    for (int piece = 0; piece < pieces; ++piece)
        run(piece);
#endif
    for (const auto& failure : failures)
        if (failure)
            std::rethrow_exception(failure);
}

} // namespace orrery::kernels
