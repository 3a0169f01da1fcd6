// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/figure.h"
#include "measure/machine.h"
#include "model/model.h"

#include <cstdint>
#include <string>
#include <vector>

namespace orrery::measure {

/// Time of one module or primitive over all profiled runs.
struct ProfileEntry {
    std::string site;       ///< "blocks.3.attn.qkv"; "" when it belongs to no module
    std::string primitive;  ///< "matmul 128x768x2304 f32"; "" for the module's own row
    std::int64_t calls = 0; ///< per run
    double seconds = 0;     ///< per run
    double operations = 0;  ///< per run; 0 when not counted
    double bytes = 0;       ///< per run, least memory traffic; 0 when not counted
    double share = 0;       ///< of the whole run's time
};

struct Profile {
    double seconds = 0; ///< of a run, profiled: slightly above an unobserved one
    int runs = 0;
    std::vector<ProfileEntry> modules;    ///< in order of computation
    std::vector<ProfileEntry> primitives; ///< joined to the module in which they ran
};

/// Runs the model some times with every module and every engine operation timed.
[[nodiscard]] Profile profileModel(const model::Model& model, const model::ModelInput& input, int runs = 5,
                                   const Progress& progress = {});

/// "modules" (bars of share by kind of module), "primitives" (table with GFLOP/s, bytes/s and share) and,
/// with ceilings, "roofline".
[[nodiscard]] std::vector<figure::Figure> profileFigures(const Profile& profile, const Ceilings* ceilings);

} // namespace orrery::measure
