// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "model/verify.h"

namespace orrery::generate {

/// How golden cases' generated ids are made again: the arguments of the case over the model's own
/// configuration, with the strategy that they stand for.
[[nodiscard]] model::Continuation continuation();

} // namespace orrery::generate
