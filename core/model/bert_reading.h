// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "model/family.h"

#include <string>

namespace orrery::model {

/// What BERT and its relatives share: they name settings and weights after the original implementation.
[[nodiscard]] StackConfig readBertLike(const checkpoint::ModelConfig& config);
[[nodiscard]] WeightNames bertLikeNames(std::string prefix);

} // namespace orrery::model
