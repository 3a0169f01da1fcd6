// SPDX-License-Identifier: GPL-3.0-or-later
#include "figure/matrix_source.h"

#include "base/error.h"

#include <algorithm>

namespace orrery::figure {

std::vector<float> MatrixSource::pooled(std::int64_t factor) const {
    ORRERY_CHECK(factor > 0, "a pooling factor of at least 1");
    const std::int64_t outRows = (rows() + factor - 1) / factor;
    const std::int64_t outColumns = (columns() + factor - 1) / factor;
    std::vector<float> result(static_cast<std::size_t>(outRows * outColumns));
    std::vector<float> band(static_cast<std::size_t>(std::min(factor, rows()) * columns()));
    std::vector<double> sums(static_cast<std::size_t>(outColumns));
    for (std::int64_t r = 0; r < outRows; ++r) {
        const std::int64_t count = std::min(factor, rows() - r * factor);
        tile(r * factor, 0, count, columns(),
             std::span(band).first(static_cast<std::size_t>(count * columns())));
        std::fill(sums.begin(), sums.end(), 0.0);
        for (std::int64_t i = 0; i < count; ++i) {
            const float* line = band.data() + i * columns();
            // Block by block with four sums: no division a cell, and no addition waits for the one before.
            for (std::int64_t c = 0; c < outColumns; ++c) {
                const std::int64_t end = std::min((c + 1) * factor, columns());
                double partial[4] = {0, 0, 0, 0};
                std::int64_t k = c * factor;
                for (; k + 4 <= end; k += 4)
                    for (int lane = 0; lane < 4; ++lane)
                        partial[lane] += static_cast<double>(line[k + lane]);
                for (; k < end; ++k)
                    partial[0] += static_cast<double>(line[k]);
                sums[static_cast<std::size_t>(c)] += partial[0] + partial[1] + partial[2] + partial[3];
            }
        }
        for (std::int64_t c = 0; c < outColumns; ++c) {
            const std::int64_t width = std::min(factor, columns() - c * factor);
            result[static_cast<std::size_t>(r * outColumns + c)] =
                static_cast<float>(sums[static_cast<std::size_t>(c)] / static_cast<double>(count * width));
        }
    }
    return result;
}

float MatrixSource::at(std::int64_t row, std::int64_t column) const {
    float value = 0;
    tile(row, column, 1, 1, {&value, 1});
    return value;
}

DenseMatrix::DenseMatrix(std::int64_t rows, std::int64_t columns, std::vector<float> values)
    : m_rows(rows), m_columns(columns), m_values(std::move(values)) {
    ORRERY_CHECK(rows >= 0 && columns >= 0 && m_values.size() == static_cast<std::size_t>(rows * columns),
                 "as many values as cells");
}

void DenseMatrix::tile(std::int64_t row, std::int64_t column, std::int64_t rowCount, std::int64_t columnCount,
                       std::span<float> out) const {
    ORRERY_CHECK(row >= 0 && column >= 0 && row + rowCount <= m_rows && column + columnCount <= m_columns &&
                     out.size() >= static_cast<std::size_t>(rowCount * columnCount),
                 "a tile inside the matrix");
    for (std::int64_t r = 0; r < rowCount; ++r) {
        const auto begin = m_values.begin() + (row + r) * m_columns + column;
        std::copy(begin, begin + columnCount, out.begin() + r * columnCount);
    }
}

} // namespace orrery::figure
