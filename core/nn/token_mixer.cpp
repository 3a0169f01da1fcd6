// SPDX-License-Identifier: GPL-3.0-or-later
#include "nn/token_mixer.h"

#include "base/error.h"

#include <fmt/format.h>

namespace orrery::nn {

std::shared_ptr<MixerState> MixerState::select(std::span<const std::int64_t>) const {
    throw UsageError("The state of a token mixer of this model cannot change its rows; generate one "
                     "continuation at a time, without beams.");
}

std::shared_ptr<MixerState> TokenMixer::makeState(std::int64_t) const {
    throw UsageError(fmt::format("The token mixer \"{}\" cannot decode position by position.", name()));
}

Tensor TokenMixer::step(const Tensor&, MixerState&, const Context&) const {
    throw UsageError(fmt::format("The token mixer \"{}\" cannot decode position by position.", name()));
}

} // namespace orrery::nn
