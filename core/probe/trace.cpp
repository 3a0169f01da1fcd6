// SPDX-License-Identifier: GPL-3.0-or-later
#include "probe/trace.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::probe {
namespace {

UsageError notCaptured(std::string_view name) {
    return UsageError(fmt::format("Site \"{}\" was not captured; add it to the sites of the trace.", name));
}

} // namespace

void Trace::begin(const SiteLayout& layout) {
    m_layout = layout;
    m_tensors.clear();
    m_patterns.clear();
    m_wanted.clear();
    m_hasNames = false;
    m_named.clear();
    if (m_globs.empty())
        return;
    m_wanted.assign(static_cast<std::size_t>(layout.layers + 1) * static_cast<std::size_t>(siteKinds), false);
    for (const SiteId id : matchSites(m_globs, layout))
        m_wanted[index(id.kind, id.layer)] = true;
}

void Trace::capture(SiteKind kind, int layer, Tensor value) {
    m_tensors[index(kind, layer)] = std::move(value);
}

void Trace::capturePattern(int layer, AttentionPattern pattern) {
    m_patterns[layer] =
        m_fullPatterns && pattern.lazy() ? AttentionPattern(pattern.full()) : std::move(pattern);
}

std::vector<std::string> Trace::names() const {
    std::vector<std::string> result;
    for (const Named& site : m_named)
        result.push_back(site.name);
    if (m_hasNames)
        return result;
    for (const SiteInfo& site : enumerateSites(m_layout, 1, 1))
        if (m_tensors.contains(index(site.id.kind, site.id.layer)) ||
            (site.id.kind == SiteKind::Pattern && m_patterns.contains(site.id.layer)))
            result.push_back(site.name);
    return result;
}

bool Trace::has(std::string_view nameOrAlias) const {
    if (m_hasNames)
        return findNamed(nameOrAlias) != nullptr;
    const auto id = findSite(nameOrAlias, m_layout);
    return id && (id->kind == SiteKind::Pattern ? m_patterns.contains(id->layer)
                                                : m_tensors.contains(index(id->kind, id->layer)));
}

Tensor Trace::tensor(std::string_view nameOrAlias) const {
    if (m_hasNames) {
        const Named* site = findNamed(nameOrAlias);
        if (site == nullptr)
            throw notCaptured(nameOrAlias);
        return site->pattern.defined() ? site->pattern.full() : site->tensor;
    }
    const auto id = findSite(nameOrAlias, m_layout);
    if (!id)
        throw UsageError(fmt::format("The model has no site \"{}\".", nameOrAlias));
    return tensor(id->kind, id->layer);
}

Tensor Trace::tensor(SiteKind kind, int layer) const {
    if (kind == SiteKind::Pattern)
        return pattern(layer).full();
    if (m_hasNames)
        return tensor(siteName({kind, layer}));
    const auto found = m_tensors.find(index(kind, layer));
    if (found == m_tensors.end())
        throw notCaptured(siteName({kind, layer}));
    return found->second;
}

const AttentionPattern& Trace::pattern(int layer) const {
    if (m_hasNames) {
        const Named* site = findNamedPattern(layer);
        if (site == nullptr)
            throw notCaptured(siteName({SiteKind::Pattern, layer}));
        return site->pattern;
    }
    const auto found = m_patterns.find(layer);
    if (found == m_patterns.end())
        throw notCaptured(siteName({SiteKind::Pattern, layer}));
    return found->second;
}

const AttentionPattern& Trace::pattern(std::string_view nameOrAlias) const {
    if (m_hasNames) {
        const Named* site = findNamed(nameOrAlias);
        if (site == nullptr || !site->pattern.defined())
            throw notCaptured(nameOrAlias);
        return site->pattern;
    }
    const auto id = findSite(nameOrAlias, m_layout);
    if (!id || id->kind != SiteKind::Pattern)
        throw UsageError(fmt::format("The model has no attention pattern \"{}\".", nameOrAlias));
    return pattern(id->layer);
}

bool Trace::hasPattern(int layer) const {
    return m_hasNames ? findNamedPattern(layer) != nullptr : m_patterns.contains(layer);
}

std::size_t Trace::bytesKept() const {
    std::size_t total = 0;
    for (const auto& [place, tensor] : m_tensors)
        total += tensor.bytes();
    for (const auto& [layer, pattern] : m_patterns)
        total += pattern.bytesKept();
    for (const Named& site : m_named)
        total += site.pattern.defined() ? site.pattern.bytesKept() : site.tensor.bytes();
    return total;
}

std::size_t Trace::predictedBytes(const std::vector<std::string>& globs, const SiteLayout& layout,
                                  std::int64_t batch, std::int64_t length, bool fullPatterns) {
    const std::vector<SiteId> chosen = matchSites(globs, layout);
    std::size_t total = 0;
    for (const SiteInfo& site : enumerateSites(layout, batch, length))
        if (std::find(chosen.begin(), chosen.end(), site.id) != chosen.end())
            total += fullPatterns ? site.bytes : site.lazyBytes;
    return total;
}

} // namespace orrery::probe
