// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/progress.h"
#include "model/input.h"
#include "model/model.h"
#include "probe/site.h"
#include "tensor/tensor.h"

#include <functional>
#include <map>
#include <string>

namespace orrery::model {

/// Weights by module name ("blocks.3.attn.qkv.weight" [out, in], "embed.tokens" [V, D], "ln_final.bias",
/// ...).
using Parameters = std::map<std::string, Tensor>;

struct DifferentiableOptions {
    /// Called at every site in the order of computation; what it gives (same shape) goes on in place of the
    /// tensor. Return the tensor itself to look on, autograd::watch(tensor.detached()) to make a leaf of a
    /// site.
    std::function<Tensor(probe::SiteId site, const Tensor& tensor)> atSite{};
    /// Makes scores and patterns whole [B, H, L, L], so that they are sites too; else attention is fused.
    bool densePatterns = false;
    /// Keeps the input of each block only and runs the block again in backward. Not together with atSite,
    /// which would be called twice.
    bool recompute = false;
    /// [B, L, D], in place of the rows of the token embedding (Hugging Face's inputs_embeds): where paths
    /// from a baseline to the input are walked.
    Tensor tokenEmbeddings{};
    Progress progress{}; ///< asked before every block
};

/// A model as a differentiable function of its weights and inputs, through ops: what learning and attribution
/// run, in f32 or (for checks) f64. Computes the same as Model::run, at several times its cost.
class DifferentiableModel {
public:
    /// Takes dense copies of the weights; exchanged formats count as the matrix that they stand for.
    /// UsageError for models with exchanged mixers or attention kernels, mixtures of experts, relative
    /// attention (DeBERTa, XLNet) and Fourier mixing: they have no backward. A norm that a model stores as w
    /// for 1 + w (Gemma) counts as 1 + w. The model must outlive this.
    explicit DifferentiableModel(const Model& model, DType dtype = DType::F32);

    [[nodiscard]] const Parameters& parameters() const { return m_parameters; }
    [[nodiscard]] Parameters watched() const; ///< the parameters as leaves of the tape
    /// Computes with the given parameters (any that is not given is the model's own). UsageError as
    /// Model::run.
    [[nodiscard]] ModelOutput run(const ModelInput& input, const Parameters& parameters = {},
                                  const DifferentiableOptions& options = {}) const;

private:
    const Model& m_model;
    DType m_dtype;
    Parameters m_parameters;
};

} // namespace orrery::model
