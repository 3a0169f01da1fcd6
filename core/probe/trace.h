// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "probe/attention_pattern.h"
#include "probe/site.h"
#include "tensor/tensor.h"

#include <array>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::probe {

/// Asks a run for the values at sites and holds them afterwards. One Trace belongs to one run at a time.
///
///   Trace trace({"blocks.*.attn.hook_pattern", "hidden_states.*"});
///   Context context; context.trace = &trace;
///   model.run(input, context);
///   trace.pattern(3).matrix(0, 5);  trace.tensor("hidden_states.2");
class Trace {
public:
    Trace() = default;
    explicit Trace(std::vector<std::string> globs, bool fullPatterns = false)
        : m_globs(std::move(globs)), m_fullPatterns(fullPatterns) {}

    [[nodiscard]] const std::vector<std::string>& globs() const { return m_globs; }
    /// Whether patterns are captured as arrays instead of lazily.
    [[nodiscard]] bool fullPatterns() const { return m_fullPatterns; }

    // After the run.
    /// Names of what was captured, in order of computation.
    [[nodiscard]] std::vector<std::string> names() const;
    [[nodiscard]] bool has(std::string_view nameOrAlias) const;
    /// The value at a site (name or alias); a pattern is made whole. UsageError when it was not captured.
    [[nodiscard]] Tensor tensor(std::string_view nameOrAlias) const;
    [[nodiscard]] Tensor tensor(SiteKind kind, int layer = -1) const;
    /// The pattern of a layer; UsageError when it was not captured. In models with named sites layer i is
    /// what is called blocks.i.attn.hook_pattern or attentions.i.
    [[nodiscard]] const AttentionPattern& pattern(int layer) const;
    [[nodiscard]] const AttentionPattern& pattern(std::string_view nameOrAlias) const;
    [[nodiscard]] bool hasPattern(int layer) const;
    [[nodiscard]] const SiteLayout& layout() const { return m_layout; }
    [[nodiscard]] std::size_t bytesKept() const;

    /// What capturing these globs would keep, before any run.
    [[nodiscard]] static std::size_t predictedBytes(const std::vector<std::string>& globs,
                                                    const SiteLayout& layout, std::int64_t batch,
                                                    std::int64_t length, bool fullPatterns = false);

    // For the one who runs the model.
    /// Resolves the globs and forgets earlier captures; UsageError when a glob matches nothing.
    void begin(const SiteLayout& layout);
    [[nodiscard]] bool wants(SiteKind kind, int layer = -1) const {
        return !m_wanted.empty() && m_wanted[index(kind, layer)];
    }
    /// Keeps the tensor itself (no copy): the caller must not write to it afterwards.
    void capture(SiteKind kind, int layer, Tensor value);
    void capturePattern(int layer, AttentionPattern pattern);
    // The same for a model whose sites are known by their names only, as the run comes to them.
    void beginNamed(const SiteLayout& layout);
    [[nodiscard]] bool wants(std::string_view name, std::string_view alias);
    void capture(std::string_view name, std::string_view alias, Tensor value);
    void capturePattern(std::string_view name, std::string_view alias, AttentionPattern pattern);
    /// UsageError naming the nearest of the sites that were seen when a glob matched none.
    void endNamed(std::span<const std::string> seen) const;

private:
    struct Named {
        std::string name;
        std::string alias;
        Tensor tensor;
        AttentionPattern pattern;
    };
    [[nodiscard]] const Named* findNamed(std::string_view nameOrAlias) const;
    [[nodiscard]] const Named* findNamedPattern(int layer) const;

    static std::size_t index(SiteKind kind, int layer) {
        return static_cast<std::size_t>(layer + 1) * static_cast<std::size_t>(siteKinds) +
               static_cast<std::size_t>(kind);
    }
    std::vector<std::string> m_globs;
    bool m_fullPatterns = false;
    SiteLayout m_layout;
    std::vector<bool> m_wanted; ///< by index(); empty when nothing is
    std::map<std::size_t, Tensor> m_tensors;
    std::map<int, AttentionPattern> m_patterns;
    bool m_hasNames = false;
    std::vector<Named> m_named;
    std::vector<bool> m_matched; ///< by glob
};

} // namespace orrery::probe
