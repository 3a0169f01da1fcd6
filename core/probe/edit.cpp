// SPDX-License-Identifier: GPL-3.0-or-later
#include "probe/edit.h"

#include "base/error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace orrery::probe {
namespace {

constexpr std::array<std::string_view, 6> kindNames{"zero", "mean", "replace", "scale", "patch", "function"};

SiteAxes axesOf(SiteKind kind) {
    switch (kind) {
    case SiteKind::Query:
    case SiteKind::Key:
    case SiteKind::RotatedQuery:
    case SiteKind::RotatedKey:
    case SiteKind::Value:
    case SiteKind::Z:
    case SiteKind::Result:
        return {1, 2};
    case SiteKind::Scores:
    case SiteKind::Pattern:
        return {2, 1};
    case SiteKind::Pooled:
        return {-1, -1};
    default:
        return {1, -1};
    }
}

/// Calls visit with the offset of every innermost row (its elements have stride rowStride) of a tensor.
template <typename Visit>
void forEachRow(const Tensor& tensor, Visit&& visit) {
    const int outer = tensor.rank() - 1;
    Shape index;
    for (int i = 0; i < outer; ++i)
        index.append(0);
    if (tensor.elements() == 0)
        return;
    while (true) {
        std::int64_t offset = 0;
        for (int i = 0; i < outer; ++i)
            offset += index[i] * tensor.strides()[i];
        visit(offset, index);
        int dimension = outer - 1;
        while (dimension >= 0 && ++index[dimension] == tensor.size(dimension))
            index[dimension--] = 0;
        if (dimension < 0)
            return;
    }
}

void zeroPart(const Tensor& part) {
    const std::int64_t stride = part.strides()[-1];
    float* base = part.mutablePointer<float>();
    forEachRow(part, [&](std::int64_t offset, const Shape&) {
        for (std::int64_t i = 0; i < part.size(-1); ++i)
            base[offset + i * stride] = 0;
    });
}

void scalePart(const Tensor& part, float factor) {
    const std::int64_t stride = part.strides()[-1];
    float* base = part.mutablePointer<float>();
    forEachRow(part, [&](std::int64_t offset, const Shape&) {
        for (std::int64_t i = 0; i < part.size(-1); ++i)
            base[offset + i * stride] *= factor;
    });
}

/// A view of one selected block: a head, one position, one batch item; size-1 dimensions are kept.
Tensor narrowed(const Tensor& tensor, int dimension, std::int64_t index) {
    return tensor.slice(dimension, index, index + 1);
}

std::vector<std::int64_t> selection(const std::vector<std::int64_t>& wanted, std::int64_t size,
                                    std::int64_t offset) {
    std::vector<std::int64_t> result;
    if (wanted.empty()) {
        result.resize(static_cast<std::size_t>(size));
        std::iota(result.begin(), result.end(), 0);
        return result;
    }
    for (const std::int64_t position : wanted) {
        const std::int64_t index = (position < 0 ? position + offset + size : position) - offset;
        if (index >= 0 && index < size)
            result.push_back(index);
    }
    return result;
}

/// Contiguous runs of selected indices, so that "all" is one view.
std::vector<std::pair<std::int64_t, std::int64_t>> runsOf(std::vector<std::int64_t> indices) {
    std::sort(indices.begin(), indices.end());
    std::vector<std::pair<std::int64_t, std::int64_t>> runs;
    for (const std::int64_t index : indices) {
        if (!runs.empty() && index <= runs.back().second)
            runs.back().second = std::max(runs.back().second, index + 1);
        else
            runs.emplace_back(index, index + 1);
    }
    return runs;
}

void checkRank(const Edit& edit, const Tensor& tensor) {
    if (tensor.dtype() != DType::F32)
        throw Error(
            fmt::format("Site \"{}\" holds {} and cannot be edited.", edit.site, name(tensor.dtype())));
}

/// The value as large as the tensor. A whole sequence's value serves a run that starts at a later position.
Tensor broadcastValue(const Edit& edit, const Tensor& tensor, int positionAxis, std::int64_t positionOffset) {
    const Shape& shape = tensor.shape();
    Tensor value = edit.value.to(DType::F32);
    if (value.elements() == 1)
        value = value.reshape(Shape{1});
    if (positionOffset > 0 && positionAxis >= 0 && value.rank() == shape.rank() &&
        value.size(positionAxis) == positionOffset + shape[positionAxis])
        value = value.slice(positionAxis, positionOffset, value.size(positionAxis));
    bool fits = value.rank() <= shape.rank();
    for (int i = 1; fits && i <= value.rank(); ++i)
        fits = value.size(-i) == 1 || value.size(-i) == shape[-i];
    if (!fits)
        throw UsageError(fmt::format("The value for site \"{}\" has shape {}, which does not fit {}.",
                                     edit.site, value.shape().toText(), shape.toText()));
    while (value.rank() < shape.rank())
        value = value.unsqueeze(0);
    return value.expand(shape);
}

/// Mean over the selected batch items and positions, by everything else.
void meanEdit(const Tensor& tensor, const SiteAxes& axes, const std::vector<std::int64_t>& items,
              const std::vector<std::int64_t>& positions) {
    if (items.empty() || positions.empty())
        return;
    Tensor sum = Tensor::zeros(axes.position >= 0 ? tensor.shape().with(0, 1).with(axes.position, 1)
                                                  : tensor.shape().with(0, 1));
    const auto each = [&](auto&& visit) {
        for (const std::int64_t item : items)
            for (const std::int64_t position : positions) {
                Tensor part = narrowed(tensor, 0, item);
                visit(axes.position >= 0 ? narrowed(part, axes.position, position) : part);
            }
    };
    const float weight = 1.0F / static_cast<float>(items.size() * positions.size());
    const auto combine = [](const Tensor& target, const Tensor& source, auto&& operation) {
        const std::int64_t targetStride = target.strides()[-1];
        const std::int64_t sourceStride = source.strides()[-1];
        float* to = target.mutablePointer<float>();
        const float* from = source.pointer<float>();
        forEachRow(target, [&](std::int64_t offset, const Shape& index) {
            std::int64_t other = 0;
            for (int i = 0; i < index.rank(); ++i)
                other += index[i] * source.strides()[i];
            for (std::int64_t i = 0; i < target.size(-1); ++i)
                operation(to[offset + i * targetStride], from[other + i * sourceStride]);
        });
    };
    each([&](const Tensor& part) { combine(sum, part, [&](float& a, float b) { a += b * weight; }); });
    each([&](const Tensor& part) { combine(part, sum, [](float& a, float b) { a = b; }); });
}

} // namespace

