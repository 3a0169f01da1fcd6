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
#include "nn/convolution.h"
#include "nn/workspace.h"

#include <cstddef>
#include <map>
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

/// What runs of a network need beside its linears' weights, by the shapes of their inputs. Thread safe.
struct KnownNeeds {
    struct Need {
        std::size_t activationBytes = 0;
        std::vector<const nn::Convolution*> convolutions; ///< of the network
    };
    static constexpr std::size_t most = 64; ///< that are remembered
    std::mutex mutex;
    std::map<std::string, Need> byShapes;
};

/// Memory that a stack's run works in; what is captured or edited apart.
struct RunShape {
    std::int64_t batch = 1;
    std::int64_t length = 1;
    std::int64_t past = 0;       ///< positions in the cache
    std::int64_t logitRows = -1; ///< of each sequence; -1: all
};
[[nodiscard]] std::size_t activationBytes(const Stack& stack, const RunShape& shape);

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
    std::shared_ptr<KnownNeeds> needs = std::make_shared<KnownNeeds>();

    void readTokenizer() const;
    void openNetwork(const NetworkFamily& family, const OpenOptions& options);
    /// UsageError when the model is no network.
    [[nodiscard]] const Network& asNetwork() const;
    /// The inputs as the network declares them, checked and converted.
    [[nodiscard]] NamedTensors checkedInputs(const NamedTensors& inputs) const;
    /// Found out by a run that computes nothing.
    [[nodiscard]] MemoryNeed memoryNeed(const NamedTensors& checked, const Context& context) const;
    /// Error with the numbers and a remedy when the machine has no room for what a run will need. input: its
    /// shape, for the sentence.
    void checkMemory(const MemoryNeed& need, const std::string& input) const;
    void checkMemory(const NamedTensors& checked, const Context& context) const;
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
