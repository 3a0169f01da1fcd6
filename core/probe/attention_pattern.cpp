// SPDX-License-Identifier: GPL-3.0-or-later
#include "probe/attention_pattern.h"

#include "base/error.h"
#include "kernels/attention.h"

#include <algorithm>
#include <utility>

namespace orrery::probe {

struct AttentionPattern::State {
    Parts parts; ///< lazy
    Tensor dense;
    std::vector<std::shared_ptr<const figure::MatrixSource>> matrices;
    std::int64_t batch = 0;
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    int heads = 0;
    int group = 1;
};

namespace {

kernels::AttentionProblem problemOf(const AttentionPattern::Parts& parts) {
    return {.query = parts.query.transpose(1, 2),
            .key = parts.key.transpose(1, 2),
            .value = {},
            .scale = parts.scale,
            .causal = parts.causal,
            .queryOffset = parts.queryOffset,
            .window = parts.window,
            .keyMask = parts.keyMask,
            .bias = parts.bias};
}

class LazyHead final : public figure::MatrixSource {
public:
    LazyHead(const AttentionPattern::Parts& parts, std::int64_t item, int head)
        : m_problem(problemOf(parts)), m_lse(parts.lse), m_item(item), m_head(head) {}
    [[nodiscard]] std::int64_t rows() const override { return m_problem.query.size(2); }
    [[nodiscard]] std::int64_t columns() const override { return m_problem.key.size(2); }
    void tile(std::int64_t row, std::int64_t column, std::int64_t rowCount, std::int64_t columnCount,
              std::span<float> out) const override {
        ORRERY_CHECK(row >= 0 && column >= 0 && rowCount >= 0 && columnCount >= 0 &&
                         row + rowCount <= rows() && column + columnCount <= columns() &&
                         out.size() >= static_cast<std::size_t>(rowCount * columnCount),
                     "a tile inside the pattern");
        kernels::attentionTile(m_problem, m_lse, {m_item, m_head, row, column, rowCount, columnCount}, out);
    }
    [[nodiscard]] std::vector<float> pooled(std::int64_t factor) const override {
        const auto cells = [&](std::int64_t size) {
            return static_cast<std::size_t>((size + factor - 1) / factor);
        };
        std::vector<float> out(cells(rows()) * cells(columns()));
        kernels::attentionPooled(m_problem, m_lse, m_item, m_head, factor, out);
        return out;
    }

private:
    kernels::AttentionProblem m_problem;
    Tensor m_lse;
    std::int64_t m_item;
    int m_head;
};

class DenseHead final : public figure::MatrixSource {
public:
    explicit DenseHead(Tensor values) : m_values(std::move(values)) {} // [L, S], any strides
    [[nodiscard]] std::int64_t rows() const override { return m_values.size(0); }
    [[nodiscard]] std::int64_t columns() const override { return m_values.size(1); }
    void tile(std::int64_t row, std::int64_t column, std::int64_t rowCount, std::int64_t columnCount,
              std::span<float> out) const override {
        ORRERY_CHECK(row >= 0 && column >= 0 && row + rowCount <= rows() &&
                         column + columnCount <= columns() &&
                         out.size() >= static_cast<std::size_t>(rowCount * columnCount),
                     "a tile inside the pattern");
        const auto& strides = m_values.strides();
        const float* base = m_values.pointer<float>();
        for (std::int64_t i = 0; i < rowCount; ++i)
            for (std::int64_t j = 0; j < columnCount; ++j)
                out[static_cast<std::size_t>(i * columnCount + j)] =
                    base[(row + i) * strides[0] + (column + j) * strides[1]];
    }

private:
    Tensor m_values;
};

class MeanOfHeads final : public figure::MatrixSource {
public:
    explicit MeanOfHeads(std::vector<std::shared_ptr<const figure::MatrixSource>> heads)
        : m_heads(std::move(heads)) {}
    [[nodiscard]] std::int64_t rows() const override { return m_heads.front()->rows(); }
    [[nodiscard]] std::int64_t columns() const override { return m_heads.front()->columns(); }
    void tile(std::int64_t row, std::int64_t column, std::int64_t rowCount, std::int64_t columnCount,
              std::span<float> out) const override {
        const auto cells = static_cast<std::size_t>(rowCount * columnCount);
        std::vector<float> one(cells);
        std::fill_n(out.begin(), cells, 0.0F);
        for (const auto& head : m_heads) {
            head->tile(row, column, rowCount, columnCount, one);
            for (std::size_t i = 0; i < cells; ++i)
                out[i] += one[i];
        }
        const float factor = 1.0F / static_cast<float>(m_heads.size());
        for (std::size_t i = 0; i < cells; ++i)
            out[i] *= factor;
    }

private:
    std::vector<std::shared_ptr<const figure::MatrixSource>> m_heads;
};

} // namespace

AttentionPattern::AttentionPattern(Parts parts) {
    ORRERY_CHECK(parts.query.rank() == 4 && parts.key.rank() == 4 && parts.lse.rank() == 3,
                 "queries and keys [B, L, H, d], lse [B, H, L]");
    ORRERY_CHECK(parts.query.strides()[3] == 1 && parts.key.strides()[3] == 1, "heads are dense");
    const std::int64_t batch = parts.query.size(0);
    const std::int64_t rows = parts.query.size(1);
    const std::int64_t heads = parts.query.size(2);
    const std::int64_t columns = parts.key.size(1);
    const std::int64_t groups = parts.key.size(2);
    ORRERY_CHECK(parts.key.size(0) == batch && parts.key.size(3) == parts.query.size(3) && groups > 0 &&
                     heads % groups == 0 && parts.lse.shape() == Shape({batch, heads, rows}),
                 "sizes of queries, keys and lse agree");
    if (parts.keyMask.defined())
        ORRERY_CHECK(parts.keyMask.shape() == Shape({batch, columns}), "a mask for each key");
    auto state = std::make_shared<State>();
    state->parts = std::move(parts);
    state->batch = batch;
    state->rows = rows;
    state->columns = columns;
    state->heads = static_cast<int>(heads);
    state->group = static_cast<int>(heads / groups);
    m_state = std::move(state);
}

AttentionPattern::AttentionPattern(Tensor dense) {
    ORRERY_CHECK(dense.rank() == 4 && dense.dtype() == DType::F32, "a pattern is [B, H, L, S] f32");
    auto state = std::make_shared<State>();
    state->batch = dense.size(0);
    state->heads = static_cast<int>(dense.size(1));
    state->rows = dense.size(2);
    state->columns = dense.size(3);
    state->dense = std::move(dense);
    m_state = std::move(state);
}

AttentionPattern::AttentionPattern(std::int64_t batch, int heads,
                                   std::vector<std::shared_ptr<const figure::MatrixSource>> matrices) {
    ORRERY_CHECK(batch > 0 && heads > 0 && matrices.size() == static_cast<std::size_t>(batch * heads),
                 "a matrix for each batch item and head");
    auto state = std::make_shared<State>();
    state->batch = batch;
    state->heads = heads;
    state->rows = matrices.front()->rows();
    state->columns = matrices.front()->columns();
    state->matrices = std::move(matrices);
    m_state = std::move(state);
}

bool AttentionPattern::lazy() const {
    return m_state && m_state->parts.query.defined();
}
std::int64_t AttentionPattern::batch() const {
    return m_state ? m_state->batch : 0;
}
int AttentionPattern::heads() const {
    return m_state ? m_state->heads : 0;
}
int AttentionPattern::groupSize() const {
    return m_state ? m_state->group : 1;
}
std::int64_t AttentionPattern::queries() const {
    return m_state ? m_state->rows : 0;
}
std::int64_t AttentionPattern::keys() const {
    return m_state ? m_state->columns : 0;
}
bool AttentionPattern::causal() const {
    return m_state && m_state->parts.causal;
}

std::size_t AttentionPattern::bytesKept() const {
    if (!m_state)
        return 0;
    if (lazy())
        return m_state->parts.query.bytes() + m_state->parts.key.bytes() + m_state->parts.lse.bytes();
    return m_state->dense.defined() ? m_state->dense.bytes() : 0;
}

std::shared_ptr<const figure::MatrixSource> AttentionPattern::matrix(std::int64_t batchItem, int head) const {
    if (!m_state || batchItem < 0 || batchItem >= m_state->batch || head < 0 || head >= m_state->heads)
        throw UsageError("There is no attention pattern for this batch item and head.");
    if (lazy())
        return std::make_shared<LazyHead>(m_state->parts, batchItem, head);
    if (m_state->dense.defined())
        return std::make_shared<DenseHead>(m_state->dense.select(0, batchItem).select(0, head));
    return m_state->matrices[static_cast<std::size_t>(batchItem * m_state->heads + head)];
}

std::shared_ptr<const figure::MatrixSource> AttentionPattern::meanOverHeads(std::int64_t batchItem) const {
    std::vector<std::shared_ptr<const figure::MatrixSource>> all;
    all.reserve(static_cast<std::size_t>(heads()));
    for (int head = 0; head < heads(); ++head)
        all.push_back(matrix(batchItem, head));
    if (all.empty())
        throw UsageError("There is no attention pattern for this batch item.");
    return std::make_shared<MeanOfHeads>(std::move(all));
}

Tensor AttentionPattern::full() const {
    ORRERY_CHECK(m_state != nullptr, "a defined pattern");
    if (m_state->dense.defined())
        return m_state->dense;
    Tensor result = Tensor::empty({m_state->batch, m_state->heads, m_state->rows, m_state->columns});
    const auto cells = static_cast<std::size_t>(m_state->rows * m_state->columns);
    const auto out = result.mutableData<float>();
    std::size_t place = 0;
    for (std::int64_t item = 0; item < m_state->batch; ++item)
        for (int head = 0; head < m_state->heads; ++head, place += cells)
            matrix(item, head)->tile(0, 0, m_state->rows, m_state->columns, out.subspan(place, cells));
    return result;
}

Tensor AttentionPattern::scores() const {
    const Parts& p = parts();
    Tensor result = Tensor::empty({m_state->batch, m_state->heads, m_state->rows, m_state->columns});
    const kernels::AttentionProblem problem = problemOf(p);
    const auto out = result.mutableData<float>();
    const auto cells = static_cast<std::size_t>(m_state->rows * m_state->columns);
    std::size_t place = 0;
    for (std::int64_t item = 0; item < m_state->batch; ++item)
        for (int head = 0; head < m_state->heads; ++head, place += cells)
            kernels::attentionScoreTile(problem, {item, head, 0, 0, m_state->rows, m_state->columns},
                                        out.subspan(place, cells));
    return result;
}

const AttentionPattern::Parts& AttentionPattern::parts() const {
    if (!lazy())
        throw UsageError(
            "This attention pattern is not made of queries and keys, so it has no scores before softmax.");
    return m_state->parts;
}

} // namespace orrery::probe
