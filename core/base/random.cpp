// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/random.h"

#include "base/error.h"

#include <bit>
#include <cmath>
#include <numbers>

namespace orrery {

Generator::Generator(std::uint64_t seed) : m_seed(seed) {
    for (auto& word : m_state) {
        seed += 0x9e3779b97f4a7c15ULL;
        std::uint64_t z = seed;
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
        word = z ^ (z >> 31U);
    }
}

std::uint64_t Generator::next() {
    const std::uint64_t result = std::rotl(m_state[1] * 5, 7) * 9;
    const std::uint64_t t = m_state[1] << 17U;
    m_state[2] ^= m_state[0];
    m_state[3] ^= m_state[1];
    m_state[1] ^= m_state[2];
    m_state[0] ^= m_state[3];
    m_state[2] ^= t;
    m_state[3] = std::rotl(m_state[3], 45);
    return result;
}

double Generator::uniform() {
    return static_cast<double>(next() >> 11U) * 0x1.0p-53;
}

double Generator::uniform(double low, double high) {
    return low + (high - low) * uniform();
}

double Generator::normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

std::uint64_t Generator::below(std::uint64_t bound) {
    ORRERY_CHECK(bound > 0, "Generator::below needs a positive bound");
    const std::uint64_t limit = bound * (UINT64_MAX / bound);
    std::uint64_t draw = next();
    while (draw >= limit)
        draw = next();
    return draw % bound;
}

Generator Generator::split() {
    return Generator(next());
}

} // namespace orrery
