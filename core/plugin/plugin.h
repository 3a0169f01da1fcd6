// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What an author of a plugin includes: the part interfaces and the way in.

#include "analyze/analyzer.h"
#include "compress/compressor.h"
#include "generate/decoding_strategy.h"
#include "nn/attention_kernel.h"
#include "nn/token_mixer.h"
#include "plugin/registry.h"

namespace orrery::plugin {

/// Number of the interface between Orrery and its plugins; raised whenever a plugin must be built again.
inline constexpr int apiVersion = 1;

/// Implemented by the entry that the build makes for every plugin (see OrreryPlugin.cmake).
class PluginInterface {
public:
    virtual ~PluginInterface() = default;
    virtual void registerParts(Registry& registry) const = 0;
};

} // namespace orrery::plugin

/// The one function a plugin's author writes beside the parts themselves:
///     ORRERY_PLUGIN(registry) { registry.make<Analyzer, MyLens>(); }
#define ORRERY_PLUGIN(registryName) void orreryRegisterParts(::orrery::plugin::Registry& registryName)
