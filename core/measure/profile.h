// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/figure.h"
#include "measure/bench.h"
#include "measure/machine.h"
#include "model/model.h"

#include <cstdint>
#include <string>
#include <vector>

namespace orrery::measure {

/// Time of one module or primitive over all profiled runs.
struct ProfileEntry {
    std::string site;           ///< "blocks.3.attn.qkv"; "" when it belongs to no module
    std::string kind;           ///< "linear", "attention", "norm" ...; "" for the module's own row
    std::string descriptor;     ///< "m128 n2304 k768 f32:f32:f32 bias"
    std::string implementation; ///< "avx512", "onednn:brgemm:avx512_core"
    std::int64_t calls = 0;     ///< per run
    double seconds = 0;         ///< per run
    double operations = 0;      ///< per run; 0 when not counted
    double bytes = 0;           ///< per run, least memory traffic; 0 when not counted
    double share = 0;           ///< of the whole run's time
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

/// The same of a model with other inputs than tokens.
[[nodiscard]] Profile profileModel(const model::Model& model, const model::NamedTensors& inputs, int runs = 5,
                                   const Progress& progress = {});

/// "primitives" (table of site, primitive, descriptor, implementation, time, GFLOP/s, GB/s), with ceilings
/// "roofline" (the same primitives of all layers as one point), and "modules" (bars of share by kind of
/// module).
[[nodiscard]] std::vector<figure::Figure> profileFigures(const Profile& profile, const Ceilings* ceilings);

/// A profile that is kept: a run of the job "profile" with its figures.
struct ProfileOutcome {
    store::RunId run = 0;
    BenchSettings settings;
    Profile profile;
    std::vector<figure::Figure> figures;
};
/// Profiles the first point of a benchmark's grid (its first model, length, batch, dtype, threads and parts;
/// random tokens, or those of the request's text) against the ceilings of this machine, into the workspace.
ProfileOutcome profileRun(store::Workspace& workspace, const BenchRequest& request, const PartFinder& parts,
                          const Progress& progress = {});

} // namespace orrery::measure