std::string_view name(EditKind kind) {
    return kindNames[static_cast<std::size_t>(kind)];
}

Edit Edit::zero(std::string site, std::optional<int> head) {
    return {.site = std::move(site), .kind = EditKind::Zero, .head = head};
}
Edit Edit::mean(std::string site, std::optional<int> head) {
    return {.site = std::move(site), .kind = EditKind::Mean, .head = head};
}
Edit Edit::scale(std::string site, double factor, std::optional<int> head) {
    return {.site = std::move(site), .kind = EditKind::Scale, .head = head, .factor = factor};
}
Edit Edit::replace(std::string site, Tensor value, std::optional<int> head) {
    return {.site = std::move(site), .kind = EditKind::Replace, .head = head, .value = std::move(value)};
}
Edit Edit::patch(std::string site, Tensor value, std::optional<int> head) {
    return {.site = std::move(site), .kind = EditKind::Patch, .head = head, .value = std::move(value)};
}
Edit Edit::apply(std::string site, std::function<void(const Tensor&)> function) {
    return {.site = std::move(site), .kind = EditKind::Function, .function = std::move(function)};
}

std::string Edit::description() const {
    std::string text = fmt::format("{} {}", name(kind), site);
    if (head)
        text += fmt::format(" head {}", *head);
    if (kind == EditKind::Scale)
        text += fmt::format(" by {}", factor);
    if (!positions.empty())
        text += fmt::format(" at {}", fmt::join(positions, ", "));
    if (!batchItems.empty())
        text += fmt::format(" in item {}", fmt::join(batchItems, ", "));
    if (!sourceText.empty())
        text += fmt::format(" from \"{}\"", sourceText);
    return text;
}

void requireComplete(const Edit& edit) {
    if ((edit.kind == EditKind::Replace || edit.kind == EditKind::Patch) && !edit.value.defined())
        throw UsageError(fmt::format("The edit \"{}\" has no value.", edit.description()));
    if (edit.kind == EditKind::Function && !edit.function)
        throw UsageError(fmt::format("The edit \"{}\" has no function.", edit.description()));
}

void applyEdit(const Edit& edit, SiteKind kind, const Tensor& tensor, std::int64_t positionOffset) {
    SiteAxes axes = axesOf(kind);
    if (kind == SiteKind::Logits && tensor.rank() == 2)
        axes.position = -1;
    applyEdit(edit, axes, tensor, positionOffset);
}

