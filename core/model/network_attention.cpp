// SPDX-License-Identifier: GPL-3.0-or-later
// How a network's run mixes positions.
#include "base/error.h"
#include "model/network_run.h"
#include "model/step.h"
#include "nn/dense_attention.h"

#include <fmt/format.h>

#include <utility>

namespace orrery::model {
namespace {

/// The part chosen for a layer in a map where -1 stands for all.
template <typename PartType>
const PartType* chosen(const std::map<int, std::shared_ptr<const PartType>>& parts, int layer) {
    auto found = parts.find(layer);
    if (found == parts.end())
        found = parts.find(-1);
    return found == parts.end() ? nullptr : found->second.get();
}

} // namespace

const nn::AttentionKernel* NetworkRun::kernelOf(int layer) const {
    if (const nn::AttentionKernel* kernel = chosen(m_context.attentionKernels, layer))
        return kernel;
    if (const nn::AttentionKernel* kernel = chosen(m_table.kernels, layer))
        return kernel;
    static const std::shared_ptr<const nn::AttentionKernel> fused = nn::fusedAttention();
    return fused.get();
}

Tensor NetworkRun::attention(const AttentionSite& site, const nn::AttentionInput& given) {
    const Step step(m_context, site.name + ".mix");
    nn::AttentionInput input = given;
    const std::int64_t batch = input.query.size(0);
    const std::int64_t queries = input.query.size(1);
    const std::int64_t heads = input.query.size(2);
    const std::int64_t keys = input.key.size(1);
    input.output = empty({batch, queries, heads, input.value.size(3)});
    const nn::AttentionKernel* kernel = kernelOf(site.layer);
    if (onlySizes()) {
        const nn::Cost cost =
            kernel->cost(batch, queries, keys, static_cast<int>(heads), input.query.size(3), input.causal);
        countMixing(cost);
        if (m_purpose == Purpose::Memory) {
            (void)empty({static_cast<std::int64_t>(cost.memory)}, DType::U8); // for as long as it works
            return input.output;
        }
    }
    if (!m_watched) {
        const nn::AttentionOutput output = kernel->run(input, false, m_context);
        return output.output.isContiguous() ? output.output : output.output.contiguous();
    }
    const std::string patternName = site.name + ".hook_pattern";
    const std::string scoresName = site.name + ".hook_attn_scores";
    visit(site.name + ".hook_q", input.query);
    visit(site.name + ".hook_k", input.key);
    visit(site.name + ".hook_v", input.value);
    const Shape square{batch, heads, queries, keys};
    const std::size_t whole = static_cast<std::size_t>(square.elements()) * sizeof(float);
    note(scoresName, {}, square, false, whole);
    note(patternName, site.alias, square, true,
         static_cast<std::size_t>(input.query.elements() + input.key.elements() + batch * heads * queries) *
             sizeof(float));
    const bool wantsScores = wants(scoresName, {});
    const bool wantsPattern = wants(patternName, site.alias);
    const bool editsScores = edits(scoresName, {});
    const bool editsPattern = edits(patternName, site.alias);
    Tensor mixed = input.output;
    if (m_purpose == Purpose::Sizes) {
        // nothing to mix
    } else if (editsScores || editsPattern) {
        const nn::DenseAttention result = nn::denseAttention(
            input,
            [&](const Tensor& scores) {
                if (editsScores)
                    m_edits.apply(scoresName, {}, scores);
                if (wantsScores)
                    m_trace->capture(scoresName, {}, scores.clone());
            },
            [&](const Tensor& pattern) {
                if (editsPattern)
                    m_edits.apply(patternName, site.alias, pattern);
            },
            m_context.progress);
        mixed.copyFrom(result.output);
        if (wantsPattern)
            m_trace->capturePattern(patternName, site.alias, probe::AttentionPattern(result.pattern));
    } else {
        const nn::AttentionOutput output = kernel->run(input, wantsPattern || wantsScores, m_context);
        mixed = output.output.contiguous();
        if (wantsPattern || wantsScores) {
            nn::AttentionInput kept = input; // later edits must not reach what the pattern is made of
            kept.query = input.query.clone();
            kept.key = input.key.clone();
            probe::AttentionPattern pattern = kernel->matrix(kept, output);
            if (wantsScores)
                m_trace->capture(scoresName, {}, pattern.scores());
            if (wantsPattern)
                m_trace->capturePattern(patternName, site.alias, std::move(pattern));
        }
    }
    visit(site.name + ".hook_z", mixed);
    return mixed;
}

Tensor NetworkRun::mixer(const AttentionSite& site, const Tensor& hidden, const Tensor& keyMask, bool causal,
                         std::vector<std::int64_t> grid) {
    m_mixerAsked = true;
    const nn::TokenMixer* mixing = chosen(m_context.mixers, site.layer);
    if (mixing == nullptr)
        mixing = chosen(m_table.mixers, site.layer);
    if (mixing == nullptr)
        return {};
    const Step step(m_context, site.name + ".mix");
    const nn::MixingSupport support = mixing->supports();
    if (causal ? !support.causal : !support.noncausal)
        throw UsageError(fmt::format("The token mixer \"{}\" cannot stand in a {} layer.", mixing->name(),
                                     causal ? "causal" : "non-causal"));
    const nn::MixerInput input{
        .hidden = hidden.contiguous(), .keyMask = keyMask, .causal = causal, .grid = std::move(grid)};
    if (onlySizes()) {
        const nn::Cost cost = mixing->cost(hidden.size(0), hidden.size(1), hidden.size(2));
        countMixing(cost);
        if (m_purpose == Purpose::Memory) {
            (void)empty({static_cast<std::int64_t>(cost.memory)}, DType::U8); // for as long as it works
            return empty(hidden.shape());
        }
    }
    const Tensor out = mixing->run(input, m_context);
    if (!(out.shape() == hidden.shape()) || out.dtype() != DType::F32)
        throw Error(fmt::format("The token mixer \"{}\" gave {} {} where {} f32 is needed.", mixing->name(),
                                out.shape().toText(), orrery::name(out.dtype()), hidden.shape().toText()));
    const std::string patternName = site.name + ".hook_pattern";
    if (touches(patternName, site.alias)) {
        nn::MixerInput kept = input;
        kept.hidden = input.hidden.clone();
        visitPattern(patternName, mixing->matrix(kept), site.alias);
    }
    // A mixer may hand back its input: edits of what follows must not reach it.
    return out.storage() == hidden.storage() ? out.clone() : out.contiguous();
}

} // namespace orrery::model
