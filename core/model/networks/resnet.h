// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "model/network.h"
#include "model/network_run.h"

#include <string>
#include <vector>

namespace orrery::model {

/// Sizes of a ResNet.
struct ResnetPlan {
    std::int64_t channels = 3;
    std::int64_t embedding = 64;
    std::vector<std::int64_t> sizes{256, 512, 1024, 2048}; ///< channels of the stages
    std::vector<std::int64_t> depths{3, 4, 6, 3};
    bool bottleneck = true;
    bool strideInFirst = false; ///< a block's stride is in its first convolution, not in its 3 x 3
    bool halveFirstStage = false;
    bool dilateLastStage = false; ///< instead of halving it (DC5)
    nn::Activation activation = nn::Activation::Relu;
    /// Names of torchvision and timm (conv1, bn1, layer1.0.conv2, downsample.0) instead of Hugging Face's.
    bool timmNames = false;

    static ResnetPlan read(const checkpoint::ModelConfig& config);
    /// "resnet50" and its like.
    static ResnetPlan named(const checkpoint::ModelConfig& config, std::string_view key);
};

/// The convolutional trunk of ResNet (He et al. 2016, "Deep Residual Learning"), which other families use as
/// their backbone. Batch norms are folded into the convolutions.
class ResnetTrunk {
public:
    ResnetTrunk() = default;
    /// weights: the scope that holds embedder and encoder.
    ResnetTrunk(ResnetPlan plan, const Weights& weights);
    [[nodiscard]] const ResnetPlan& plan() const { return m_plan; }
    /// Images [B, C, H, W] to the maps of all stages [B, H', W', C'], the stem's first. Sites are
    /// prefix + "stages.i.blocks.j.hook_resid_post"; hidden: whether maps have the alias hidden_states.i.
    [[nodiscard]] std::vector<Tensor> run(const Tensor& pixels, NetworkRun& run, const std::string& prefix,
                                          bool hidden) const;

private:
    struct Layer {
        std::vector<nn::Convolution> convolutions;
        nn::Convolution shortcut; ///< undefined: the identity
    };
    ResnetPlan m_plan;
    nn::Convolution m_stem;
    std::vector<std::vector<Layer>> m_stages;
};

} // namespace orrery::model
