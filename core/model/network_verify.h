// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "model/model.h"
#include "model/verify.h"

#include <filesystem>

namespace orrery::model {

/// One expected*.safetensors of a network: runs its inputs and compares every output by its name, where it
/// is among the run's outputs, else as a site. Positions that a mask of the inputs leaves out do not count.
/// Generated ids of encoder-decoders are made again by the continuation. Without one they are followed step
/// by step with a cache of keys and values: at every step the recorded token must be the likeliest one; and
/// what beams found (generated_ids_beamK) must at least be as likely as what was found greedily. Ids of
/// decoders without an encoder are chosen greedily over the growing prefix, computed anew for every word.
/// Throws as the model and the file do.
[[nodiscard]] VerifiedSet verifyNetworkSet(const Model& model, const std::filesystem::path& file,
                                           const Progress& progress, const Continuation& continuation);

} // namespace orrery::model
