// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "model/input.h"
#include "model/model.h"
#include "model/stack.h"
#include "nn/workspace.h"
#include "probe/context.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace orrery::model {

/// One run through a stack: the walk down the layers, showing every site to the trace and the edits. Sites
/// that nobody asked for cost nothing: their sums, biases and activations stay inside the products.
class Runner {
public:
    /// Edits of a batch of variants: variant i owns the rows [i, i + 1) * batch / variants.
    Runner(const Stack& stack, const Context& context, nn::Workspace& workspace,
           std::vector<probe::BoundEdits> variants);

    /// Checks the input, takes shapes and masks from it. past: positions that come before it.
    void setInput(const ModelInput& input, std::int64_t variants = 1);
    // What setInput made of the input.
    [[nodiscard]] Tensor positionIds() const;
    [[nodiscard]] Tensor positionRows() const;                        ///< of the table, checked
    [[nodiscard]] const Tensor& scoreBias() const { return m_bias; }  ///< see m_bias
    [[nodiscard]] const Tensor& keyMask() const { return m_keyMask; } ///< see m_keyMask
    /// Index in the row of the last token that is not padding, for every row.
    [[nodiscard]] std::vector<std::int64_t> lastPositions() const;
    /// Keys and values of the positions before the input, when they are not the context's.
    void setCache(nn::KeyValueCache* cache);
    /// Keeps residuals, keys and values for edited runs.
    void setRecord(PrefixCache* record) { m_record = record; }

    /// Token, position and type embeddings with their norm: [B, L, D].
    [[nodiscard]] Tensor embed();
    /// Takes a copy of a residual stream [b, L, D], repeated for each variant.
    [[nodiscard]] Tensor start(const Tensor& residual);
    /// Runs layers [first, last) on x, in place.
    void layers(const Tensor& x, int first, int last);
    /// Final norm, pooler, head. Ends the step of a cache.
    [[nodiscard]] ModelOutput finish(const Tensor& x);
    /// Vocabulary logits of rows [n, D] of a residual stream (the logit lens).
    [[nodiscard]] Tensor unembed(const Tensor& rows);
    /// Vocabulary logits of rows [n, E] of a last hidden state.
    [[nodiscard]] Tensor vocabularyLogits(const Tensor& rows);

private:
    [[nodiscard]] bool wants(probe::SiteKind kind, int layer = -1) const {
        return m_trace != nullptr && m_trace->wants(kind, layer);
    }
    [[nodiscard]] bool edits(probe::SiteKind kind, int layer = -1) const;
    [[nodiscard]] bool touches(probe::SiteKind kind, int layer = -1) const {
        return wants(kind, layer) || edits(kind, layer);
    }
    /// Shows a site's tensor to the edits, then to the trace (which keeps a copy).
    void visit(probe::SiteKind kind, int layer, const Tensor& tensor);
    void applyEdits(probe::SiteKind kind, int layer, const Tensor& tensor);

    /// The parts in use in a layer: chosen for this run, else the layer's own, else null.
    [[nodiscard]] const nn::TokenMixer* mixerOf(int layer) const;
    [[nodiscard]] const nn::AttentionKernel* kernelOf(int layer) const;
    /// The dtype of a norm's output: what the next product likes best, unless someone looks at it.
    [[nodiscard]] DType normedType(probe::SiteKind site, int layer, const nn::Linear& next) const;
    /// Whether queries, keys and values may stay in bf16: nobody looks, and the fused kernel mixes them.
    [[nodiscard]] bool narrowAttention(int layer) const;
    /// What a norm makes of x in a slot of its own, shown at its site; x itself where the norm is left out.
    [[nodiscard]] Tensor normed(const nn::Norm& module, probe::SiteKind site, int layer, const Tensor& x,
                                nn::Workspace::Slot slot, const nn::Linear& next);
    [[nodiscard]] const nn::Linear& firstOfFeedForward(int layer) const;
    void block(int layer, const Tensor& x);
    /// x += the layer's attention, or the mixer that stands in its place, of input.
    void mix(int layer, const Tensor& input, const Tensor& x);
    void attention(int layer, const Tensor& input, const Tensor& x);
    static void normHeads(const nn::Norm& module, const Tensor& heads);
    /// Turns queries and keys by their positions, in place, where the layer has rotary positions.
    void rotate(int layer, const nn::AttentionInput& parts);
    /// The part of the scores that depends on content and distance: [B, H, L, L] f32. Honest but dense:
    /// memory grows with the square of the length.
    [[nodiscard]] Tensor relativeBias(int layer, const nn::AttentionInput& parts);
    [[nodiscard]] Tensor disentangledBias(int layer, const nn::AttentionInput& parts);
    [[nodiscard]] Tensor transformerXlBias(int layer, const nn::AttentionInput& parts);
    void attend(int layer, const nn::AttentionInput& input);
    void mixer(const nn::TokenMixer& mixer, int layer, const Tensor& input, const Tensor& x);
    void feedForward(int layer, const Tensor& input, const Tensor& x);
    /// Activated (and gated) hidden units of rows, as out's product likes them; shown: to be shown at their
    /// sites.
    [[nodiscard]] Tensor hiddenUnits(int layer, const nn::Linear& in, const nn::Linear& out,
                                     const Tensor& rows, bool shown);
    /// out = the mixture of the experts that the router chooses for each row of input; only those are
    /// computed.
    void experts(int layer, const Tensor& input, const Tensor& out);
    /// out += the attention's result through its projection, split by heads for the site "result".
    void projectByHeads(int layer, const Tensor& mixed, const Tensor& out);
    void linear(const nn::Linear& module, const Tensor& x, const Tensor& out,
                nn::Activation activation = nn::Activation::None, const Tensor& residual = {});
    void norm(const nn::Norm& module, const Tensor& x, const Tensor& out, std::string_view name, int layer);
    /// Of the layers' largest block: see nn/workspace.h.
    [[nodiscard]] std::size_t blockBytes() const;
    void buildKeyMask(const ModelInput& input, std::int64_t variants);
    void buildAlibi();
    /// Final norm and output projection of a residual stream, shown at their sites.
    [[nodiscard]] Tensor finalState(const Tensor& x);
    /// The head's dense layer, activation and norm.
    [[nodiscard]] Tensor transformed(const Tensor& rows);
    [[nodiscard]] Tensor pooledRows(const Tensor& lastHidden, const Tensor& pooled);
    void headLogits(const Tensor& lastHidden, ModelOutput& output);
    [[nodiscard]] Tensor pooledByPlace(const Tensor& lastHidden);
    [[nodiscard]] Tensor firstTokens(const Tensor& hidden);
    [[nodiscard]] Tensor lastTokens(const Tensor& hidden);

    const Stack& m_stack;
    const StackConfig& m_config;
    const Context& m_context;
    nn::Workspace& m_workspace;
    probe::Trace* m_trace;
    std::vector<probe::BoundEdits> m_variants;
    bool m_anyEdits = false;
    nn::KeyValueCache* m_cache;
    PrefixCache* m_record = nullptr;

    ModelInput m_input;
    std::int64_t m_batch = 0; ///< rows in all variants together
    std::int64_t m_length = 0;
    std::int64_t m_past = 0;
    Tensor m_keyMask; ///< [batch, past + length] u8 or undefined
    Tensor m_bias;    ///< of the scores (ALiBi) [1 or batch, H, 1, past + length] or undefined
    std::vector<nn::RotaryAngles> m_angles; ///< of each of the configuration's rotaries, when first needed
};

} // namespace orrery::model
