// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/networks/resnet.h"

#include "base/error.h"
#include "model/networks/families.h"
#include "model/networks/vision.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace orrery::model {
namespace {

constexpr kernels::Window2d halving{.stride = {2, 2}, .before = {1, 1}, .after = {1, 1}};

struct LayerNames {
    std::string convolution;
    std::string norm;
};

/// A convolution with its batch norm; kernels of 1 need no padding.
nn::Convolution normed(const Weights& scope, const std::string& module, const LayerNames& names,
                       std::int64_t inputs, std::int64_t outputs, std::int64_t size, std::int64_t stride = 1,
                       std::int64_t dilation = 1) {
    ConvolutionSpec spec = ConvolutionSpec::square(inputs, outputs, size, stride, size / 2 * dilation);
    spec.window.dilation = {dilation, dilation};
    spec.bias = Bias::IfStored;
    spec.batchNorm = names.norm;
    return scope.convolution(module, names.convolution, spec);
}

} // namespace

ResnetPlan ResnetPlan::read(const checkpoint::ModelConfig& config) {
    ResnetPlan plan;
    plan.channels = config.positive({"num_channels"}, plan.channels);
    plan.embedding = config.positive({"embedding_size"}, plan.embedding);
    plan.sizes = config.integers({"hidden_sizes"}, plan.sizes);
    plan.depths = config.integers({"depths"}, plan.depths);
    if (plan.depths.size() != plan.sizes.size() || plan.depths.empty())
        throw config.error("depths", "which must name as many stages as hidden_sizes");
    const std::string type = config.text({"layer_type"}, "bottleneck");
    if (type != "bottleneck" && type != "basic")
        throw config.error("layer_type", "which is neither \"bottleneck\" nor \"basic\"");
    plan.bottleneck = type == "bottleneck";
    plan.strideInFirst = config.boolean({"downsample_in_bottleneck"}, false);
    plan.halveFirstStage = config.boolean({"downsample_in_first_stage"}, false);
    plan.activation = nn::activationFromName(config.text({"hidden_act"}, "relu"), config.fileName());
    return plan;
}

ResnetPlan ResnetPlan::named(const checkpoint::ModelConfig& config, std::string_view key) {
    const std::string name = config.text({key});
    ResnetPlan plan;
    plan.timmNames = true;
    plan.channels = config.positive({"num_channels"}, 3);
    if (name == "resnet18" || name == "resnet34") {
        plan.bottleneck = false;
        plan.sizes = {64, 128, 256, 512};
        if (name == "resnet18")
            plan.depths = {2, 2, 2, 2};
    } else if (name == "resnet101") {
        plan.depths = {3, 4, 23, 3};
    } else if (name == "resnet152") {
        plan.depths = {3, 8, 36, 3};
    } else if (name != "resnet50") {
        throw config.error(key, "which is none of resnet18, resnet34, resnet50, resnet101 and resnet152");
    }
    return plan;
}

ResnetTrunk::ResnetTrunk(ResnetPlan plan, const Weights& weights) : m_plan(std::move(plan)) {
    const bool timm = m_plan.timmNames;
    std::int64_t inputs = m_plan.embedding;
    m_stem = normed(weights, "stem",
                    timm ? LayerNames{"conv1", "bn1"}
                         : LayerNames{"embedder.embedder.convolution", "embedder.embedder.normalization"},
                    m_plan.channels, inputs, 7, 2);
    for (std::size_t stage = 0; stage < m_plan.depths.size(); ++stage) {
        const std::int64_t outputs = m_plan.sizes[stage];
        const bool dilates = m_plan.dilateLastStage && stage + 1 == m_plan.depths.size();
        std::vector<Layer>& layers = m_stages.emplace_back();
        for (std::int64_t i = 0; i < m_plan.depths[stage]; ++i) {
            const Weights scope = weights.in(fmt::format("stages.{}.blocks.{}", stage, i),
                                             timm ? fmt::format("layer{}.{}", stage + 1, i)
                                                  : fmt::format("encoder.stages.{}.layers.{}", stage, i));
            const std::int64_t stride = i == 0 && !dilates && (stage > 0 || m_plan.halveFirstStage) ? 2 : 1;
            const std::int64_t dilation = dilates && i > 0 ? 2 : 1;
            const auto names = [&](int k) {
                return timm ? LayerNames{fmt::format("conv{}", k + 1), fmt::format("bn{}", k + 1)}
                            : LayerNames{fmt::format("layer.{}.convolution", k),
                                         fmt::format("layer.{}.normalization", k)};
            };
            Layer& layer = layers.emplace_back();
            if (inputs != outputs || stride != 1)
                layer.shortcut = normed(scope, "shortcut",
                                        timm ? LayerNames{"downsample.0", "downsample.1"}
                                             : LayerNames{"shortcut.convolution", "shortcut.normalization"},
                                        inputs, outputs, 1, stride);
            if (m_plan.bottleneck) {
                const std::int64_t narrow = std::max<std::int64_t>(1, outputs / 4);
                const bool early = m_plan.strideInFirst;
                layer.convolutions = {
                    normed(scope, "conv1", names(0), inputs, narrow, 1, early ? stride : 1),
                    normed(scope, "conv2", names(1), narrow, narrow, 3, early ? 1 : stride, dilation),
                    normed(scope, "conv3", names(2), narrow, outputs, 1)};
            } else {
                layer.convolutions = {normed(scope, "conv1", names(0), inputs, outputs, 3, stride, dilation),
                                      normed(scope, "conv2", names(1), outputs, outputs, 3, 1, dilation)};
            }
            inputs = outputs;
        }
    }
}

