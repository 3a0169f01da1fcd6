// SPDX-License-Identifier: GPL-3.0-or-later
#include "measure/energy.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

namespace orrery::measure {
namespace {

std::optional<std::uint64_t> readNumber(const std::filesystem::path& file) {
    std::ifstream stream(file);
    std::uint64_t value = 0;
    if (stream >> value)
        return value;
    return std::nullopt;
}

} // namespace

EnergyMeter::EnergyMeter(const std::filesystem::path& powercap) {
    std::error_code failure;
    bool seen = false;
    // Packages are named intel-rapl:N, on AMD too; intel-rapl:N:M are parts of them and counted there
    // already.
    for (const auto& entry : std::filesystem::directory_iterator(powercap, failure)) {
        const std::string name = entry.path().filename().string();
        if (name.rfind("intel-rapl:", 0) != 0 || std::count(name.begin(), name.end(), ':') != 1)
            continue;
        seen = true;
        const auto counter = entry.path() / "energy_uj";
        if (readNumber(counter))
            m_packages.push_back({counter, readNumber(entry.path() / "max_energy_range_uj").value_or(0), 0});
    }
    if (!m_packages.empty())
        m_explanation = fmt::format("energy of {} processor package{} by RAPL, of everything that runs",
                                    m_packages.size(), m_packages.size() == 1 ? "" : "s");
    else if (seen)
        m_explanation = "not measurable here: the RAPL counters may be read by the superuser only";
    else
        m_explanation = "not measurable here: the kernel offers no RAPL counters (a virtual machine?)";
    start();
}

void EnergyMeter::start() {
    for (Package& package : m_packages)
        package.started = readNumber(package.counter).value_or(0);
}

std::optional<double> EnergyMeter::joules() const {
    if (m_packages.empty())
        return std::nullopt;
    double sum = 0;
    for (const Package& package : m_packages) {
        const auto now = readNumber(package.counter);
        if (!now)
            return std::nullopt;
        // The counter starts again from 0 past its range.
        const std::uint64_t used =
            *now >= package.started ? *now - package.started : package.wrapsAt - package.started + *now;
        sum += static_cast<double>(used) * 1e-6;
    }
    return sum;
}

} // namespace orrery::measure
