// SPDX-License-Identifier: GPL-3.0-or-later
// The first half of a block: queries, keys and values, positions, and what mixes the tokens.
#include "base/error.h"
#include "kernels/elementwise.h"
#include "kernels/gate.h"
#include "kernels/rotary.h"
#include "model/runner.h"
#include "model/step.h"
#include "nn/dense_attention.h"
#include "nn/key_value_cache.h"
#include "onednn/matmul.h"

#include <fmt/format.h>

#include <utility>

namespace orrery::model {

using probe::SiteKind;
using Slot = nn::Workspace::Slot;

namespace {

Tensor rowsOf(const Tensor& x) {
    return x.reshape({-1, x.size(-1)});
}

} // namespace

void Runner::attention(int layer, const Tensor& input, const Tensor& x) {
    const Block& modules = m_stack.blocks[static_cast<std::size_t>(layer)];
    const std::int64_t heads = m_config.heads;
    const std::int64_t groups = m_config.keyValueHeads;
    const std::int64_t size = m_config.headSize;
    const std::int64_t rows = m_batch * m_length;

    const DType type = narrowAttention(layer) ? DType::BF16 : DType::F32;
    const Tensor flat = m_workspace.take(Slot::Qkv, {rows, (heads + 2 * groups) * size}, type);
    linear(modules.qkv, rowsOf(input), flat);
    nn::AttentionInput parts;
    if (m_config.qkvOrder == QkvOrder::ByHead) {
        const Tensor qkv = flat.reshape({m_batch, m_length, heads, 3, size});
        parts.query = qkv.select(3, 0);
        parts.key = qkv.select(3, 1);
        parts.value = qkv.select(3, 2);
    } else {
        const Tensor qkv = flat.reshape({m_batch, m_length, heads + 2 * groups, size});
        parts.query = qkv.slice(2, 0, heads);
        parts.key = qkv.slice(2, heads, heads + groups);
        parts.value = qkv.slice(2, heads + groups, heads + 2 * groups);
    }
    if (modules.queryNorm.defined()) {
        normHeads(modules.queryNorm, parts.query);
        normHeads(modules.keyNorm, parts.key);
    }
    visit(SiteKind::Query, layer, parts.query);
    visit(SiteKind::Key, layer, parts.key);
    visit(SiteKind::Value, layer, parts.value);
    rotate(layer, parts);
    if (m_record != nullptr && m_config.causal) {
        m_record->key.push_back(parts.key.clone());
        m_record->value.push_back(parts.value.clone());
    }
    if (m_cache != nullptr) {
        m_cache->append(layer, parts.key, parts.value);
        parts.key = m_cache->key(layer);
        parts.value = m_cache->value(layer);
    }
    parts.keyMask = m_keyMask;
    parts.bias = m_config.relative == RelativeKind::None ? m_bias : relativeBias(layer, parts);
    parts.causal = m_config.causal;
    parts.queryOffset = m_past;
    parts.window = m_config.layer(layer).window;
    parts.scale = modules.scale;
    const Tensor mixed = m_workspace.take(Slot::Mixed, {m_batch, m_length, heads, size}, type);
    parts.output = mixed;
    attend(layer, parts);
    visit(SiteKind::Z, layer, mixed);

    const Tensor mixedRows = mixed.reshape({rows, heads * size});
    const Tensor xRows = rowsOf(x);
    if (touches(SiteKind::AttentionOut, layer) || touches(SiteKind::Result, layer) ||
        modules.attentionNorm.defined()) {
        const Tensor out = m_workspace.take(Slot::Branch, x.shape());
        if (touches(SiteKind::Result, layer))
            projectByHeads(layer, mixed, out);
        if (!edits(SiteKind::Result, layer))
            linear(modules.attentionOut, mixedRows, rowsOf(out));
        if (modules.attentionNorm.defined())
            norm(modules.attentionNorm, out, out, "ln1_post", layer);
        visit(SiteKind::AttentionOut, layer, out);
        kernels::add(xRows, rowsOf(out), xRows);
    } else {
        linear(modules.attentionOut, mixedRows, xRows, nn::Activation::None, xRows);
    }
}

void Runner::normHeads(const nn::Norm& module, const Tensor& heads) {
    for (std::int64_t head = 0; head < heads.size(2); ++head) {
        const Tensor rows = heads.select(2, head);
        module.run(rows, rows);
    }
}

void Runner::rotate(int layer, const nn::AttentionInput& parts) {
    const int which = m_config.layer(layer).rotary;
    if (which < 0)
        return;
    const Step step(m_context, "attn.rotary", layer);
    const nn::RotaryLayout layout = m_config.rotaries[static_cast<std::size_t>(which)].layout;
    nn::RotaryAngles& angles = m_angles[static_cast<std::size_t>(which)];
    if (!angles.cosine.defined())
        angles = nn::rotaryAngles(m_config.rotaries[static_cast<std::size_t>(which)], positionIds());
    kernels::rotate(parts.query, angles.cosine, angles.sine, layout);
    kernels::rotate(parts.key, angles.cosine, angles.sine, layout);
    if (m_config.rotaryValues)
        kernels::rotate(parts.value, angles.cosine, angles.sine, layout);
    visit(SiteKind::RotatedQuery, layer, parts.query);
    visit(SiteKind::RotatedKey, layer, parts.key);
}

void Runner::attend(int layer, const nn::AttentionInput& input) {
    const Step step(m_context, "attn.mix", layer);
    const bool wantsPattern = wants(SiteKind::Pattern, layer);
    const bool wantsScores = wants(SiteKind::Scores, layer);
    if (edits(SiteKind::Scores, layer) || edits(SiteKind::Pattern, layer) || m_config.scoreCap > 0) {
        if (m_config.scoreCap > 0 && kernelOf(layer) != nullptr)
            throw UsageError(
                fmt::format("The scores of {} are capped, which the attention kernel \"{}\" does not do.",
                            m_config.family, kernelOf(layer)->name()));
        const auto scores = [&](const Tensor& tensor) {
            if (m_config.scoreCap > 0)
                kernels::softCap(tensor, m_config.scoreCap);
            visit(SiteKind::Scores, layer, tensor);
        };
        const auto pattern = [&](const Tensor& tensor) { applyEdits(SiteKind::Pattern, layer, tensor); };
        const nn::DenseAttention result = nn::denseAttention(input, scores, pattern, m_context.progress);
        input.output.copyFrom(result.output);
        if (wantsPattern)
            m_trace->capturePattern(layer, probe::AttentionPattern(result.pattern));
        return;
    }
    const nn::AttentionKernel* kernel = kernelOf(layer);
    static const std::shared_ptr<const nn::AttentionKernel> fused = nn::fusedAttention();
    if (kernel == nullptr)
        kernel = fused.get();
    const nn::AttentionOutput output = kernel->run(input, wantsPattern || wantsScores, m_context);
    if (output.output.rawData() != input.output.rawData())
        input.output.copyFrom(output.output);
    if (!wantsPattern && !wantsScores)
        return;
    nn::AttentionInput kept = input; // the buffers of q and k belong to the next layer soon
    kept.query = input.query.clone();
    kept.key = input.key.clone();
    probe::AttentionPattern pattern = kernel->matrix(kept, output);
    if (wantsScores)
        m_trace->capture(SiteKind::Scores, layer, pattern.scores());
    if (wantsPattern)
        m_trace->capturePattern(layer, std::move(pattern));
}

void Runner::mixer(const nn::TokenMixer& mixing, int layer, const Tensor& input, const Tensor& x) {
    const Step step(m_context, "attn.mix", layer);
    const nn::MixingSupport support = mixing.supports();
    if (m_config.causal ? !support.causal : !support.noncausal)
        throw UsageError(fmt::format("The token mixer \"{}\" cannot stand in a {} layer.", mixing.name(),
                                     m_config.causal ? "causal" : "non-causal"));
    m_context.progress.check();
    Tensor out;
    if (m_cache != nullptr) {
        if (!support.incremental)
            throw UsageError(
                fmt::format("The token mixer \"{}\" cannot decode position by position; generate "
                            "without the cache.",
                            mixing.name()));
        std::shared_ptr<nn::MixerState>& state = m_cache->mixerState(layer);
        if (!state)
            state = mixing.makeState(m_batch);
        out = mixing.step(input, *state, m_context);
    } else {
        const nn::MixerInput given{
            .hidden = input, .keyMask = m_keyMask, .causal = m_config.causal, .grid = {m_length}};
        out = mixing.run(given, m_context);
        if (wants(SiteKind::Pattern, layer)) {
            nn::MixerInput kept = given;
            kept.hidden = input.clone();
            m_trace->capturePattern(layer, mixing.matrix(kept));
        }
    }
    if (!(out.shape() == x.shape()) || out.dtype() != DType::F32)
        throw Error(fmt::format("The token mixer \"{}\" gave {} {} where {} f32 is needed.", mixing.name(),
                                out.shape().toText(), orrery::name(out.dtype()), x.shape().toText()));
    if (edits(SiteKind::Pattern, layer))
        throw UsageError(
            fmt::format("The pattern of layer {} belongs to the token mixer \"{}\" and cannot be "
                        "edited; edit blocks.{}.hook_attn_out instead.",
                        layer, mixing.name(), layer));
    out = out.contiguous();
    if (edits(SiteKind::AttentionOut, layer) && out.storage() == input.storage())
        out = out.clone();
    visit(SiteKind::AttentionOut, layer, out);
    kernels::add(rowsOf(x), rowsOf(out), rowsOf(x));
}

void Runner::projectByHeads(int layer, const Tensor& mixed, const Tensor& out) {
    const nn::Linear& module = m_stack.blocks[static_cast<std::size_t>(layer)].attentionOut;
    const Tensor weight = module.format()->toDense(); // [D, heads * size]
    const std::int64_t heads = mixed.size(2);
    const std::int64_t size = mixed.size(3);
    const std::int64_t rows = m_batch * m_length;
    const Tensor result = Tensor::empty({m_batch, m_length, heads, module.outputs()});
    const Tensor resultRows = result.reshape({rows, heads, module.outputs()});
    const Tensor mixedRows = mixed.reshape({rows, heads, size});
    for (std::int64_t head = 0; head < heads; ++head) {
        m_context.progress.check();
        const Tensor part = Tensor::empty({rows, module.outputs()});
        onednn::matmul(mixedRows.select(1, head), weight.slice(1, head * size, (head + 1) * size), false,
                       true, part);
        resultRows.select(1, head).copyFrom(part);
    }
    applyEdits(SiteKind::Result, layer, result);
    if (edits(SiteKind::Result, layer)) { // the projection is what the edited heads add up to
        const Tensor outRows = rowsOf(out);
        outRows.fill(0);
        if (module.bias().defined())
            outRows.copyFrom(module.bias().unsqueeze(0).expand(outRows.shape()));
        for (std::int64_t head = 0; head < heads; ++head)
            kernels::add(outRows, resultRows.select(1, head).contiguous(), outRows);
    }
    if (wants(SiteKind::Result, layer))
        m_trace->capture(SiteKind::Result, layer, result);
}

} // namespace orrery::model
