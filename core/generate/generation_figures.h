// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/figure.h"
#include "generate/generation.h"

#include <functional>
#include <string>
#include <vector>

namespace orrery::generate {

/// Shows a token id to people.
using TokenText = std::function<std::string(std::int64_t)>;

/// What one sequence of a generation shows: its tokens coloured by probability (where probabilities were
/// recorded) and by the probability with which they were chosen; a table of the alternatives of every step;
/// the seconds of every token. Provenance is left to the caller.
[[nodiscard]] std::vector<figure::Figure> generationFigures(const Generation& generation,
                                                            std::size_t sequence, const TokenText& tokenText);

} // namespace orrery::generate
