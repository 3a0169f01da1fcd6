// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "figure/difference_matrix.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace orrery::figure {
namespace {

TEST(DifferenceMatrix, EveryTileIsTheDifferenceOfTheTiles) {
    EXPECT_TRUE(rc::check([] {
        const auto rows = *rc::gen::inRange<std::int64_t>(1, 9);
        const auto columns = *rc::gen::inRange<std::int64_t>(1, 9);
        const auto size = static_cast<std::size_t>(rows * columns);
        const auto numbers = rc::gen::container<std::vector<float>>(
            size, rc::gen::map(rc::gen::inRange(-1000, 1000), [](int v) { return static_cast<float>(v); }));
        const auto x = *numbers;
        const auto y = *numbers;
        const DifferenceMatrix difference(std::make_shared<DenseMatrix>(rows, columns, x),
                                          std::make_shared<DenseMatrix>(rows, columns, y));
        const auto row = *rc::gen::inRange<std::int64_t>(0, rows);
        const auto column = *rc::gen::inRange<std::int64_t>(0, columns);
        std::vector<float> tile(static_cast<std::size_t>((rows - row) * (columns - column)));
        difference.tile(row, column, rows - row, columns - column, tile);
        for (std::int64_t r = row; r < rows; ++r)
            for (std::int64_t c = column; c < columns; ++c) {
                const auto at = static_cast<std::size_t>(r * columns + c);
                RC_ASSERT(tile[static_cast<std::size_t>((r - row) * (columns - column) + c - column)] ==
                          x[at] - y[at]);
            }
    }));
}

TEST(DifferenceMatrix, OtherSizesAreRefusedWithASentence) {
    const auto small = std::make_shared<DenseMatrix>(2, 2, std::vector<float>(4));
    const auto large = std::make_shared<DenseMatrix>(3, 3, std::vector<float>(9));
    EXPECT_THROW(DifferenceMatrix(small, large), UsageError);
}

} // namespace
} // namespace orrery::figure
