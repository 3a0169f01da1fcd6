// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "checkpoint/checkpoint.h"
#include "model/family.h"
#include "model/model.h"
#include "model/stack.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::model {

/// A module that holds weights, in the order of computation.
struct LoadedModule {
    std::string name; ///< "blocks.3.attn.qkv"
    std::string kind; ///< "embedding", "linear", "layer norm"
    std::vector<ParameterInfo> parameters;
};

struct LoadedStack {
    Stack stack;
    std::vector<LoadedModule> modules;
    std::vector<std::string> unused; ///< names in the checkpoint that no module took
};

/// Finds every weight that the configuration calls for and checks its shape and dtype, without reading any.
/// options: the dtype of the computation and stored formats. InputError naming file, tensor, expected and
/// found shape.
[[nodiscard]] LoadedStack loadStack(const checkpoint::Checkpoint& checkpoint, const StackConfig& config,
                                    const WeightNames& names, const OpenOptions& options);

/// Tensors of old checkpoints that hold no weights but what a model computes itself: masks, positions, tables
/// of rotary frequencies.
[[nodiscard]] bool isBuffer(std::string_view name) noexcept;

} // namespace orrery::model
