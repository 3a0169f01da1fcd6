// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "checkpoint/config.h"
#include "model/stack_config.h"

#include <string_view>

namespace orrery::model {

/// The head that a class name in "architectures" ends in; fallback where it names none that is known.
[[nodiscard]] HeadKind headFromArchitecture(std::string_view architecture, HeadKind fallback);

/// What every family reads in the same way: architecture, head, labels, special tokens, sizes of heads.
/// Expects hiddenSize, layers and heads to be set (headSize, keyValueHeads and embeddingSize where they do
/// not follow from those; tiedEmbeddings to what the family takes by default); checks that all sizes are
/// possible. Gives every layer settings of its own, without rotary positions and windows.
void readCommon(const checkpoint::ModelConfig& config, HeadKind fallbackHead, StackConfig& stack);

} // namespace orrery::model
