// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/runner.h"

#include "base/error.h"
#include "kernels/elementwise.h"
#include "model/step.h"
#include "nn/dense_attention.h"
#include "nn/key_value_cache.h"
#include "onednn/matmul.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace orrery::model {

using probe::SiteKind;
using Slot = nn::Workspace::Slot;

namespace {

/// The part chosen for a layer in a map where -1 stands for all.
template <typename PartType>
const PartType* chosen(const std::map<int, std::shared_ptr<const PartType>>& parts, int layer) {
    if (parts.empty())
        return nullptr;
    auto found = parts.find(layer);
    if (found == parts.end())
        found = parts.find(-1);
    return found == parts.end() ? nullptr : found->second.get();
}

Tensor rowsOf(const Tensor& x) {
    return x.reshape({-1, x.size(-1)});
}

} // namespace

Runner::Runner(const Stack& stack, const Context& context, nn::Workspace& workspace,
               std::vector<probe::BoundEdits> variants)
    : m_stack(stack), m_config(stack.config), m_context(context), m_workspace(workspace),
      m_trace(context.trace), m_variants(std::move(variants)), m_cache(context.cache) {
    for (const probe::BoundEdits& edits : m_variants)
        m_anyEdits = m_anyEdits || !edits.empty();
    if (m_trace != nullptr)
        m_trace->begin(layoutOf(stack, context));
}

bool Runner::edits(SiteKind kind, int layer) const {
    if (!m_anyEdits)
        return false;
    return std::any_of(m_variants.begin(), m_variants.end(),
                       [&](const probe::BoundEdits& variant) { return variant.any(kind, layer); });
}

void Runner::applyEdits(SiteKind kind, int layer, const Tensor& tensor) {
    if (!m_anyEdits)
        return;
    const std::int64_t rows = tensor.size(0) / static_cast<std::int64_t>(m_variants.size());
    for (std::size_t i = 0; i < m_variants.size(); ++i)
        if (m_variants[i].any(kind, layer)) {
            const auto first = static_cast<std::int64_t>(i) * rows;
            m_variants[i].apply(kind, layer, tensor.slice(0, first, first + rows), m_past);
        }
}

void Runner::visit(SiteKind kind, int layer, const Tensor& tensor) {
    applyEdits(kind, layer, tensor);
    if (wants(kind, layer))
        m_trace->capture(kind, layer, tensor.clone());
}

void Runner::linear(const nn::Linear& module, const Tensor& x, const Tensor& out, nn::Activation activation,
                    const Tensor& residual) {
    const Step step(m_context, module.name());
    // Long products go in pieces, so that a cancelled run ends soon.
    constexpr double operationsAtOnce = 1e10;
    const std::int64_t rows = x.size(0);
    const double operations = module.format()->operations(rows);
    const auto pieces = static_cast<std::int64_t>(operations / operationsAtOnce) + 1;
    const std::int64_t stride =
        pieces == 1 ? rows : std::max<std::int64_t>(64, (rows / pieces + 63) / 64 * 64);
    for (std::int64_t row = 0; row < rows; row += stride) {
        m_context.progress.check();
        const std::int64_t end = std::min(rows, row + stride);
        if (stride >= rows)
            module.run(x, out, activation, residual);
        else
            module.run(x.slice(0, row, end), out.slice(0, row, end), activation,
                       residual.defined() ? residual.slice(0, row, end) : residual);
    }
}

void Runner::norm(const nn::Norm& module, const Tensor& x, const Tensor& out, std::string_view name,
                  int layer) {
    const Step step(m_context, name, layer);
    module.run(rowsOf(x), rowsOf(out));
}

void Runner::layers(const Tensor& x, int first, int last) {
    for (int layer = first; layer < last; ++layer) {
        if (m_record != nullptr)
            m_record->residual.push_back(x.clone());
        block(layer, x);
    }
    if (m_record != nullptr)
        m_record->residual.push_back(x.clone());
}

const nn::TokenMixer* Runner::mixerOf(int layer) const {
    const nn::TokenMixer* mixing = chosen(m_context.mixers, layer);
    return mixing != nullptr ? mixing : m_stack.blocks[static_cast<std::size_t>(layer)].mixer.get();
}

const nn::AttentionKernel* Runner::kernelOf(int layer) const {
    const nn::AttentionKernel* kernel = chosen(m_context.attentionKernels, layer);
    return kernel != nullptr ? kernel : m_stack.blocks[static_cast<std::size_t>(layer)].kernel.get();
}

DType Runner::normedType(SiteKind site, int layer, const nn::Linear& next) const {
    if (touches(site, layer) || (site == SiteKind::Norm1 && mixerOf(layer) != nullptr))
        return DType::F32;
    return next.format()->inputType();
}

bool Runner::narrowAttention(int layer) const {
    using enum SiteKind;
    const Block& modules = m_stack.blocks[static_cast<std::size_t>(layer)];
    if (modules.qkv.format()->inputType() != DType::BF16 ||
        modules.attentionOut.format()->inputType() != DType::BF16)
        return false;
    for (const SiteKind site : {Query, Key, Value, Scores, Pattern, Z, Result})
        if (touches(site, layer))
            return false;
    return m_cache == nullptr && m_record == nullptr && kernelOf(layer) == nullptr;
}

