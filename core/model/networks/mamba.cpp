// SPDX-License-Identifier: GPL-3.0-or-later
// Mamba (Gu & Dao 2023, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces") and Mamba-2 (Dao
// & Gu 2024, "Transformers are SSMs"): blocks whose only mixing of positions is a short causal convolution
// and a recurrence with inputs that open and close it.
#include "base/error.h"
#include "kernels/state_scan.h"
#include "model/networks/sequence_families.h"
#include "model/networks/text.h"
#include "model/networks/vision.h"
#include "nn/mixing_cost.h"
#include "ops/elementwise.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace orrery::model {
namespace {

/// What both kinds of blocks read alike.
struct MixerSizes {
    std::int64_t width = 0;
    std::int64_t inner = 0;  ///< channels of the recurrence
    std::int64_t states = 0; ///< of each channel
    std::int64_t kernel = 4; ///< of the causal convolution
    Bias bias = Bias::No;
    Bias convolutionBias = Bias::Yes;
    nn::Activation activation = nn::Activation::Silu;

    MixerSizes(const checkpoint::ModelConfig& config, std::int64_t innerSize)
        : width(config.positive({"hidden_size"})), inner(innerSize), states(config.positive({"state_size"})),
          kernel(config.positive({"conv_kernel"}, 4)),
          bias(config.boolean({"use_bias"}, false) ? Bias::Yes : Bias::No),
          convolutionBias(config.boolean({"use_conv_bias"}, true) ? Bias::Yes : Bias::No),
          activation(nn::activationFromName(config.text({"hidden_act"}, "silu"), config.fileName())) {}

