// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "checkpoint/checkpoint.h"
#include "checkpoint/gguf.h"
#include "model/family.h"
#include "model/loader.h"
#include "model/model.h"
#include "model/network.h"
#include "model/network_run.h"
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
    Stack stack;                            ///< of a network: its configuration alone
    std::shared_ptr<const Network> network; ///< null for stacks
    NetworkTable table;
    std::vector<LoadedModule> modules;
    std::vector<std::string> unused;
    std::shared_ptr<LazyParts> lazy = std::make_shared<LazyParts>();
    std::shared_ptr<nn::WorkspacePool> workspaces = std::make_shared<nn::WorkspacePool>();

    void readTokenizer() const;
    void openNetwork(const NetworkFamily& family, const OpenOptions& options);
    /// UsageError when the model is no network.
    [[nodiscard]] const Network& asNetwork() const;
    /// The inputs as the network declares them, checked and converted.
    [[nodiscard]] NamedTensors checkedInputs(const NamedTensors& inputs) const;
    /// A run that only counts and lists.
    struct Sizes {
        RunCost cost;
        std::vector<SeenSite> sites;
    };
    [[nodiscard]] Sizes sizes(std::int64_t batch, std::int64_t length) const;
    [[nodiscard]] NamedTensors runNetwork(const NamedTensors& inputs, const Context& context) const;
    /// Text inputs and what a stack's run would give.
    [[nodiscard]] ModelOutput runNetwork(const ModelInput& input, const Context& context) const;
};

} // namespace orrery::model
