// SPDX-License-Identifier: GPL-3.0-or-later
#include "generate/step_model.h"

#include "base/error.h"

namespace orrery::generate {

Tensor StepModel::extend(std::span<const std::int64_t>) {
    throw UsageError("This model reads one token at a time; choose another decoding strategy.");
}

void StepModel::goBack(std::int64_t) {
    throw UsageError("This model cannot take back what it has read; choose another decoding strategy.");
}

Tensor StepModel::hidden(std::int64_t) const {
    throw UsageError("This model does not show its hidden states; choose another decoding strategy.");
}

} // namespace orrery::generate