    [[nodiscard]] nn::Convolution convolution(const Weights& scope, std::int64_t channels) const {
        ConvolutionSpec spec;
        spec.inputs = spec.outputs = spec.groups = channels;
        spec.kernel = {1, kernel};
        spec.window.before = {0, kernel - 1};
        spec.bias = convolutionBias;
        return scope.convolution1d("conv", "conv1d", spec);
    }
};

/// -exp of what is stored.
Tensor ratesOf(const Tensor& logarithms) {
    const Tensor rates = Tensor::empty(logarithms.shape());
    const auto from = logarithms.data<float>();
    std::transform(from.begin(), from.end(), rates.mutableData<float>().begin(),
                   [](float value) { return -std::exp(value); });
    return rates;
}

/// A scan in pieces of time, so that a cancelled run ends soon.
template <typename Scan>
Tensor scanned(NetworkRun& run, Scan scan, std::int64_t states, double operationsEach,
               void (*kernel)(const Scan&), const nn::Cost& cost) {
    const std::int64_t batch = scan.x.size(0);
    const std::int64_t length = scan.x.size(1);
    const std::int64_t channels = scan.x.size(2);
    const Tensor result = run.empty(scan.x.shape());
    const double each = operationsEach * static_cast<double>(batch * channels) * static_cast<double>(states);
    scan.state = run.empty({batch, states, channels});
    if (run.onlySizes()) {
        run.countMixing(cost);
        return result;
    }
    scan.state.fill(0);
    constexpr double atOnce = 4e7;
    const std::int64_t stride = std::max<std::int64_t>(1, static_cast<std::int64_t>(atOnce / each));
    if (length <= stride) {
        scan.y = result;
        kernel(scan);
        return result;
    }
    for (std::int64_t begin = 0; begin < length; begin += stride) {
        run.context().progress.check();
        const std::int64_t end = std::min(length, begin + stride);
        Scan piece = scan;
        for (Tensor Scan::*part : {&Scan::x, &Scan::step, &Scan::in, &Scan::out})
            piece.*part = (scan.*part).slice(1, begin, end);
        piece.y = run.empty({batch, end - begin, channels});
        kernel(piece);
        result.slice(1, begin, end).copyFrom(piece.y);
    }
    return result;
}

class Mixer {
public:
    virtual ~Mixer() = default;
    Mixer() = default;
    Mixer(const Mixer&) = delete;
    Mixer& operator=(const Mixer&) = delete;
    /// x [B, L, D] to what is added to the residual stream.
    [[nodiscard]] virtual Tensor run(NetworkRun& run, const Tensor& x, const Tensor& mask,
                                     const std::string& name) const = 0;
};

class MambaMixer final : public Mixer {
public:
    MambaMixer(const Weights& scope, const checkpoint::ModelConfig& config)
        : m_sizes(config, innerSize(config)), m_rank(rank(config)) {
        const std::int64_t inner = m_sizes.inner;
        m_in = scope.linear("in", "in_proj", m_sizes.width, 2 * inner, m_sizes.bias);
        m_convolution = m_sizes.convolution(scope, inner);
        m_controls = scope.linear("controls", "x_proj", inner, m_rank + 2 * m_sizes.states, Bias::No);
        m_step = scope.linear("step", "dt_proj", m_rank, inner);
        m_rate =
            ratesOf(scope.parameter("rate", "A_log", {inner, m_sizes.states})).transpose(0, 1).contiguous();
        m_skip = scope.parameter("skip", "D", {inner});
        m_out = scope.linear("out", "out_proj", inner, m_sizes.width, m_sizes.bias);
    }
    [[nodiscard]] Tensor run(NetworkRun& run, const Tensor& x, const Tensor& mask,
                             const std::string& name) const override {
        const std::int64_t inner = m_sizes.inner;
        const Tensor both = run.linear(m_in, x);
        const Tensor unmixed = masked(run, both.slice(2, 0, inner), mask);
        const Tensor gate = run.activate(m_sizes.activation, run.dense(both.slice(2, inner, 2 * inner)));
        const Tensor convolved = masked(run, run.convolve(m_convolution, unmixed, m_sizes.activation), mask);
        run.visit(name + ".hook_conv", convolved);
        const Tensor controls = run.linear(m_controls, convolved);
        const Tensor given = run.linear(m_step, run.dense(controls.slice(2, 0, m_rank)));
        const Tensor step = run.onlySizes() ? run.empty(given.shape()) : ops::softplus(given);
        run.visit(name + ".hook_step", step);
        const std::int64_t states = m_sizes.states;
        kernels::SelectiveScan scan;
        scan.x = convolved;
        scan.step = step;
        scan.rate = m_rate;
        scan.in = controls.slice(2, m_rank, m_rank + states);
        scan.out = controls.slice(2, m_rank + states, m_rank + 2 * states);
        scan.skip = m_skip;
        const Tensor mixed = scanned(run, scan, states, 8, &kernels::selectiveScan,
                                     nn::selectiveScanCost(x.size(0), x.size(1), inner, states));
        run.visit(name + ".hook_scan", mixed);
        return run.linear(m_out, run.multiply(mixed, gate));
    }

private:
    static std::int64_t innerSize(const checkpoint::ModelConfig& config) {
        return config.positive({"intermediate_size"},
                               config.positive({"expand"}, 2) * config.positive({"hidden_size"}));
    }
    static std::int64_t rank(const checkpoint::ModelConfig& config) {
        const std::int64_t width = config.positive({"hidden_size"});
        if (!config.has("time_step_rank") || config.json().at("time_step_rank").is_string()) // "auto"
            return (width + 15) / 16;
        return config.positive({"time_step_rank"});
    }

