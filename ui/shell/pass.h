// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "model/model.h"
#include "probe/trace.h"
#include "shell/input_list.h"

#include <QStringList>

#include <memory>

namespace orrery::ui {

/// One forward pass that the window looks at: a model, an input and what was traced (the lazy attention
/// pattern of every layer). Immutable, shared by the panels.
struct Pass {
    int modelId = 0; ///< in the ModelList
    std::shared_ptr<const model::Model> model;
    Input input;               ///< as typed
    model::ModelInput encoded; ///< one row; encoded.rows[0] has tokens, offsets, word ids
    QStringList tokens;        ///< of the row, as shown
    probe::Trace trace;        ///< "blocks.*.attn.hook_pattern"
    model::ModelOutput output; ///< without logits: lenses ask for those they need
    bool cut = false;          ///< the text was longer than the model's positions
    double tokenizeSeconds = 0;
    double runSeconds = 0;
};

using PassPointer = std::shared_ptr<const Pass>;

/// Tokenizes and runs; what Look does with the current input, for views that compare with another one. Long:
/// call it in a job.
PassPointer makePass(int modelId, const std::shared_ptr<const model::Model>& model, const Input& input,
                     const Progress& progress);

} // namespace orrery::ui
