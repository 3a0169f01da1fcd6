// SPDX-License-Identifier: GPL-3.0-or-later
#include "figure/difference_matrix.h"

#include "base/error.h"

#include <fmt/format.h>

namespace orrery::figure {

DifferenceMatrix::DifferenceMatrix(std::shared_ptr<const MatrixSource> a,
                                   std::shared_ptr<const MatrixSource> b)
    : m_a(std::move(a)), m_b(std::move(b)) {
    ORRERY_CHECK(m_a != nullptr && m_b != nullptr, "two matrices");
    if (m_a->rows() != m_b->rows() || m_a->columns() != m_b->columns())
        throw UsageError(
            fmt::format("A matrix of {} x {} and one of {} x {} have no difference; compare inputs with "
                        "the same number of tokens.",
                        m_a->rows(), m_a->columns(), m_b->rows(), m_b->columns()));
}

void DifferenceMatrix::tile(std::int64_t row, std::int64_t column, std::int64_t rowCount,
                            std::int64_t columnCount, std::span<float> out) const {
    const auto cells = static_cast<std::size_t>(rowCount * columnCount);
    std::vector<float> other(cells);
    m_a->tile(row, column, rowCount, columnCount, out);
    m_b->tile(row, column, rowCount, columnCount, other);
    for (std::size_t i = 0; i < cells; ++i)
        out[i] -= other[i];
}

} // namespace orrery::figure
