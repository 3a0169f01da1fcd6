// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/matrix_source.h"

namespace orrery::figure {

/// a - b, cell by cell, computed when looked at; as lazy as its parts.
class DifferenceMatrix final : public MatrixSource {
public:
    /// UsageError when the sizes differ.
    DifferenceMatrix(std::shared_ptr<const MatrixSource> a, std::shared_ptr<const MatrixSource> b);
    [[nodiscard]] std::int64_t rows() const override { return m_a->rows(); }
    [[nodiscard]] std::int64_t columns() const override { return m_a->columns(); }
    void tile(std::int64_t row, std::int64_t column, std::int64_t rowCount, std::int64_t columnCount,
              std::span<float> out) const override;

private:
    std::shared_ptr<const MatrixSource> m_a;
    std::shared_ptr<const MatrixSource> m_b;
};

} // namespace orrery::figure
