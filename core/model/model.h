// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/json.h"
#include "base/progress.h"
#include "checkpoint/config.h"
#include "model/input.h"
#include "model/named_tensors.h"
#include "model/stack_config.h"
#include "nn/attention_kernel.h"
#include "nn/linear.h"
#include "nn/token_mixer.h"
#include "probe/context.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::text {
class Tokenizer;
}

namespace orrery::model {

struct OpenOptions {
    DType dtype = DType::F32; ///< F32, or BF16: bf16 weights and products, f32 residual stream and norms
    Progress progress{};
    /// Where the linears of a compressed checkpoint come from: asked with a linear's name ("blocks.3.mlp.in")
    /// and sizes before its dense weights are looked for; null: take the dense ones. See
    /// compress/compressed_model.h.
    std::function<std::shared_ptr<const nn::WeightFormat>(const std::string& linear, std::int64_t outputs,
                                                          std::int64_t inputs)>
        storedFormat{};
};

struct Stack;  // model/stack.h
class Network; // model/network.h

/// One stored tensor of a module.
struct ParameterInfo {
    std::string name; ///< in the checkpoint
    DType dtype = DType::F32;
    Shape shape;
    std::size_t bytes = 0;
};

/// A module and what is inside it, for `inspect` and the tree of the window.
struct ModuleInfo {
    std::string name; ///< "blocks.3.attn.qkv"
    std::string kind; ///< "block", "attention", "linear (dense_f32)", "layer norm", "token mixer: pooling"
    std::vector<ParameterInfo> parameters;
    std::vector<ModuleInfo> children;
    std::int64_t parameterCount = 0; ///< with children
    std::size_t bytes = 0;           ///< with children, as stored
};

/// The residual stream of a clean run before every layer (and its keys and values): where edited runs start.
struct PrefixCache {
    ModelInput input;
    std::vector<Tensor> residual; ///< before layer i [B, L, D]; one more: after the last
    std::vector<Tensor> key;      ///< by layer [B, L, Hkv, d]; causal models only
    std::vector<Tensor> value;
    ModelOutput output; ///< of the clean run
    [[nodiscard]] std::size_t bytes() const;
};

/// What a run of a shape will need, before it runs.
struct RunCost {
    double operations = 0;       ///< floating-point operations, all of it
    double matmulOperations = 0; ///< of which in the weights' products
    double attentionOperations = 0;
    double weightBytes = 0;    ///< read once a run
    double mixingBytes = 0;    ///< least traffic of what mixes the positions
    std::size_t peakBytes = 0; ///< predicted working memory, weights not counted
};

/// Memory that a run will take, before it runs.
struct MemoryNeed {
    std::size_t weightBytes = 0; ///< of weights that are packed when first multiplied, and are not yet
    std::size_t activationBytes = 0;
    std::size_t traceBytes = 0; ///< kept by the run's trace
    [[nodiscard]] std::size_t total() const { return weightBytes + activationBytes + traceBytes; }
};

/// Threads that the runs of all models use from now on; at least 1.
void setThreads(int count);

/// A transformer: a tree of modules with named sites, running on mapped weights. run() is const and thread
/// safe: several threads may run one model at once. Changing it (setFormat, setMixer) is not; change a
/// copy(), which shares all weights.
class Model {
public:
    /// Opens a Hugging Face folder, or a .gguf file (also alone in a folder). Nothing is read that is not
    /// used: weights are converted and packed when first multiplied. InputError naming the file, tensor and
    /// remedy.
    static std::shared_ptr<Model> open(const std::filesystem::path& folder, const OpenOptions& options = {});
    ~Model();

    [[nodiscard]] std::shared_ptr<Model> copy() const;

    [[nodiscard]] const std::string& name() const; ///< of the folder
    [[nodiscard]] const std::filesystem::path& folder() const;
    [[nodiscard]] const std::string& family() const; ///< "bert"
    [[nodiscard]] const StackConfig& config() const;
    /// Whether the model is a forward function of its own (images, sound, encoder-decoders ...) and no plain
    /// stack of layers: see model/network.h.
    [[nodiscard]] bool isNetwork() const;
    [[nodiscard]] std::string task() const; ///< "masked language model", "image classification"
    /// The modules themselves, for what computes with them in another way (model/differentiable.h).
    /// UsageError for a network.
    [[nodiscard]] const Stack& stack() const;
    [[nodiscard]] const checkpoint::ModelConfig& fileConfig() const; ///< config.json itself
    [[nodiscard]] std::int64_t layers() const { return config().layers; }
    [[nodiscard]] int headsPerLayer() const { return config().heads; }
    [[nodiscard]] std::int64_t hiddenSize() const { return config().hiddenSize; }
    [[nodiscard]] std::int64_t vocabulary() const { return config().vocabulary; }
    [[nodiscard]] std::int64_t maxPositions() const { return config().maxPositions; }
    [[nodiscard]] bool causal() const { return config().causal; }
    [[nodiscard]] const std::vector<std::string>& labels() const { return config().labels; }
    [[nodiscard]] DType dtype() const; ///< of the computation
    /// Null when the folder has no tokenizer that can be read; tokenizerProblem() says why.
    [[nodiscard]] std::shared_ptr<const text::Tokenizer> tokenizer() const;
    [[nodiscard]] const std::string& tokenizerProblem() const;
    /// SHA-256 of pieces of the weights and config.json.
    [[nodiscard]] std::string fingerprint() const;
    [[nodiscard]] ModuleInfo modules() const;
    [[nodiscard]] std::int64_t parameterCount() const;
    /// What the checkpoint holds that the model does not use (buffers, another head), for `inspect`.
    [[nodiscard]] const std::vector<std::string>& unusedTensors() const;

