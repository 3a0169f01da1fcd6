// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Matrix products in plain loops: the path of f64 and of small tiles. No part of the interface of this room.

#include <algorithm>
#include <cstdint>
#include <vector>

namespace orrery::ops::detail {

/// A row-major matrix in memory, to be read as it lies or transposed.
template <typename T>
struct MatrixView {
    const T* data = nullptr;
    std::int64_t step = 0; ///< elements from one stored row to the next
    bool transposed = false;
};

/// C [m, n] = factor A B + keep C, with A [m, k] and B [k, n] after transposition.
template <typename T>
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, T factor, const MatrixView<T>& a,
          const MatrixView<T>& b, T keep, T* c, std::int64_t stepC) {
    std::vector<T> row(static_cast<std::size_t>(k));
    for (std::int64_t i = 0; i < m; ++i) {
        for (std::int64_t p = 0; p < k; ++p)
            row[static_cast<std::size_t>(p)] =
                factor * (a.transposed ? a.data[p * a.step + i] : a.data[i * a.step + p]);
        const T* left = row.data();
        T* out = c + i * stepC;
        if (keep == T(0))
            std::fill_n(out, n, T(0));
        else if (keep != T(1))
            for (std::int64_t j = 0; j < n; ++j)
                out[j] *= keep;
        if (b.transposed) {
            for (std::int64_t j = 0; j < n; ++j) {
                const T* right = b.data + j * b.step;
                T total = 0;
#pragma omp simd reduction(+ : total)
                for (std::int64_t p = 0; p < k; ++p)
                    total += left[p] * right[p];
                out[j] += total;
            }
            continue;
        }
        std::int64_t p = 0;
        for (; p + 4 <= k; p += 4) { // four rows of B a pass: a quarter of the traffic on C
            const T* right = b.data + p * b.step;
            const std::int64_t s = b.step;
#pragma omp simd
            for (std::int64_t j = 0; j < n; ++j)
                out[j] += left[p] * right[j] + left[p + 1] * right[s + j] + left[p + 2] * right[2 * s + j] +
                          left[p + 3] * right[3 * s + j];
        }
        for (; p < k; ++p) {
            const T* right = b.data + p * b.step;
#pragma omp simd
            for (std::int64_t j = 0; j < n; ++j)
                out[j] += left[p] * right[j];
        }
    }
}

} // namespace orrery::ops::detail
