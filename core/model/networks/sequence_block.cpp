// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/networks/sequence_block.h"

#include "base/error.h"
#include "model/networks/transformer.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <memory>

namespace orrery::model {
namespace {

/// Keys and values of a memory, computed once for all steps of a decoding.
class MemoryState final : public nn::MixerState {
public:
    MemoryState(Tensor keys, Tensor values, Tensor mask)
        : key(std::move(keys)), value(std::move(values)), keyMask(std::move(mask)) {}
    [[nodiscard]] std::size_t bytes() const override {
        return key.bytes() + value.bytes() + (keyMask.defined() ? keyMask.bytes() : 0);
    }
    [[nodiscard]] std::shared_ptr<nn::MixerState> select(std::span<const std::int64_t> rows) const override {
        const auto chosen = [&](const Tensor& tensor) {
            if (!tensor.defined())
                return Tensor{};
            const Tensor result =
                Tensor::empty(tensor.shape().with(0, static_cast<std::int64_t>(rows.size())), tensor.dtype());
            for (std::size_t i = 0; i < rows.size(); ++i)
                result.select(0, static_cast<std::int64_t>(i)).copyFrom(tensor.select(0, rows[i]));
            return result;
        };
        return std::make_shared<MemoryState>(chosen(key), chosen(value), chosen(keyMask));
    }

