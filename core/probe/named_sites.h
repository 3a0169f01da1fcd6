// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "probe/edit.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Sites of models that are no plain stack of layers: they have names ("stages.2.blocks.1.attn.hook_pattern")
// and perhaps an alias ("attentions.5"), and are known as a run comes to them.
namespace orrery::probe {

/// Which dimensions of a site's tensor are positions and heads, as its name says: q, k, v, z and result are
/// [B, L, H, d], pattern and attn_scores [B, H, L, S], others [B, L, D]; feature maps [B, C, H, W] and
/// vectors [B, D] have neither.
[[nodiscard]] SiteAxes axesOfNamed(std::string_view name, int rank);
/// A short phrase for a list of sites; empty when the name says nothing that is known.
[[nodiscard]] std::string_view meaningOfNamed(std::string_view name);

/// Whether a glob (or a plain name) means the site of this name and alias.
[[nodiscard]] bool meansSite(const std::string& glob, std::string_view name, std::string_view alias);
/// UsageError for a glob that matches no site of those seen, naming the nearest.
[[noreturn]] void throwNoSuchSite(const std::string& glob, std::span<const std::string> seen);

/// The edits of one run, found by the names of sites.
class NamedEdits {
public:
    NamedEdits() = default;
    /// UsageError when a value or function is missing.
    explicit NamedEdits(const Edits& edits);
    [[nodiscard]] bool empty() const { return m_edits.empty(); }
    [[nodiscard]] bool any(std::string_view name, std::string_view alias);
    /// Applies all edits of a site in place; UsageError for a head or position that the site does not have.
    void apply(std::string_view name, std::string_view alias, const Tensor& tensor,
               std::int64_t positionOffset = 0) const;
    /// UsageError when an edit met no site.
    void finish(std::span<const std::string> seen) const;

private:
    std::vector<Edit> m_edits;
    std::vector<bool> m_matched;
};

} // namespace orrery::probe
