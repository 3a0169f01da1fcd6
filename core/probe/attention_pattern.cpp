// SPDX-License-Identifier: GPL-3.0-or-later
#include "probe/attention_pattern.h"

#include "base/error.h"

#include <algorithm>
#include <cmath>
#include <limits>

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

constexpr float minusInfinity = -std::numeric_limits<float>::infinity();

/// Scores of query row i against keys [column, column + count): scaled, biased, masked.
void scoreRow(const AttentionPattern::Parts& parts, int group, std::int64_t item, std::int64_t head,
              std::int64_t row, std::int64_t column, std::int64_t count, float* out) {
    const std::int64_t size = parts.query.size(3);
    const auto& qs = parts.query.strides();
    const auto& ks = parts.key.strides();
    const float* q = parts.query.pointer<float>() + item * qs[0] + row * qs[1] + head * qs[2];
    const float* k = parts.key.pointer<float>() + item * ks[0] + column * ks[1] + (head / group) * ks[2];
    const auto scale = static_cast<float>(parts.scale);
    const std::int64_t seen = parts.causal ? std::min(count, row + parts.queryOffset + 1 - column) : count;
    for (std::int64_t j = 0; j < seen; ++j, k += ks[1]) {
        float sum = 0;
#pragma omp simd reduction(+ : sum)
        for (std::int64_t t = 0; t < size; ++t)
            sum += q[t] * k[t];
        out[j] = sum * scale;
    }
    for (std::int64_t j = std::max<std::int64_t>(seen, 0); j < count; ++j)
        out[j] = minusInfinity;
    if (parts.bias.defined()) {
        const auto& bs = parts.bias.strides();
        const float* bias =
            parts.bias.pointer<float>() + item * bs[0] + head * bs[1] + row * bs[2] + column * bs[3];
        for (std::int64_t j = 0; j < seen; ++j)
            out[j] += bias[j * bs[3]];
    }
    if (parts.keyMask.defined()) {
        const auto& ms = parts.keyMask.strides();
        const std::uint8_t* mask = parts.keyMask.pointer<std::uint8_t>() + item * ms[0] + column * ms[1];
        for (std::int64_t j = 0; j < seen; ++j)
            if (mask[j * ms[1]] == 0)
                out[j] = minusInfinity;
    }
}

float lseOf(const AttentionPattern::Parts& parts, std::int64_t item, std::int64_t head, std::int64_t row) {
    const auto& ls = parts.lse.strides();
    return parts.lse.pointer<float>()[item * ls[0] + head * ls[1] + row * ls[2]];
}

void weightsFromScores(float* values, std::int64_t count, float lse) {
    if (!(lse > minusInfinity)) { // a query that may look nowhere
        std::fill(values, values + count, 0.0F);
        return;
    }
    for (std::int64_t j = 0; j < count; ++j)
        values[j] = std::exp(values[j] - lse);
}

class LazyHead final : public figure::MatrixSource {
public:
    LazyHead(AttentionPattern::Parts parts, int group, std::int64_t item, int head)
        : m_parts(std::move(parts)), m_item(item), m_head(head), m_group(group) {}
    [[nodiscard]] std::int64_t rows() const override { return m_parts.query.size(1); }
    [[nodiscard]] std::int64_t columns() const override { return m_parts.key.size(1); }
    void tile(std::int64_t row, std::int64_t column, std::int64_t rowCount, std::int64_t columnCount,
              std::span<float> out) const override {
        ORRERY_CHECK(row >= 0 && column >= 0 && rowCount >= 0 && columnCount >= 0 &&
                         row + rowCount <= rows() && column + columnCount <= columns() &&
                         out.size() >= static_cast<std::size_t>(rowCount * columnCount),
                     "a tile inside the pattern");
        for (std::int64_t i = 0; i < rowCount; ++i) {
            float* target = out.data() + i * columnCount;
            scoreRow(m_parts, m_group, m_item, m_head, row + i, column, columnCount, target);
            weightsFromScores(target, columnCount, lseOf(m_parts, m_item, m_head, row + i));
        }
    }

private:
    AttentionPattern::Parts m_parts;
    std::int64_t m_item;
    int m_head;
    int m_group;
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
    if (parts.bias.defined())
        parts.bias = parts.bias.expand({batch, heads, rows, columns});
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
        return std::make_shared<LazyHead>(m_state->parts, m_state->group, batchItem, head);
    if (m_state->dense.defined())
        return std::make_shared<DenseHead>(m_state->dense.select(0, batchItem).select(0, head));
    return m_state->matrices[static_cast<std::size_t>(batchItem * m_state->heads + head)];
}

std::shared_ptr<const figure::MatrixSource> AttentionPattern::meanOverHeads(std::int64_t batchItem) const {
    std::vector<std::shared_ptr<const figure::MatrixSource>> all;
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
    float* out = result.mutablePointer<float>();
    for (std::int64_t item = 0; item < m_state->batch; ++item)
        for (int head = 0; head < m_state->heads; ++head)
            for (std::int64_t row = 0; row < m_state->rows; ++row, out += m_state->columns)
                scoreRow(p, m_state->group, item, head, row, 0, m_state->columns, out);
    return result;
}

const AttentionPattern::Parts& AttentionPattern::parts() const {
    if (!lazy())
        throw UsageError(
            "This attention pattern is not made of queries and keys, so it has no scores before softmax.");
    return m_state->parts;
}

} // namespace orrery::probe
