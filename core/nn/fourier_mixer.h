// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "nn/token_mixer.h"

#include <memory>

namespace orrery::nn {

/// FNet's mixing (Lee-Thorp et al. 2022): the real part of the discrete Fourier transform over positions and
/// width,
///   y = C_L x C_D - S_L x S_D,  C_n[j, k] = cos(2 pi j k / n), S_n likewise with sin.
/// It has no parameters, reads every position whatever the mask says (as the original does), and is not
/// causal.
[[nodiscard]] std::shared_ptr<const TokenMixer> fourierMixer();

} // namespace orrery::nn