void applyEdit(const Edit& edit, const SiteAxes& axes, const Tensor& tensor, std::int64_t positionOffset) {
    checkRank(edit, tensor);
    if (edit.kind == EditKind::Function) {
        edit.function(tensor);
        return;
    }
    const std::int64_t length = axes.position >= 0 ? tensor.size(axes.position) : 1;
    const std::vector<std::int64_t> items = selection(edit.batchItems, tensor.size(0), 0);
    const std::vector<std::int64_t> positions =
        axes.position >= 0 ? selection(edit.positions, length, positionOffset) : std::vector<std::int64_t>{0};
    Tensor target = tensor;
    if (edit.head) {
        ORRERY_CHECK(axes.head >= 0 && *edit.head < tensor.size(axes.head), "a head of the site");
        target = narrowed(target, axes.head, *edit.head);
    }
    if (edit.kind == EditKind::Mean) {
        meanEdit(target, axes, items, positions);
        return;
    }
    Tensor value;
    if (edit.kind == EditKind::Patch) {
        value = broadcastValue(edit, tensor, axes.position, positionOffset);
        if (edit.head)
            value = narrowed(value, axes.head, *edit.head);
    } else if (edit.kind == EditKind::Replace) {
        value = broadcastValue(edit, target, -1, 0);
    }
    for (const auto& [firstItem, lastItem] : runsOf(items))
        for (const auto& [first, last] : runsOf(positions)) {
            const auto cut = [&, firstItem = firstItem, lastItem = lastItem, first = first,
                              last = last](Tensor part) {
                part = part.slice(0, firstItem, lastItem);
                return axes.position >= 0 ? part.slice(axes.position, first, last) : part;
            };
            if (edit.kind == EditKind::Zero)
                zeroPart(cut(target));
            else if (edit.kind == EditKind::Scale)
                scalePart(cut(target), static_cast<float>(edit.factor));
            else
                cut(target).copyFrom(cut(value));
        }
}

int Edits::firstLayer(const SiteLayout& layout) const {
    int first = layout.layers;
    for (const Edit& edit : m_edits)
        for (const SiteId id : matchSites(std::span(&edit.site, 1), layout)) {
            if (id.layer >= 0)
                first = std::min(first, id.layer);
            else if (id.kind == SiteKind::Embed || id.kind == SiteKind::PositionEmbed ||
                     id.kind == SiteKind::TypeEmbed)
                first = 0;
        }
    return first;
}

bool Edits::beforeBlocks(const SiteLayout& layout) const {
    for (const Edit& edit : m_edits)
        for (const SiteId id : matchSites(std::span(&edit.site, 1), layout))
            if (id.kind == SiteKind::Embed || id.kind == SiteKind::PositionEmbed ||
                id.kind == SiteKind::TypeEmbed)
                return true;
    return false;
}

std::int64_t Edits::firstPosition(std::int64_t length) const {
    std::int64_t first = length;
    for (const Edit& edit : m_edits) {
        if (edit.positions.empty() || edit.kind == EditKind::Function)
            return 0;
        for (const std::int64_t position : edit.positions)
            first = std::min(first, position < 0 ? position + length : position);
    }
    return std::clamp<std::int64_t>(first, 0, length);
}

BoundEdits::BoundEdits(const Edits& edits, const SiteLayout& layout) {
    if (edits.empty())
        return;
    m_touched.assign(static_cast<std::size_t>(layout.layers + 1) * static_cast<std::size_t>(siteKinds),
                     false);
    for (const Edit& edit : edits.all()) {
        requireComplete(edit);
        for (const SiteId id : matchSites(std::span(&edit.site, 1), layout)) {
            if (edit.head) {
                const bool keys =
                    id.kind == SiteKind::Key || id.kind == SiteKind::RotatedKey || id.kind == SiteKind::Value;
                const int heads = keys ? layout.keyValueHeads : layout.heads;
                if (axesOf(id.kind).head < 0)
                    throw UsageError(
                        fmt::format("Site \"{}\" has no heads; choose q, k, v, z, result, pattern or "
                                    "attn_scores to edit a head.",
                                    siteName(id)));
                if (*edit.head < 0 || *edit.head >= heads)
                    throw UsageError(fmt::format("Site \"{}\" has heads 0 to {}, not {}.", siteName(id),
                                                 heads - 1, *edit.head));
            }
            m_edits.push_back({id, edit});
            m_touched[slot(id.kind, id.layer)] = true;
        }
    }
}

void BoundEdits::apply(SiteKind kind, int layer, const Tensor& tensor, std::int64_t positionOffset) const {
    for (const Bound& bound : m_edits)
        if (bound.site == SiteId{kind, layer})
            applyEdit(bound.edit, kind, tensor, positionOffset);
}

} // namespace orrery::probe