    MixerSizes m_sizes;
    std::int64_t m_rank;
    LinearId m_in;
    nn::Convolution m_convolution;
    LinearId m_controls;
    LinearId m_step;
    Tensor m_rate; ///< [N, C]
    Tensor m_skip;
    LinearId m_out;
};

class Mamba2Mixer final : public Mixer {
public:
    Mamba2Mixer(const Weights& scope, const checkpoint::ModelConfig& config)
        : m_sizes(config, innerSize(config)), m_heads(config.positive({"num_heads"}, 128)),
          m_groups(config.positive({"n_groups"}, 8)) {
        const std::int64_t inner = m_sizes.inner;
        if (m_heads * config.positive({"head_dim"}, 64) != inner)
            throw config.error("num_heads", fmt::format("which times head_dim must be {}, the width times "
                                                        "\"expand\"",
                                                        inner));
        if (m_heads % m_groups != 0)
            throw config.error("n_groups", "which does not divide num_heads");
        const std::vector<double> limits = config.reals({"time_step_limit"}, {0.0, INFINITY});
        if (limits.size() != 2 || !(limits[0] <= limits[1]))
            throw config.error("time_step_limit", "which is not a lower and an upper limit");
        m_lowest = limits[0];
        m_highest = limits[1];
        m_channels = inner + 2 * m_groups * m_sizes.states;
        m_in = scope.linear("in", "in_proj", m_sizes.width, inner + m_channels + m_heads, m_sizes.bias);
        m_convolution = m_sizes.convolution(scope, m_channels);
        m_stepBias = scope.parameter("step_bias", "dt_bias", {m_heads});
        m_rate = ratesOf(scope.parameter("rate", "A_log", {m_heads}));
        m_skip = scope.parameter("skip", "D", {m_heads});
        m_norm = scope.rmsNorm("norm", "norm", inner, config.real({"layer_norm_epsilon"}, 1e-5));
        m_out = scope.linear("out", "out_proj", inner, m_sizes.width, m_sizes.bias);
    }
    [[nodiscard]] Tensor run(NetworkRun& run, const Tensor& x, const Tensor& mask,
                             const std::string& name) const override {
        const std::int64_t inner = m_sizes.inner;
        const std::int64_t controls = m_groups * m_sizes.states;
        const Tensor all = run.linear(m_in, masked(run, x, mask));
        const Tensor gate = run.activate(m_sizes.activation, run.dense(all.slice(2, 0, inner)));
        const Tensor convolved =
            masked(run,
                   run.convolve(m_convolution, run.dense(all.slice(2, inner, inner + m_channels)),
                                m_sizes.activation),
                   mask);
        run.visit(name + ".hook_conv", convolved);
        const Tensor step =
            ops::clamp(ops::softplus(ops::add(all.slice(2, inner + m_channels, inner + m_channels + m_heads),
                                              m_stepBias)),
                       m_lowest, m_highest);
        run.visit(name + ".hook_step", step);
        kernels::ScalarScan scan;
        scan.x = convolved.slice(2, 0, inner);
        scan.step = step;
        scan.rate = m_rate;
        scan.in = convolved.slice(2, inner, inner + controls);
        scan.out = convolved.slice(2, inner + controls, m_channels);
        scan.skip = m_skip;
        const Tensor mixed =
            scanned(run, scan, m_sizes.states, 5, &kernels::scalarScan,
                    nn::scalarScanCost(x.size(0), x.size(1), inner, m_sizes.states, m_heads, m_groups));
        run.visit(name + ".hook_scan", mixed);
        return run.linear(m_out, run.norm(m_norm, run.multiply(mixed, gate)));
    }

private:
    static std::int64_t innerSize(const checkpoint::ModelConfig& config) {
        const double expand = config.real({"expand"}, 2);
        const double inner = expand * static_cast<double>(config.positive({"hidden_size"}));
        if (!(inner >= 1 && inner < 1e9))
            throw config.error("expand", "which no inner width follows from");
        return static_cast<std::int64_t>(inner);
    }

