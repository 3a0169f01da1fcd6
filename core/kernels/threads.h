// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>

namespace orrery::kernels {

/// Threads that every kernel and every oneDNN primitive uses from now on, for all calling threads; at least
/// 1. Before the first call: what OpenMP would take (OMP_NUM_THREADS or all cores).
void setThreads(int count);
[[nodiscard]] int threads() noexcept;

/// Takes the number of threads back to what it was when the scope ends.
class ThreadsScope {
public:
    ThreadsScope() : m_before(threads()) {}
    ~ThreadsScope() { setThreads(m_before); }
    ThreadsScope(const ThreadsScope&) = delete;
    ThreadsScope& operator=(const ThreadsScope&) = delete;

private:
    int m_before;
};

/// Calls body(begin, end) on consecutive pieces of [0, count), one piece for each thread and none shorter
/// than grain (but the last): the split depends on count, grain and threads() only, so results do too. An
/// exception of a body is rethrown when all have ended.
void parallelFor(std::int64_t count, std::int64_t grain,
                 const std::function<void(std::int64_t begin, std::int64_t end)>& body);

} // namespace orrery::kernels
