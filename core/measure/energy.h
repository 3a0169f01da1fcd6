// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace orrery::measure {

/// Energy of the processor packages through RAPL counters in powercap, where they can be read.
class EnergyMeter {
public:
    explicit EnergyMeter(const std::filesystem::path& powercap = "/sys/class/powercap");
    [[nodiscard]] bool available() const { return !m_packages.empty(); }
    /// "not measurable here: ..." with the reason, or what is read.
    [[nodiscard]] const std::string& explanation() const { return m_explanation; }
    void start();
    /// Joules of all packages since start(), of everything that runs on the machine; nothing when not
    /// available.
    [[nodiscard]] std::optional<double> joules() const;

private:
    struct Package {
        std::filesystem::path counter;
        std::uint64_t wrapsAt = 0; ///< microjoules
        std::uint64_t started = 0;
    };
    std::vector<Package> m_packages;
    std::string m_explanation;
};

} // namespace orrery::measure
