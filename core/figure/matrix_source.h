// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace orrery::figure {

/// A matrix whose numbers are computed when they are looked at (an attention pattern from its queries, keys
/// and row statistics) or simply held. Implementations are thread safe for reading.
class MatrixSource {
public:
    virtual ~MatrixSource() = default;
    [[nodiscard]] virtual std::int64_t rows() const = 0;
    [[nodiscard]] virtual std::int64_t columns() const = 0;
    /// Writes the block [row, row + rowCount) x [column, column + columnCount), row-major, into out.
    virtual void tile(std::int64_t row, std::int64_t column, std::int64_t rowCount, std::int64_t columnCount,
                      std::span<float> out) const = 0;
    /// Means over blocks of factor x factor cells (the last ones may be smaller), row-major
    /// ceil(rows / factor) x ceil(columns / factor): the overview of a large matrix. The default goes through
    /// tiles in bounded memory.
    [[nodiscard]] virtual std::vector<float> pooled(std::int64_t factor) const;
    [[nodiscard]] float at(std::int64_t row, std::int64_t column) const;
};

/// A matrix held in memory.
class DenseMatrix final : public MatrixSource {
public:
    DenseMatrix(std::int64_t rows, std::int64_t columns,
                std::vector<float> values); ///< row-major; sizes checked
    [[nodiscard]] std::int64_t rows() const override { return m_rows; }
    [[nodiscard]] std::int64_t columns() const override { return m_columns; }
    void tile(std::int64_t row, std::int64_t column, std::int64_t rowCount, std::int64_t columnCount,
              std::span<float> out) const override;
    [[nodiscard]] const std::vector<float>& values() const { return m_values; }

private:
    std::int64_t m_rows;
    std::int64_t m_columns;
    std::vector<float> m_values;
};

} // namespace orrery::figure
