// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/options.h"
#include "base/random.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace orrery::generate {

/// How a distribution is sharpened and cut before a token is drawn from it; applied in this order, each on
/// what the one before left, as Hugging Face does.
struct CutSettings {
    double temperature = 1; ///< divides the scores; 0: only the likeliest token is left
    std::int64_t topK = 0;  ///< the k likeliest (and those as likely as the last of them); 0: all
    double topP = 1;        ///< the smallest head that holds p. Holtzman et al., 2020
    double minP = 0;        ///< at least p times the likeliest. Nguyen et al., 2024
    double typicalP = 1;    ///< nearest to the expected surprise. Meister et al., 2023
    double epsilon = 0;     ///< probability at least this. Hewitt et al., 2022
    double eta = 0;         ///< at least min(eta, sqrt(eta) exp(-entropy)). The same paper
    std::int64_t keep = 1;  ///< so many are left in any case
};

void addCutOptions(OptionSchema& schema);
[[nodiscard]] CutSettings cutSettings(const OptionValues& values);

struct Candidate {
    std::int64_t id = 0;
    double score = 0;       ///< divided by the temperature
    double probability = 0; ///< among the candidates
};

/// What is left of scores [V], likeliest first (the lower id first on ties); tokens at -infinity are never
/// among them. Empty when every token is forbidden.
[[nodiscard]] std::vector<Candidate> cutCandidates(std::span<const float> scores,
                                                   const CutSettings& settings);

/// The index of a candidate drawn by probability; there must be one.
[[nodiscard]] std::size_t draw(std::span<const Candidate> candidates, Generator& generator);

} // namespace orrery::generate
