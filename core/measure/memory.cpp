// SPDX-License-Identifier: GPL-3.0-or-later
#include "measure/memory.h"

#include "tensor/storage.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>

namespace orrery::measure {
namespace {

/// A field of /proc/self/status, given there in kB.
std::size_t statusBytes(const std::string& field) {
    std::ifstream stream("/proc/self/status");
    for (std::string line; std::getline(stream, line);)
        if (line.rfind(field, 0) == 0) {
            std::istringstream rest(line.substr(field.size()));
            std::size_t kilobytes = 0;
            rest >> kilobytes;
            return kilobytes * 1024;
        }
    return 0;
}

/// Sets the high-water mark back to what is resident now (Linux 4.0 and later, proc(5)).
bool resetHighWaterMark() {
    std::ofstream stream("/proc/self/clear_refs");
    stream << "5";
    stream.flush();
    return stream.good();
}

} // namespace

std::size_t residentBytes() {
    return statusBytes("VmRSS:");
}

MemoryWatch::MemoryWatch() {
    m_peak.startBytes = residentBytes();
    orrery::resetPeakBytes();
    // Writing may succeed without effect in some sandboxes: the mark must really have come down.
    m_exact = resetHighWaterMark() && statusBytes("VmHWM:") > 0 &&
              statusBytes("VmHWM:") < residentBytes() + (std::size_t{8} << 20U);
    if (m_exact)
        return;
    m_sampler = std::thread([this] {
        while (!m_stop.load(std::memory_order_relaxed)) {
            m_sampled.store(std::max(m_sampled.load(std::memory_order_relaxed), residentBytes()),
                            std::memory_order_relaxed);
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
    });
}

MemoryPeak MemoryWatch::stop() {
    m_peak.tensorBytes = peakOwnedBytes();
    if (m_exact) {
        m_peak.residentBytes = statusBytes("VmHWM:");
        m_peak.method = "VmHWM";
        return m_peak;
    }
    m_stop.store(true);
    if (m_sampler.joinable())
        m_sampler.join();
    m_peak.residentBytes = std::max(m_sampled.load(), residentBytes());
    m_peak.method = "sampled";
    return m_peak;
}

MemoryWatch::~MemoryWatch() {
    m_stop.store(true);
    if (m_sampler.joinable())
        m_sampler.join();
}

} // namespace orrery::measure
