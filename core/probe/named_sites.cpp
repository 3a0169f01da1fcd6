// SPDX-License-Identifier: GPL-3.0-or-later
#include "probe/named_sites.h"

#include "base/error.h"
#include "base/options.h"
#include "probe/site.h"
#include "probe/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace orrery::probe {
namespace {

/// What the last part of a name stands for; the names of the stack's sites mean the same everywhere.
constexpr std::array<std::pair<std::string_view, std::string_view>, 19> meanings{{
    {"hook_q", "queries"},
    {"hook_k", "keys"},
    {"hook_v", "values"},
    {"hook_attn_scores", "attention scores before softmax"},
    {"hook_pattern", "attention weights"},
    {"hook_z", "values weighted by attention, by head"},
    {"hook_embed", "embeddings"},
    {"hook_pos_embed", "position embeddings"},
    {"hook_resid_pre", "residual stream entering the layer"},
    {"hook_resid_mid", "residual stream after the mixing of positions"},
    {"hook_resid_post", "residual stream after the layer"},
    {"hook_attn_out", "output of the attention"},
    {"hook_mlp_out", "output of the feed-forward"},
    {"mlp.hook_pre", "feed-forward units before the activation"},
    {"mlp.hook_post", "feed-forward units after the activation"},
    {"hook_normalized", "output of a norm"},
    {"hook_conv", "feature map of a convolution"},
    {"hook_pool", "pooled features"},
    {"logits", "logits"},
}};

bool endsInPart(std::string_view name, std::string_view part) {
    return name == part || (name.ends_with(part) && name[name.size() - part.size() - 1] == '.');
}

} // namespace

SiteAxes axesOfNamed(std::string_view name, int rank) {
    const std::string_view leaf = name.substr(name.rfind('.') + 1);
    if (rank == 4) {
        if (leaf == "hook_q" || leaf == "hook_k" || leaf == "hook_v" || leaf == "hook_z" ||
            leaf == "hook_result")
            return {1, 2};
        if (leaf == "hook_pattern" || leaf == "hook_attn_scores")
            return {2, 1};
    }
    return rank == 3 ? SiteAxes{1, -1} : SiteAxes{-1, -1};
}

std::string_view meaningOfNamed(std::string_view name) {
    for (const auto& [part, meaning] : meanings)
        if (endsInPart(name, part))
            return meaning;
    return {};
}

bool meansSite(const std::string& glob, std::string_view name, std::string_view alias) {
    if (glob == name || (!alias.empty() && glob == alias))
        return true;
    if (glob.find_first_of("*?[{") == std::string::npos)
        return false;
    return globMatches(glob, name) || (!alias.empty() && globMatches(glob, alias));
}

void throwNoSuchSite(const std::string& glob, std::span<const std::string> seen) {
    const auto near = nearestName(glob, {seen.begin(), seen.end()});
    throw UsageError(
        fmt::format("No site of this model matches \"{}\"{}; \"orrery inspect\" lists the sites.", glob,
                    near ? fmt::format(", did you mean \"{}\"?", *near) : ""));
}

NamedEdits::NamedEdits(const Edits& edits) : m_edits(edits.all()), m_matched(edits.all().size(), false) {
    for (const Edit& edit : m_edits)
        requireComplete(edit);
}

bool NamedEdits::any(std::string_view name, std::string_view alias) {
    bool result = false;
    for (std::size_t i = 0; i < m_edits.size(); ++i)
        if (meansSite(m_edits[i].site, name, alias))
            m_matched[i] = result = true;
    return result;
}

void NamedEdits::apply(std::string_view name, std::string_view alias, const Tensor& tensor,
                       std::int64_t positionOffset) const {
    const SiteAxes axes = axesOfNamed(name, tensor.rank());
    for (const Edit& edit : m_edits) {
        if (!meansSite(edit.site, name, alias))
            continue;
        if (edit.head && axes.head < 0)
            throw UsageError(
                fmt::format("Site \"{}\" has no heads; choose q, k, v, z, pattern or attn_scores "
                            "to edit a head.",
                            name));
        if (edit.head && (*edit.head < 0 || *edit.head >= tensor.size(axes.head)))
            throw UsageError(fmt::format("Site \"{}\" has heads 0 to {}, not {}.", name,
                                         tensor.size(axes.head) - 1, *edit.head));
        if (!edit.positions.empty() && axes.position < 0)
            throw UsageError(
                fmt::format("Site \"{}\" of shape {} has no positions to choose from; edit all of "
                            "it, or use a function.",
                            name, tensor.shape().toText()));
        applyEdit(edit, axes, tensor, positionOffset);
    }
}

void NamedEdits::finish(std::span<const std::string> seen) const {
    for (std::size_t i = 0; i < m_edits.size(); ++i)
        if (!m_matched[i])
            throwNoSuchSite(m_edits[i].site, seen);
}

// The side of a trace that knows sites by their names.

void Trace::beginNamed(const SiteLayout& layout) {
    m_layout = layout;
    m_tensors.clear();
    m_patterns.clear();
    m_wanted.clear();
    m_named.clear();
    m_hasNames = true;
    m_matched.assign(m_globs.size(), false);
}

bool Trace::wants(std::string_view name, std::string_view alias) {
    bool result = false;
    for (std::size_t i = 0; i < m_globs.size(); ++i)
        if (meansSite(m_globs[i], name, alias))
            m_matched[i] = result = true;
    return result;
}

void Trace::capture(std::string_view name, std::string_view alias, Tensor value) {
    m_named.push_back({std::string(name), std::string(alias), std::move(value), {}});
}

void Trace::capturePattern(std::string_view name, std::string_view alias, AttentionPattern pattern) {
    if (m_fullPatterns && pattern.lazy())
        pattern = AttentionPattern(pattern.full());
    m_named.push_back({std::string(name), std::string(alias), {}, std::move(pattern)});
}

void Trace::endNamed(std::span<const std::string> seen) const {
    for (std::size_t i = 0; i < m_globs.size(); ++i)
        if (!m_matched[i])
            throwNoSuchSite(m_globs[i], seen);
}

const Trace::Named* Trace::findNamed(std::string_view nameOrAlias) const {
    for (const Named& site : m_named)
        if (site.name == nameOrAlias || (!site.alias.empty() && site.alias == nameOrAlias))
            return &site;
    return nullptr;
}

const Trace::Named* Trace::findNamedPattern(int layer) const {
    const Named* site = findNamed(siteName({SiteKind::Pattern, layer}));
    if (site == nullptr)
        site = findNamed(fmt::format("attentions.{}", layer));
    return site != nullptr && site->pattern.defined() ? site : nullptr;
}

} // namespace orrery::probe
