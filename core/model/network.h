// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "checkpoint/config.h"
#include "model/named_tensors.h"
#include "model/stack_config.h"
#include "tensor/tensor.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::model {

class NetworkRun;
class Weights;

/// The second kind of model: not a plain stack of text layers (Stack) but a forward function in terms of
/// named modules. A family (core/model/networks) reads config.json, takes its weights by name and computes;
/// what varies between runs (traces, edits, chosen kernels) and what can be exchanged (the linears' formats)
/// stays with NetworkRun, so that a network is immutable and shared by all copies of a model.
class Network {
public:
    explicit Network(StackConfig config) : m_config(std::move(config)) {}
    virtual ~Network() = default;
    Network(const Network&) = delete;
    Network& operator=(const Network&) = delete;

    /// What of a stack's configuration applies: family, architecture, hiddenSize, layers (numbers of
    /// attentions: NetworkRun::attention), heads, vocabulary, maxPositions, labels.
    [[nodiscard]] const StackConfig& config() const { return m_config; }
    [[nodiscard]] virtual std::string task() const = 0; ///< "image classification"
    [[nodiscard]] virtual std::vector<NetworkInput> inputs() const = 0;
    /// Outputs by the names of Hugging Face: logits, last_hidden_state, pooler_output, pred_boxes ... What
    /// can be asked for beside them (hidden_states.i, attentions.i) are sites, shown to the run. Inputs are
    /// there as inputs() says: names, ranks, fixed sizes and dtypes are checked.
    [[nodiscard]] virtual NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const = 0;

    // Language models only.
    [[nodiscard]] virtual bool canUnembed() const { return false; }
    /// Vocabulary logits of rows [n, D].
    [[nodiscard]] virtual Tensor unembed(const Tensor& rows, NetworkRun& run) const;
    /// [V, D] as stored; undefined where there are no words.
    [[nodiscard]] virtual Tensor tokenEmbedding() const { return {}; }

private:
    StackConfig m_config;
};

/// A family of networks. To add one: a file in core/model/networks with its function, and a line in
/// network_families.cpp.
struct NetworkFamily {
    std::string_view id;    ///< model_type in config.json
    std::string_view title; ///< "ResNet"
    /// InputError naming file and key or tensor when something is missing or does not fit.
    std::shared_ptr<const Network> (*build)(const checkpoint::ModelConfig& config, Weights& weights);
};

/// All of them, sorted by id.
[[nodiscard]] const std::vector<NetworkFamily>& networkFamilies();
/// Null when no network has this model_type.
[[nodiscard]] const NetworkFamily* networkFamilyFor(std::string_view modelType);

/// The parts of StackConfig that every network reads alike: family, architecture, labels.
[[nodiscard]] StackConfig networkConfig(const checkpoint::ModelConfig& config);
/// The same with hidden_size, num_hidden_layers, num_attention_heads and intermediate_size.
[[nodiscard]] StackConfig transformerConfig(const checkpoint::ModelConfig& config);
/// Whether the first of "architectures" ends so ("ForImageClassification").
[[nodiscard]] bool isArchitecture(const StackConfig& config, std::string_view ending);

} // namespace orrery::model