    // Sites.
    [[nodiscard]] probe::SiteLayout layout() const;
    [[nodiscard]] std::vector<probe::SiteInfo> sites(std::int64_t batch = 1, std::int64_t length = 1) const;

    /// What a trace of these globs would keep of a run of this shape; UsageError when a glob matches nothing.
    [[nodiscard]] std::size_t traceBytes(const std::vector<std::string>& globs, std::int64_t batch,
                                         std::int64_t length, bool fullPatterns = false) const;

    // Inputs.
    /// What run() takes by name: pixel_values, input_ids ...
    [[nodiscard]] std::vector<NetworkInput> inputs() const;
    /// Zeros of the declared sizes, masks of ones; length: of texts, where it is not 0.
    [[nodiscard]] NamedTensors exampleInputs(std::int64_t batch = 1, std::int64_t length = 0) const;
    /// Tokenizes, with the special tokens of the model, cut to maxPositions(). Error without a tokenizer.
    [[nodiscard]] ModelInput encode(std::string_view text) const;
    [[nodiscard]] ModelInput encodePair(std::string_view first, std::string_view second) const;
    /// Several texts, padded on the right.
    [[nodiscard]] ModelInput encodeBatch(std::span<const std::string> texts) const;
    /// The text of a token id as shown to people; "#17" without a tokenizer.
    [[nodiscard]] std::string tokenText(std::int64_t id) const;
    /// Ids back to text, special tokens left out.
    [[nodiscard]] std::string decode(std::span<const std::int64_t> ids) const;

    // Running.
    /// UsageError for ids out of the vocabulary or inputs longer than maxPositions().
    [[nodiscard]] ModelOutput run(const ModelInput& input, const Context& context = {}) const;
    /// Inputs and outputs by the names of Hugging Face. UsageError for an input that the model does not take,
    /// lacks, or takes in other sizes. Sites of networks are named as they please (sites() lists them).
    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, const Context& context = {}) const;
    /// Runs clean and keeps what edited runs start from.
    [[nodiscard]] PrefixCache runForEditing(const ModelInput& input, const Context& context = {}) const;
    /// The run with edits, started from the clean state before the first edited layer; equal to run() with
    /// context.edits (which is ignored here). A trace sees what is computed anew. Networks are run whole.
    [[nodiscard]] ModelOutput runEdited(const probe::Edits& edits, const PrefixCache& prefix,
                                        const Context& context = {}) const;
    /// Several edited runs as one batch from the earliest edited layer; outputs in the order of variants.
    /// chunk limits how many run at once (0: as many as fit in 256 MiB of residual stream).
    [[nodiscard]] std::vector<ModelOutput> runEditedBatch(std::span<const probe::Edits> variants,
                                                          const PrefixCache& prefix,
                                                          const Context& context = {},
                                                          std::int64_t chunk = 0) const;
    /// Vocabulary logits of residual streams [..., D] (the logit lens): final norm and unembedding; in
    /// masked LMs the head's transform. UsageError for models without a vocabulary head.
    [[nodiscard]] Tensor unembed(const Tensor& residual, const Context& context = {}) const;
    [[nodiscard]] bool canUnembed() const;
    /// Rows of the token embedding [n, E] f32, as stored (config().embeddingSize, in most models D).
    [[nodiscard]] Tensor embeddingRows(std::span<const std::int64_t> ids) const;

    [[nodiscard]] RunCost cost(std::int64_t batch, std::int64_t length) const;
    [[nodiscard]] double flops(std::int64_t batch, std::int64_t length) const {
        return cost(batch, length).operations;
    }
    [[nodiscard]] std::size_t predictedBytes(std::int64_t batch, std::int64_t length) const {
        return cost(batch, length).peakBytes;
    }

    /// What run() of this input would take beyond what is held now. A run asks it, and gives an Error that
    /// names the numbers and a remedy when the machine, the control group or the process's limits have less.
    [[nodiscard]] MemoryNeed memoryNeed(const ModelInput& input, const Context& context = {}) const;
    [[nodiscard]] MemoryNeed memoryNeed(const NamedTensors& inputs, const Context& context = {}) const;

    // Exchanging parts. Do these on a copy() that no one runs yet.
    /// Calls visit with every Linear (name "blocks.3.mlp.in"); use Linear::setFormat to exchange.
    void forEachLinear(const std::function<void(nn::Linear&)>& visit);
    void forEachLinear(const std::function<void(const nn::Linear&)>& visit) const;
    /// Replaces the attention of a layer; null gives the layer its own attention back.
    void setMixer(int layer, std::shared_ptr<const nn::TokenMixer> mixer);
    [[nodiscard]] std::shared_ptr<const nn::TokenMixer> mixer(int layer) const;
    /// The kernel that computes a layer's attention; null for the fused one.
    void setAttentionKernel(int layer, std::shared_ptr<const nn::AttentionKernel> kernel);
    [[nodiscard]] nn::MixerPlace mixerPlace(int layer) const;

private:
    struct State;
    explicit Model(std::unique_ptr<State> state);
    [[nodiscard]] std::vector<probe::SiteInfo> networkSites(std::int64_t batch, std::int64_t length) const;
    std::unique_ptr<State> m_state;
};

} // namespace orrery::model