void Runner::block(int layer, const Tensor& x) {
    const Block& modules = m_stack.blocks[static_cast<std::size_t>(layer)];
    const bool post = m_config.normPlacement == NormPlacement::After;
    visit(SiteKind::ResidualPre, layer, x);

    Tensor input = x;
    if (!post) {
        input = m_workspace.take(Slot::Normed, x.shape(), normedType(SiteKind::Norm1, layer, modules.qkv));
        norm(modules.norm1, x, input, "ln1", layer);
        visit(SiteKind::Norm1, layer, input);
    }
    if (const nn::TokenMixer* mixing = mixerOf(layer))
        mixer(*mixing, layer, input, x);
    else
        attention(layer, input, x);
    visit(SiteKind::ResidualMid, layer, x);

    if (post) {
        norm(modules.norm1, x, x, "ln1", layer);
        visit(SiteKind::Norm1, layer, x);
    } else {
        input = m_workspace.take(Slot::Normed, x.shape(), normedType(SiteKind::Norm2, layer, modules.mlpIn));
        norm(modules.norm2, x, input, "ln2", layer);
        visit(SiteKind::Norm2, layer, input);
    }
    feedForward(layer, post ? x : input, x);
    visit(SiteKind::ResidualPost, layer, x);
    if (post) {
        norm(modules.norm2, x, x, "ln2", layer);
        visit(SiteKind::Norm2, layer, x);
        visit(SiteKind::NormalizedResidual, layer, x);
    }
}

void Runner::attention(int layer, const Tensor& input, const Tensor& x) {
    const Block& modules = m_stack.blocks[static_cast<std::size_t>(layer)];
    const std::int64_t heads = m_config.heads;
    const std::int64_t groups = m_config.keyValueHeads;
    const std::int64_t size = m_config.headSize;
    const std::int64_t rows = m_batch * m_length;

    const DType type = narrowAttention(layer) ? DType::BF16 : DType::F32;
    const Tensor flat = m_workspace.take(Slot::Qkv, {rows, (heads + 2 * groups) * size}, type);
    linear(modules.qkv, rowsOf(input), flat);
    const Tensor qkv = flat.reshape({m_batch, m_length, heads + 2 * groups, size});
    nn::AttentionInput parts;
    parts.query = qkv.slice(2, 0, heads);
    parts.key = qkv.slice(2, heads, heads + groups);
    parts.value = qkv.slice(2, heads + groups, heads + 2 * groups);
    visit(SiteKind::Query, layer, parts.query);
    visit(SiteKind::Key, layer, parts.key);
    visit(SiteKind::Value, layer, parts.value);
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
    parts.causal = m_config.causal;
    parts.queryOffset = m_past;
    parts.scale = modules.scale;
    const Tensor mixed = m_workspace.take(Slot::Mixed, {m_batch, m_length, heads, size}, type);
    parts.output = mixed;
    attend(layer, parts);
    visit(SiteKind::Z, layer, mixed);

    const Tensor mixedRows = mixed.reshape({rows, heads * size});
    const Tensor xRows = rowsOf(x);
    if (touches(SiteKind::AttentionOut, layer) || touches(SiteKind::Result, layer)) {
        const Tensor out = m_workspace.take(Slot::Branch, x.shape());
        if (touches(SiteKind::Result, layer))
            projectByHeads(layer, mixed, out);
        if (!edits(SiteKind::Result, layer))
            linear(modules.attentionOut, mixedRows, rowsOf(out));
        visit(SiteKind::AttentionOut, layer, out);
        kernels::add(xRows, rowsOf(out), xRows);
    } else {
        linear(modules.attentionOut, mixedRows, xRows, nn::Activation::None, xRows);
    }
}

void Runner::attend(int layer, const nn::AttentionInput& input) {
    const Step step(m_context, "attn.mix", layer);
    const bool wantsPattern = wants(SiteKind::Pattern, layer);
    const bool wantsScores = wants(SiteKind::Scores, layer);
    if (edits(SiteKind::Scores, layer) || edits(SiteKind::Pattern, layer)) {
        const auto scores = [&](const Tensor& tensor) { visit(SiteKind::Scores, layer, tensor); };
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

void Runner::feedForward(int layer, const Tensor& input, const Tensor& x) {
    const Block& modules = m_stack.blocks[static_cast<std::size_t>(layer)];
    const std::int64_t rows = m_batch * m_length;
    const std::int64_t width = modules.mlpIn.outputs();
    const Tensor inputRows = rowsOf(input);
    const Tensor xRows = rowsOf(x);
    const bool shown = touches(SiteKind::MlpPre, layer) || touches(SiteKind::MlpPost, layer);
    // Nobody looks at the hidden units: they stay in the dtype of the next product.
    const DType hiddenType = shown ? DType::F32 : modules.mlpOut.format()->inputType();
    // Rows a little further apart than they are long: lengths of whole pages would make every row of the next
    // product compete for the same cache lines.
    constexpr std::int64_t gap = 32;
    const Tensor hidden =
        shown ? m_workspace.take(Slot::Hidden, {rows, width}, hiddenType)
              : m_workspace.take(Slot::Hidden, {rows, width + gap}, hiddenType).slice(1, 0, width);
    if (touches(SiteKind::MlpPre, layer)) {
        linear(modules.mlpIn, inputRows, hidden);
        visit(SiteKind::MlpPre, layer, hidden.reshape({m_batch, m_length, width}));
        kernels::activate(m_config.activation, hidden, hidden);
    } else {
        linear(modules.mlpIn, inputRows, hidden, m_config.activation);
    }
    if (shown)
        visit(SiteKind::MlpPost, layer, hidden.reshape({m_batch, m_length, width}));
    if (touches(SiteKind::MlpOut, layer)) {
        const Tensor out = m_workspace.take(Slot::Branch, x.shape());
        linear(modules.mlpOut, hidden, rowsOf(out));
        visit(SiteKind::MlpOut, layer, out);
        kernels::add(xRows, rowsOf(out), xRows);
    } else {
        linear(modules.mlpOut, hidden, xRows, nn::Activation::None, xRows);
    }
}

} // namespace orrery::model
