// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "model/network.h"

#include <memory>

// The functions of the network families, one for each file here; network_families.cpp lists them.
namespace orrery::model {

[[nodiscard]] std::shared_ptr<const Network> buildBart(const checkpoint::ModelConfig& config,
                                                       Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildBeit(const checkpoint::ModelConfig& config,
                                                       Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildClip(const checkpoint::ModelConfig& config,
                                                       Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildClipText(const checkpoint::ModelConfig& config,
                                                           Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildClipVision(const checkpoint::ModelConfig& config,
                                                             Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildConvNext(const checkpoint::ModelConfig& config,
                                                           Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildDetr(const checkpoint::ModelConfig& config,
                                                       Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildDinov2(const checkpoint::ModelConfig& config,
                                                         Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildMobileVit(const checkpoint::ModelConfig& config,
                                                            Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildPoolFormer(const checkpoint::ModelConfig& config,
                                                             Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildResnet(const checkpoint::ModelConfig& config,
                                                         Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildSegformer(const checkpoint::ModelConfig& config,
                                                            Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildSwin(const checkpoint::ModelConfig& config,
                                                       Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildT5(const checkpoint::ModelConfig& config, Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildTimeSformer(const checkpoint::ModelConfig& config,
                                                              Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildVideoMae(const checkpoint::ModelConfig& config,
                                                           Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildVit(const checkpoint::ModelConfig& config,
                                                      Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildWav2Vec2(const checkpoint::ModelConfig& config,
                                                           Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildWhisper(const checkpoint::ModelConfig& config,
                                                          Weights& weights);

} // namespace orrery::model
