// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "checkpoint/checkpoint.h"
#include "checkpoint/gguf.h"
#include "model/family.h"
#include "model/loader.h"
#include "model/model.h"
#include "model/stack.h"
#include "nn/workspace.h"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace orrery::model {

/// What is read only when someone asks, once, for all copies of a model.
struct LazyParts {
    std::once_flag tokenizerRead;
    std::shared_ptr<const text::Tokenizer> tokenizer;
    std::string tokenizerProblem;
    std::once_flag fingerprintMade;
    std::string fingerprint;
};

struct Model::State {
    std::string name;
    std::filesystem::path folder;
    checkpoint::ModelConfig fileConfig;
    std::shared_ptr<const checkpoint::Checkpoint> checkpoint;
    std::shared_ptr<const checkpoint::GgufFile> gguf; ///< where the model is one, else null
    DType dtype = DType::F32;
    Stack stack;
    std::vector<LoadedModule> modules;
    std::vector<std::string> unused;
    std::shared_ptr<LazyParts> lazy = std::make_shared<LazyParts>();
    std::shared_ptr<nn::WorkspacePool> workspaces = std::make_shared<nn::WorkspacePool>();

    void readTokenizer() const;
};

} // namespace orrery::model
