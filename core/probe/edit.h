// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/json.h"
#include "probe/site.h"
#include "tensor/tensor.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::probe {

enum class EditKind {
    Zero,     ///< the selected numbers become 0
    Mean,     ///< ... become their mean over the selected batch items and positions of this run
    Replace,  ///< ... become value, broadcast from the right ([D], [L, D], [B, L, D], a single number)
    Scale,    ///< ... are multiplied by factor
    Patch,    ///< ... become the same selection of value, the site's tensor in another run (a batch of 1
              ///< repeats)
    Function, ///< whatever function does to the site's tensor, in place
};
[[nodiscard]] std::string_view name(EditKind kind); ///< "zero", "mean", ...

/// A change to one site during a run. Selections (head, positions, batch items) default to everything; a head
/// can be chosen at q, k, v, z, result, pattern and attn_scores. At pattern and scores positions are queries.
struct Edit {
    std::string site; ///< name or alias
    EditKind kind = EditKind::Zero;
    std::optional<int> head{};
    std::vector<std::int64_t> positions{}; ///< negative counts from the end; empty: all
    std::vector<std::int64_t> batchItems{};
    double factor = 1;                             ///< of Scale
    Tensor value{};                                ///< of Replace and Patch
    std::function<void(const Tensor&)> function{}; ///< of Function: writes into the tensor that it is given
    std::string sourceText{};                      ///< where a patch came from, for the record

    static Edit zero(std::string site, std::optional<int> head = {});
    static Edit mean(std::string site, std::optional<int> head = {});
    static Edit scale(std::string site, double factor, std::optional<int> head = {});
    static Edit replace(std::string site, Tensor value, std::optional<int> head = {});
    static Edit patch(std::string site, Tensor value, std::optional<int> head = {});
    static Edit apply(std::string site, std::function<void(const Tensor&)> function);

    /// "zero blocks.3.attn.hook_z head 5 at 0, 4"
    [[nodiscard]] std::string description() const;
    /// {"site", "kind", "head"?, "positions"?, "batch"?, "factor"?, "value"?: {"shape", "values"}}. Function
    /// edits cannot be written: UsageError.
    [[nodiscard]] OrderedJson toJson() const;
    static Edit fromJson(const Json& json); ///< InputError naming what is wrong
};

/// The edits of one run, in the order in which they apply at a site.
class Edits {
public:
    Edits() = default;
    Edits(std::initializer_list<Edit> edits) : m_edits(edits) {}
    explicit Edits(std::vector<Edit> edits) : m_edits(std::move(edits)) {}
    void add(Edit edit) { m_edits.push_back(std::move(edit)); }
    [[nodiscard]] bool empty() const { return m_edits.empty(); }
    [[nodiscard]] const std::vector<Edit>& all() const { return m_edits; }
    [[nodiscard]] OrderedJson toJson() const; ///< an array
    static Edits fromJson(const Json& json);
    /// First layer whose computation an edit changes; 0 when one is before the blocks, layers when only
    /// something after them is edited or nothing is. UsageError for an unknown site.
    [[nodiscard]] int firstLayer(const SiteLayout& layout) const;
    /// Whether an edit changes the embeddings, before layer 0.
    [[nodiscard]] bool beforeBlocks(const SiteLayout& layout) const;
    /// First position that an edit changes, 0 when one selects all.
    [[nodiscard]] std::int64_t firstPosition(std::int64_t length) const;

private:
    std::vector<Edit> m_edits;
};

/// Edits with their sites resolved, as a run uses them.
class BoundEdits {
public:
    BoundEdits() = default;
    /// UsageError for an unknown site, a head at a site without heads or out of range, a missing value.
    BoundEdits(const Edits& edits, const SiteLayout& layout);
    [[nodiscard]] bool any(SiteKind kind, int layer = -1) const {
        return !m_touched.empty() && m_touched[slot(kind, layer)];
    }
    [[nodiscard]] bool empty() const { return m_edits.empty(); }
    /// Applies all edits of a site to its tensor, in place. The tensor may be strided and must be writable;
    /// its first position is number positionOffset of the sequence (cached decoding).
    void apply(SiteKind kind, int layer, const Tensor& tensor, std::int64_t positionOffset = 0) const;

private:
    static std::size_t slot(SiteKind kind, int layer) {
        return static_cast<std::size_t>(layer + 1) * static_cast<std::size_t>(siteKinds) +
               static_cast<std::size_t>(kind);
    }
    struct Bound {
        SiteId site;
        Edit edit;
    };
    std::vector<Bound> m_edits;
    std::vector<bool> m_touched;
};

/// Which dimensions of a site's tensor are positions and heads; -1: none. Batch is always the first.
struct SiteAxes {
    int position = 1;
    int head = -1;
};

/// The change itself, on the tensor of a site of this kind, or of one with these dimensions.
void applyEdit(const Edit& edit, SiteKind kind, const Tensor& tensor, std::int64_t positionOffset = 0);
void applyEdit(const Edit& edit, const SiteAxes& axes, const Tensor& tensor, std::int64_t positionOffset = 0);
/// UsageError when an edit lacks the value or function that its kind needs.
void requireComplete(const Edit& edit);

} // namespace orrery::probe
