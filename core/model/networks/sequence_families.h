// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "model/network.h"

#include <memory>

// The functions of the families of long texts, state spaces and time series, as families.h has those of
// images; network_families.cpp lists them.
namespace orrery::model {

[[nodiscard]] std::shared_ptr<const Network> buildAutoformer(const checkpoint::ModelConfig& config,
                                                             Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildBigBird(const checkpoint::ModelConfig& config,
                                                          Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildInformer(const checkpoint::ModelConfig& config,
                                                           Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildLongformer(const checkpoint::ModelConfig& config,
                                                             Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildMamba(const checkpoint::ModelConfig& config,
                                                        Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildMamba2(const checkpoint::ModelConfig& config,
                                                         Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildNystromformer(const checkpoint::ModelConfig& config,
                                                                Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildPatchTst(const checkpoint::ModelConfig& config,
                                                           Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildPerceiver(const checkpoint::ModelConfig& config,
                                                            Weights& weights);
[[nodiscard]] std::shared_ptr<const Network> buildReformer(const checkpoint::ModelConfig& config,
                                                           Weights& weights);
} // namespace orrery::model