    Tensor key; ///< [B, S, H, d]
    Tensor value;
    Tensor keyMask;
};

std::string blockName(const SequencePlace& place, int index) {
    return place.name.empty() ? fmt::format("blocks.{}", index)
                              : fmt::format("{}.blocks.{}", place.name, index);
}

/// A linear whose outputs are several matrices', one after the other.
LinearId joined(const Weights& scope, std::string_view module, std::span<const std::string> paths,
                std::int64_t inputs, std::int64_t each) {
    if (paths.size() == 1)
        return scope.linear(module, paths.front(), inputs, each, Bias::IfStored);
    return scope.stacked(module, paths, inputs, each, Bias::IfStored);
}

} // namespace

void SequenceSpec::takeHeads(const checkpoint::ModelConfig& config, std::string_view headsKey,
                             std::int64_t count) {
    if (width % count != 0)
        throw config.error(headsKey, "which does not divide the width of the hidden states");
    heads = static_cast<int>(count);
    headSize = width / count;
}

nn::Norm SequenceBlock::normOf(const Weights& scope, const std::string& module,
                               const std::string& path) const {
    return m_spec.rmsNorm ? scope.rmsNorm(module, path, m_spec.width, m_spec.epsilon)
                          : scope.layerNorm(module, path, m_spec.width, m_spec.epsilon);
}

SequenceBlock::SequenceBlock(const Weights& scope, const SequenceSpec& spec, const SequenceNames& names)
    : m_spec(spec) {
    const std::int64_t inner = spec.heads * spec.headSize;
    m_self.norm = normOf(scope, "ln1", names.self.norm);
    const std::array<std::string, 3> all{names.self.query, names.self.key, names.self.value};
    m_self.queryKeyValue = joined(scope, "attn.qkv", all, spec.width, inner);
    m_self.out = scope.linear("attn.out", names.self.out, inner, spec.width, Bias::IfStored);
    if (!names.cross.query.empty()) {
        m_cross.norm = normOf(scope, "ln_cross", names.cross.norm);
        m_cross.query = scope.linear("cross.q", names.cross.query, spec.width, inner, Bias::IfStored);
        const std::array<std::string, 2> both{names.cross.key, names.cross.value};
        m_cross.keyValue = joined(scope, "cross.kv", both, spec.width, inner);
        m_cross.out = scope.linear("cross.out", names.cross.out, inner, spec.width, Bias::IfStored);
    }
    m_mlpNorm = normOf(scope, "ln2", names.mlpNorm);
    m_mlpIn = joined(scope, "mlp.in", names.mlpIn, spec.width, spec.feedForward);
    m_mlpOut = scope.linear("mlp.out", names.mlpOut, spec.feedForward, spec.width, Bias::IfStored);
}

nn::AttentionInput SequenceBlock::attentionInput() const {
    nn::AttentionInput input;
    input.scale = m_spec.scaleScores ? 1 / std::sqrt(static_cast<double>(m_spec.headSize)) : 1;
    return input;
}

Tensor SequenceBlock::selfAttended(NetworkRun& run, const Tensor& input, const SequencePlace& place,
                                   int index, const Tensor& residual) const {
    const std::string block = blockName(place, index);
    const NetworkRun::AttentionSite site{block + ".attn",
                                         fmt::format("{}attentions.{}", place.aliases, index),
                                         place.firstLayer + index * (attendsToMemory() ? 2 : 1)};
    const std::string outName = block + ".hook_attn_out";
    Tensor out = run.mixer(site, input, place.keyMask, place.causal);
    if (out.defined()) {
        if (place.cache != nullptr)
            throw UsageError("A token mixer stands in this decoder, which decodes step by step with "
                             "attention only; run whole inputs instead.");
        run.visit(outName, out);
        return run.add(residual, out);
    }
    nn::AttentionInput parts = attentionInput();
    splitHeads(run.linear(m_self.queryKeyValue, input), m_spec.heads, parts);
    if (place.cache != nullptr) {
        parts.queryOffset = place.cache->length();
        place.cache->append(index, parts.key, parts.value);
        parts.key = place.cache->key(index);
        parts.value = place.cache->value(index);
        if (run.touches(site.name + ".hook_k")) // an edit is for this run, not for what is kept
            parts.key = parts.key.clone();
        if (run.touches(site.name + ".hook_v"))
            parts.value = parts.value.clone();
    }
    parts.keyMask = place.keyMask;
    parts.bias = place.biases.empty() ? place.bias : place.biases[static_cast<std::size_t>(index)];
    parts.causal = place.causal;
    const Tensor mixed = joinHeads(run.attention(site, parts));
    if (!run.touches(outName))
        return run.linear(m_self.out, mixed, nn::Activation::None, residual);
    out = run.linear(m_self.out, mixed);
    run.visit(outName, out);
    return run.add(residual, out);
}

Tensor SequenceBlock::crossAttended(NetworkRun& run, const Tensor& input, const SequencePlace& place,
                                    int index, const Tensor& residual) const {
    const std::string block = blockName(place, index);
    const NetworkRun::AttentionSite site{block + ".cross", fmt::format("cross_attentions.{}", index),
                                         place.firstLayer + 2 * index + 1};
    nn::AttentionInput parts = attentionInput();
    parts.query = headsOf(run.linear(m_cross.query, input), m_spec.heads);
    if (place.memory.hidden.defined()) {
        const Tensor both = headsOf(run.linear(m_cross.keyValue, place.memory.hidden), 2 * m_spec.heads);
        parts.key = both.slice(2, 0, m_spec.heads);
        parts.value = both.slice(2, m_spec.heads, 2 * m_spec.heads);
        parts.keyMask = place.memory.keyMask;
        if (place.cache != nullptr)
            place.cache->mixerState(index) =
                std::make_shared<MemoryState>(parts.key.clone(), parts.value.clone(), parts.keyMask);
    } else {
        const auto* kept = dynamic_cast<const MemoryState*>(place.cache->mixerState(index).get());
        if (kept == nullptr || kept->key.size(2) != m_spec.heads || kept->key.size(3) != m_spec.headSize)
            throw UsageError("The key-value cache belongs to another model; clear it first.");
        parts.key = run.touches(site.name + ".hook_k") ? kept->key.clone() : kept->key;
        parts.value = run.touches(site.name + ".hook_v") ? kept->value.clone() : kept->value;
        parts.keyMask = kept->keyMask;
    }
    const Tensor mixed = joinHeads(run.attention(site, parts));
    const std::string outName = block + ".hook_cross_out";
    if (!run.touches(outName))
        return run.linear(m_cross.out, mixed, nn::Activation::None, residual);
    const Tensor out = run.linear(m_cross.out, mixed);
    run.visit(outName, out);
    return run.add(residual, out);
}

Tensor SequenceBlock::fed(NetworkRun& run, const Tensor& input, const std::string& name,
                          const Tensor& residual) const {
    const std::string preName = name + ".mlp.hook_pre";
    const std::string outName = name + ".hook_mlp_out";
    Tensor hidden;
    if (m_spec.gated) {
        const Tensor both = run.linear(m_mlpIn, input);
        run.visit(preName, both);
        const Tensor gate = run.dense(both.slice(2, 0, m_spec.feedForward));
        hidden = run.multiply(run.activate(m_spec.activation, gate),
                              both.slice(2, m_spec.feedForward, 2 * m_spec.feedForward));
    } else if (run.touches(preName)) {
        const Tensor pre = run.linear(m_mlpIn, input);
        run.visit(preName, pre);
        hidden =
            m_spec.activation == nn::Activation::None ? pre.clone() : run.activate(m_spec.activation, pre);
    } else {
        hidden = run.linear(m_mlpIn, input, m_spec.activation);
    }
    run.visit(name + ".mlp.hook_post", hidden);
    if (!run.touches(outName))
        return run.linear(m_mlpOut, hidden, nn::Activation::None, residual);
    const Tensor out = run.linear(m_mlpOut, hidden);
    run.visit(outName, out);
    return run.add(residual, out);
}

Tensor SequenceBlock::run(NetworkRun& run, Tensor x, const SequencePlace& place, int index, int count) const {
    const std::string block = blockName(place, index);
    run.visit(block + ".hook_resid_pre", x, fmt::format("{}hidden_states.{}", place.aliases, index));
    const auto normed = [&](const nn::Norm& norm, const char* site, const Tensor& input,
                            std::string_view alias = {}) {
        const Tensor out = run.norm(norm, input);
        run.visit(block + site, out, alias);
        return out;
    };
    const std::string last = index + 1 == count && !place.finalNorm
                                 ? fmt::format("{}hidden_states.{}", place.aliases, count)
                                 : std::string();
    /// One part around which the norm stands.
    const auto part = [&](const nn::Norm& norm, const char* normSite, const char* sumSite, bool isLast,
                          const auto& added) {
        x = added(m_spec.postNorm ? x : normed(norm, normSite, x), x);
        run.visit(block + sumSite, x, isLast && !m_spec.postNorm ? last : std::string());
        if (m_spec.postNorm)
            x = normed(norm, normSite, x, isLast ? last : std::string());
    };
    part(m_self.norm, ".ln1.hook_normalized", ".hook_resid_mid", false,
         [&](const Tensor& input, const Tensor& residual) {
             return selfAttended(run, input, place, index, residual);
         });
    if (attendsToMemory())
        part(m_cross.norm, ".ln_cross.hook_normalized", ".hook_resid_cross", false,
             [&](const Tensor& input, const Tensor& residual) {
                 return crossAttended(run, input, place, index, residual);
             });
    part(m_mlpNorm, ".ln2.hook_normalized", ".hook_resid_post", true,
         [&](const Tensor& input, const Tensor& residual) { return fed(run, input, block, residual); });
    return x;
}

Tensor runSequence(NetworkRun& run, const std::vector<SequenceBlock>& blocks, Tensor x,
                   const SequencePlace& place) {
    const int count = static_cast<int>(blocks.size());
    for (int i = 0; i < count; ++i)
        x = blocks[static_cast<std::size_t>(i)].run(run, x, place, i, count);
    return x;
}

} // namespace orrery::model
