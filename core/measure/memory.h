// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <atomic>
#include <cstddef>
#include <string>
#include <thread>

namespace orrery::measure {

/// The most memory used while one of these lives.
struct MemoryPeak {
    std::size_t residentBytes = 0; ///< of the process, at its peak
    std::size_t startBytes = 0;    ///< resident when measuring began
    std::size_t tensorBytes = 0;   ///< in owned tensor storage, at its peak; mapped weights not counted
    /// How residentBytes came to be: "VmHWM" (exact) or "sampled" every few milliseconds.
    std::string method;
};

/// Watches from construction to stop(). Where the kernel allows it the high-water mark is reset and read back
/// (/proc/self/clear_refs, VmHWM); elsewhere a thread samples the resident size, which may miss short peaks.
/// One at a time: the mark belongs to the process.
class MemoryWatch {
public:
    MemoryWatch();
    ~MemoryWatch();
    MemoryWatch(const MemoryWatch&) = delete;
    MemoryWatch& operator=(const MemoryWatch&) = delete;
    MemoryPeak stop();

private:
    MemoryPeak m_peak;
    bool m_exact = false;
    std::atomic<bool> m_stop{false};
    std::atomic<std::size_t> m_sampled{0};
    std::thread m_sampler;
};

[[nodiscard]] std::size_t residentBytes(); ///< now; 0 when it cannot be read

} // namespace orrery::measure
