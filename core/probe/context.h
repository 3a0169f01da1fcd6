// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/progress.h"
#include "base/random.h"
#include "probe/edit.h"
#include "probe/trace.h"

#include <functional>
#include <map>
#include <memory>
#include <string_view>

namespace orrery::nn {
class AttentionKernel;
class TokenMixer;
class KeyValueCache;
} // namespace orrery::nn

namespace orrery {

/// What goes down the tree with a run; nothing else is passed sideways. Pointers are borrowed for the run.
struct Context {
    probe::Trace* trace = nullptr;       ///< captures sites
    const probe::Edits* edits = nullptr; ///< changes sites
    nn::KeyValueCache* cache = nullptr;  ///< incremental decoding: keys and values so far, appended to
    bool training = false;               ///< dropout, batch statistics
    Generator* generator = nullptr;      ///< for whatever is random; required when training
    Progress progress;                   ///< its cancel token is looked at at least every 50 ms
    /// Parts chosen for this run only, by layer; a layer of -1 stands for all. A mixer replaces the layer's
    /// attention, a kernel computes it with the layer's own weights.
    std::map<int, std::shared_ptr<const nn::TokenMixer>> mixers;
    std::map<int, std::shared_ptr<const nn::AttentionKernel>> attentionKernels;
    /// Called after each module with its site-like name ("blocks.3.attn.qkv", "blocks.3.mlp.in", "embed",
    /// "unembed") and the seconds it took. Unset: nothing is timed.
    std::function<void(std::string_view module, double seconds)> timed;
};

} // namespace orrery
