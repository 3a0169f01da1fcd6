// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/runner.h"

#include "base/error.h"
#include "kernels/elementwise.h"
#include "model/step.h"

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
    if (touches(site, layer) || !next.defined() || (site == SiteKind::Norm1 && mixerOf(layer) != nullptr))
        return DType::F32;
    return next.format()->inputType();
}

bool Runner::narrowAttention(int layer) const {
    using enum SiteKind;
    const Block& modules = m_stack.blocks[static_cast<std::size_t>(layer)];
    if (!modules.qkv.defined() || modules.qkv.format()->inputType() != DType::BF16 ||
        modules.attentionOut.format()->inputType() != DType::BF16)
        return false;
    for (const SiteKind site : {Query, Key, Value, RotatedQuery, RotatedKey, Scores, Pattern, Z, Result})
        if (touches(site, layer))
            return false;
    return m_cache == nullptr && m_record == nullptr && kernelOf(layer) == nullptr &&
           m_config.scoreCap == 0 && m_config.relative == RelativeKind::None;
}

Tensor Runner::normed(const nn::Norm& module, SiteKind site, int layer, const Tensor& x, Slot slot,
                      const nn::Linear& next) {
    if (!module.defined() && !touches(site, layer))
        return x;
    const Tensor out = m_workspace.take(slot, x.shape(), normedType(site, layer, next));
    if (module.defined())
        norm(module, x, out, site == SiteKind::Norm1 ? "ln1" : "ln2", layer);
    else
        out.copyFrom(x); // for those who look at the place of a norm that is left out
    visit(site, layer, out);
    return out;
}

const nn::Linear& Runner::firstOfFeedForward(int layer) const {
    const Block& modules = m_stack.blocks[static_cast<std::size_t>(layer)];
    return modules.experts.empty() ? modules.mlpIn : modules.experts.front().in;
}

void Runner::mix(int layer, const Tensor& input, const Tensor& x) {
    if (const nn::TokenMixer* mixing = mixerOf(layer))
        mixer(*mixing, layer, input, x);
    else
        attention(layer, input, x);
}

void Runner::block(int layer, const Tensor& x) {
    const Block& modules = m_stack.blocks[static_cast<std::size_t>(layer)];
    visit(SiteKind::ResidualPre, layer, x);
    if (m_config.parallelBranches) {
        const nn::Linear& hidden = firstOfFeedForward(layer);
        const Tensor input =
            normed(modules.norm1, SiteKind::Norm1, layer, x, Slot::Normed,
                   m_config.oneNorm && hidden.format()->inputType() == DType::F32 ? hidden : modules.qkv);
        const Tensor second =
            m_config.oneNorm ? input
                             : normed(modules.norm2, SiteKind::Norm2, layer, x, Slot::SecondNormed, hidden);
        mix(layer, input, x);
        feedForward(layer, second, x);
        visit(SiteKind::ResidualPost, layer, x);
        return;
    }
    if (m_config.normPlacement == NormPlacement::After) {
        mix(layer, x, x);
        visit(SiteKind::ResidualMid, layer, x);
        norm(modules.norm1, x, x, "ln1", layer);
        visit(SiteKind::Norm1, layer, x);
        feedForward(layer, x, x);
        visit(SiteKind::ResidualPost, layer, x);
        norm(modules.norm2, x, x, "ln2", layer);
        visit(SiteKind::Norm2, layer, x);
        visit(SiteKind::NormalizedResidual, layer, x);
        return;
    }
    mix(layer, normed(modules.norm1, SiteKind::Norm1, layer, x, Slot::Normed, modules.qkv), x);
    visit(SiteKind::ResidualMid, layer, x);
    feedForward(layer,
                normed(modules.norm2, SiteKind::Norm2, layer, x, Slot::Normed, firstOfFeedForward(layer)), x);
    visit(SiteKind::ResidualPost, layer, x);
}

} // namespace orrery::model