    MixerSizes m_sizes;
    std::int64_t m_heads;
    std::int64_t m_groups;
    std::int64_t m_channels = 0; ///< of the convolution
    double m_lowest = 0;
    double m_highest = INFINITY;
    LinearId m_in;
    nn::Convolution m_convolution;
    Tensor m_stepBias;
    Tensor m_rate;
    Tensor m_skip;
    nn::Norm m_norm;
    LinearId m_out;
};

template <typename MixerType>
class StateSpaceModel final : public Network {
public:
    StateSpaceModel(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& all)
        : Network(std::move(stack)) {
        const StackConfig& sizes = this->config();
        const std::int64_t width = sizes.hiddenSize;
        const double epsilon = config.real({"layer_norm_epsilon"}, 1e-5);
        const Weights weights = all.under({"backbone", ""}, "embeddings.weight");
        m_words = weights.table("embed", "embeddings.weight", {sizes.vocabulary, width});
        for (std::int64_t i = 0; i < sizes.layers; ++i) {
            const Weights scope = weights.in(fmt::format("blocks.{}", i), fmt::format("layers.{}", i));
            m_norms.push_back(scope.rmsNorm("ln1", "norm", width, epsilon));
            m_mixers.push_back(std::make_unique<const MixerType>(scope.in("mixer", "mixer"), config));
        }
        m_norm = weights.rmsNorm("ln_final", "norm_f", width, epsilon);
        if (isArchitecture(sizes, "ForCausalLM"))
            m_head = sizes.tiedEmbeddings && !all.has("lm_head.weight")
                         ? all.tied("unembed", m_words)
                         : all.linear("unembed", "lm_head", width, sizes.vocabulary, Bias::No);
    }
    [[nodiscard]] std::string task() const override {
        return m_head.defined() ? "text generation" : "base model";
    }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override { return textInputs(0); }
    [[nodiscard]] bool canUnembed() const override { return m_head.defined(); }
    [[nodiscard]] Tensor unembed(const Tensor& rows, NetworkRun& run) const override {
        return run.linear(m_head, run.norm(m_norm, rows));
    }
    [[nodiscard]] Tensor tokenEmbedding() const override { return m_words; }

    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const override {
        const Tensor& ids = inputs.at("input_ids");
        const Tensor mask = maskInput(inputs, ids.shape());
        Tensor x = run.embed(m_words, ids);
        run.visit("hook_embed", x);
        for (std::size_t i = 0; i < m_mixers.size(); ++i) {
            const std::string name = fmt::format("blocks.{}", i);
            run.visit(name + ".hook_resid_pre", x);
            const Tensor normed = run.norm(m_norms[i], x);
            run.visit(name + ".ln1.hook_normalized", normed);
            Tensor out = run.mixer({name + ".mixer", "", static_cast<int>(i)}, normed, mask, true);
            if (!out.defined())
                out = m_mixers[i]->run(run, normed, mask, name + ".mixer");
            run.visit(name + ".hook_mixer_out", out);
            x = run.add(x, out);
            // The reference lists what leaves the blocks, and the embeddings nowhere.
            run.visit(name + ".hook_resid_post", x, hiddenStates(static_cast<std::int64_t>(i)));
        }
        x = run.norm(m_norm, x);
        run.visit("ln_final.hook_normalized", x, hiddenStates(static_cast<std::int64_t>(m_mixers.size())));
        NamedTensors outputs{{"last_hidden_state", x}};
        if (m_head.defined())
            outputs["logits"] = run.linear(m_head, x);
        return outputs;
    }

private:
    Tensor m_words;
    std::vector<nn::Norm> m_norms;
    std::vector<std::unique_ptr<const Mixer>> m_mixers;
    nn::Norm m_norm;
    LinearId m_head;
};

StackConfig stackOf(const checkpoint::ModelConfig& config, bool tied) {
    StackConfig stack = networkConfig(config);
    stack.hiddenSize = config.positive({"hidden_size"});
    stack.vocabulary = config.positive({"vocab_size"});
    stack.layers = config.positive({"num_hidden_layers"}); // places where a token mixer can stand
    stack.causal = true;
    stack.tiedEmbeddings = config.boolean({"tie_word_embeddings"}, tied);
    return stack;
}

} // namespace

std::shared_ptr<const Network> buildMamba(const checkpoint::ModelConfig& config, Weights& weights) {
    return std::make_shared<const StateSpaceModel<MambaMixer>>(stackOf(config, true), config, weights);
}

std::shared_ptr<const Network> buildMamba2(const checkpoint::ModelConfig& config, Weights& weights) {
    return std::make_shared<const StateSpaceModel<Mamba2Mixer>>(stackOf(config, false), config, weights);
}

} // namespace orrery::model