std::vector<Tensor> ResnetTrunk::run(const Tensor& pixels, NetworkRun& run, const std::string& prefix,
                                     bool hidden) const {
    Tensor x = run.convolve(m_stem, run.map(pixels), m_plan.activation);
    run.visitMap(prefix + "stem.hook_conv", x);
    x = run.pool(x, kernels::Pooling::Maximum, {3, 3}, halving);
    run.visitMap(prefix + "stem.hook_pool", x, hidden ? hiddenStates(0) : "");
    std::vector<Tensor> maps{x};
    for (std::size_t stage = 0; stage < m_stages.size(); ++stage) {
        for (std::size_t i = 0; i < m_stages[stage].size(); ++i) {
            const Layer& layer = m_stages[stage][i];
            const std::string name = fmt::format("{}stages.{}.blocks.{}", prefix, stage, i);
            Tensor branch = x;
            for (std::size_t k = 0; k < layer.convolutions.size(); ++k) {
                const bool last = k + 1 == layer.convolutions.size();
                branch = run.convolve(layer.convolutions[k], branch,
                                      last ? nn::Activation::None : m_plan.activation);
                run.visitMap(fmt::format("{}.conv{}.hook_conv", name, k + 1), branch);
            }
            const Tensor shortcut = layer.shortcut.defined() ? run.convolve(layer.shortcut, x) : x;
            x = run.activate(m_plan.activation, run.add(shortcut, branch));
            const bool ends = i + 1 == m_stages[stage].size();
            run.visitMap(name + ".hook_resid_post", x,
                         hidden && ends ? hiddenStates(static_cast<std::int64_t>(stage) + 1) : "");
        }
        maps.push_back(x);
    }
    return maps;
}

namespace {

class Resnet final : public Network {
public:
    Resnet(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& all)
        : Network(std::move(stack)),
          m_trunk(ResnetPlan::read(config),
                  all.under({"resnet", ""}, "embedder.embedder.convolution.weight")) {
        if (isArchitecture(this->config(), "ForImageClassification"))
            m_classifier = all.linear("classifier", "classifier.1", m_trunk.plan().sizes.back(),
                                      static_cast<std::int64_t>(this->config().labels.size()));
    }
    [[nodiscard]] std::string task() const override {
        return m_classifier.defined() ? "image classification" : "base model";
    }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override {
        return {imageInput(m_trunk.plan().channels, {224, 224})};
    }
    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const override {
        const Tensor x = m_trunk.run(inputs.at("pixel_values"), run, "", true).back();
        const Tensor pooled = run.meanOverPositions(x);
        NamedTensors outputs{{"last_hidden_state", x.transpose(2, 3).transpose(1, 2)},
                             {"pooler_output", pooled.reshape({pooled.size(0), pooled.size(1), 1, 1})}};
        if (m_classifier.defined())
            outputs["logits"] = run.linear(m_classifier, pooled);
        return outputs;
    }

private:
    ResnetTrunk m_trunk;
    LinearId m_classifier;
};

} // namespace

std::shared_ptr<const Network> buildResnet(const checkpoint::ModelConfig& config, Weights& weights) {
    StackConfig stack = networkConfig(config);
    const auto sizes = config.integers({"hidden_sizes"}, {256, 512, 1024, 2048});
    stack.hiddenSize = sizes.empty() ? 0 : sizes.back();
    return std::make_shared<const Resnet>(std::move(stack), config, weights);
}

} // namespace orrery::model
