// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/networks/transformer.h"

#include "base/error.h"
#include "ops/elementwise.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace orrery::model {

Tensor keyMaskOf(const Tensor& mask, const Shape& shape) {
    if (!(mask.shape() == shape))
        throw UsageError(fmt::format("The attention mask has shape {} where {} is needed.",
                                     mask.shape().toText(), shape.toText()));
    const Tensor result = Tensor::empty(shape, DType::U8);
    const auto values = mask.toIntegers();
    std::transform(values.begin(), values.end(), result.mutableData<std::uint8_t>().begin(),
                   [](std::int64_t value) { return static_cast<std::uint8_t>(value != 0); });
    return result;
}

Tensor headsOf(const Tensor& x, int heads) {
    return x.contiguous().reshape({x.size(0), x.size(1), heads, x.size(2) / heads});
}

Tensor joinHeads(const Tensor& mixed) {
    return mixed.contiguous().reshape({mixed.size(0), mixed.size(1), mixed.size(2) * mixed.size(3)});
}

void splitHeads(const Tensor& qkv, int heads, nn::AttentionInput& input) {
    const Tensor all = headsOf(qkv, 3 * heads);
    input.query = all.slice(2, 0, heads);
    input.key = all.slice(2, heads, 2 * heads);
    input.value = all.slice(2, 2 * heads, 3 * heads);
}

TransformerBlock::TransformerBlock(const Weights& scope, const BlockSpec& spec, const BlockNames& names)
    : m_spec(spec) {
    const std::int64_t width = spec.width;
    m_norm1 = scope.layerNorm("ln1", names.norm1, width, spec.epsilon);
    m_queryKeyValue =
        names.queryKeyValue[1].empty()
            ? scope.linear("attn.qkv", names.queryKeyValue[0], width, 3 * width, spec.attentionBias)
            : scope.stacked("attn.qkv", names.queryKeyValue, width, width, spec.attentionBias,
                            names.queryKeyValueBias);
    m_attentionOut = scope.linear("attn.out", names.attentionOut, width, width, Bias::IfStored);
    if (!names.scale1.empty())
        m_scale1 = scope.parameter("scale1", names.scale1, {width});
    m_norm2 = scope.layerNorm("ln2", names.norm2, width, spec.epsilon);
    m_mlpIn =
        scope.linear("mlp.in", names.mlpIn, width, (spec.gated ? 2 : 1) * spec.feedForward, Bias::IfStored);
    m_mlpOut = scope.linear("mlp.out", names.mlpOut, spec.feedForward, width, Bias::IfStored);
    if (!names.scale2.empty())
        m_scale2 = scope.parameter("scale2", names.scale2, {width});
}

Tensor TransformerBlock::attended(NetworkRun& run, const Tensor& input, const BlockPlace& place,
                                  const Tensor& residual) const {
    const NetworkRun::AttentionSite site{place.name + ".attn", place.attentionAlias, place.layer};
    const std::string outName = place.name + ".hook_attn_out";
    const bool apart = m_scale1.defined() || run.touches(outName);
    Tensor out = run.mixer(site, input, place.keyMask, place.causal, place.grid);
    if (!out.defined()) {
        nn::AttentionInput parts;
        splitHeads(run.linear(m_queryKeyValue, input), m_spec.heads, parts);
        parts.scale = 1 / std::sqrt(static_cast<double>(parts.query.size(3)));
        parts.keyMask = place.keyMask;
        parts.bias = place.bias;
        parts.causal = place.causal;
        parts.grid = place.grid;
        const Tensor mixed = joinHeads(run.attention(site, parts));
        if (!apart)
            return run.linear(m_attentionOut, mixed, nn::Activation::None, residual);
        out = run.linear(m_attentionOut, mixed);
    }
    run.visit(outName, out);
    return run.addScaled(residual, out, m_scale1);
}

Tensor TransformerBlock::fed(NetworkRun& run, const Tensor& input, const std::string& name,
                             const Tensor& residual) const {
    const std::string preName = name + ".mlp.hook_pre";
    const std::string postName = name + ".mlp.hook_post";
    const std::string outName = name + ".hook_mlp_out";
    Tensor hidden;
    if (m_spec.gated) {
        const Tensor both = run.linear(m_mlpIn, input);
        run.visit(preName, both);
        const Tensor gate = both.slice(2, 0, m_spec.feedForward);
        hidden = run.multiply(run.onlySizes() ? run.empty(gate.shape()) : ops::silu(gate),
                              both.slice(2, m_spec.feedForward, 2 * m_spec.feedForward));
    } else if (run.touches(preName)) {
        const Tensor pre = run.linear(m_mlpIn, input);
        run.visit(preName, pre);
        hidden = run.activate(m_spec.activation, pre);
    } else {
        hidden = run.linear(m_mlpIn, input, m_spec.activation);
    }
    run.visit(postName, hidden);
    if (!m_scale2.defined() && !run.touches(outName))
        return run.linear(m_mlpOut, hidden, nn::Activation::None, residual);
    const Tensor out = run.linear(m_mlpOut, hidden);
    run.visit(outName, out);
    return run.addScaled(residual, out, m_scale2);
}

Tensor TransformerBlock::run(NetworkRun& run, Tensor x, const BlockPlace& place) const {
    run.visit(place.name + ".hook_resid_pre", x, place.hiddenAlias);
    const auto normed = [&](const nn::Norm& norm, const char* name, const Tensor& input) {
        const Tensor out = run.norm(norm, input);
        run.visit(place.name + name, out);
        return out;
    };
    x = attended(run, m_spec.postNorm ? x : normed(m_norm1, ".ln1.hook_normalized", x), place, x);
    run.visit(place.name + ".hook_resid_mid", x);
    if (m_spec.postNorm)
        x = normed(m_norm1, ".ln1.hook_normalized", x);
    x = fed(run, m_spec.postNorm ? x : normed(m_norm2, ".ln2.hook_normalized", x), place.name, x);
    run.visit(place.name + ".hook_resid_post", x, m_spec.postNorm ? "" : place.outAlias);
    if (!m_spec.postNorm)
        return x;
    x = run.norm(m_norm2, x);
    run.visit(place.name + ".ln2.hook_normalized", x, place.outAlias);
    return x;
}

Tensor runBlocks(NetworkRun& run, const std::vector<TransformerBlock>& blocks, Tensor x,
                 const BlockPlace& place, std::string_view aliases) {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        BlockPlace own = place;
        own.name = fmt::format("{}.{}", place.name, i);
        own.layer = place.layer + static_cast<int>(i);
        own.attentionAlias = fmt::format("{}attentions.{}", aliases, i);
        own.hiddenAlias = fmt::format("{}hidden_states.{}", aliases, i);
        if (i + 1 == blocks.size())
            own.outAlias = fmt::format("{}hidden_states.{}", aliases, i + 1);
        x = blocks[i].run(run, x, own);
    }
    return x;
}

} // namespace orrery::model
