// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>

namespace orrery {

/// The only source of randomness: seeded, passed in, and the same on every platform (unlike the distributions
/// of <random>). xoshiro256** seeded through splitmix64.
class Generator {
public:
    explicit Generator(std::uint64_t seed);
    [[nodiscard]] std::uint64_t seed() const noexcept { return m_seed; }
    std::uint64_t next();                     ///< 64 uniform bits
    double uniform();                         ///< in [0, 1)
    double uniform(double low, double high);  ///< in [low, high)
    double normal();                          ///< standard normal
    std::uint64_t below(std::uint64_t bound); ///< in [0, bound), unbiased; bound > 0
    Generator split();                        ///< an independent stream

private:
    std::uint64_t m_seed;
    std::array<std::uint64_t, 4> m_state{};
};

} // namespace orrery
