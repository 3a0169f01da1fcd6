// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

namespace orrery::nn {

/// What a computation costs: numbers for a given shape and the formulas they come from (in B, L, S, H, d, D).
struct Cost {
    double operations = 0; ///< floating-point operations (an FMA counts two)
    double bytes = 0;      ///< least memory traffic
    double memory = 0;     ///< bytes of working memory beyond inputs and outputs
    std::string operationsFormula{};
    std::string bytesFormula{};
    std::string memoryFormula{};
};

/// Where a way of mixing can stand.
struct MixingSupport {
    bool self = true;
    bool cross = false;
    bool causal = false;
    bool noncausal = true;
    bool incremental = false; ///< decoding with state, one position at a time
    bool keyMask = true;      ///< honours padding
    int minGrid = 1;          ///< dimensions of the positions' grid: 1 text, 2 images, 3 video
    int maxGrid = 1;
};

} // namespace orrery::nn
