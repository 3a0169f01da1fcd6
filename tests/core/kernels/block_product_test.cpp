// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/kernels/block_samples.h"
#include "core/kernels/isa_sweep.h"
#include "kernels/block_product.h"
#include "kernels/simd/block_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace orrery::kernels {
namespace {

using test::forEachIsa;
using test::randomTensor;

TEST(BlockProduct, EverySetDequantisesAsTheDefinitionDoes) {
    Generator generator(1);
    for (const BlockFormat format : allBlockFormats) {
        const BlockMatrix matrix = randomBlocks(format, 3, 5 * blockElements(format), generator);
        const Tensor want = matrix.toDense();
        forEachIsa([&](Isa set) {
            std::vector<float> got(static_cast<std::size_t>(matrix.columns));
            for (std::int64_t row = 0; row < 3; ++row) {
                blockKernels().dequantise(format, matrix.row(row), got.data(), matrix.columns);
                for (std::int64_t i = 0; i < matrix.columns; ++i) {
                    const double exact = want.at({row, i});
                    // A product and a difference may be rounded once instead of twice.
                    ASSERT_NEAR(got[static_cast<std::size_t>(i)], exact, 1e-6 + 1e-6 * std::abs(exact))
                        << orrery::name(format) << " " << name(set) << " " << row << " " << i;
                }
            }
        });
    }
}

struct Sizes {
    std::int64_t rows, blocks, outputs;
};

/// x W^T in f64, and how far a product may be from it.
struct Expected {
    std::vector<double> values, bounds;

    Expected(const Tensor& x, const Tensor& dense, bool sixteenBits) {
        const std::int64_t depth = x.size(1);
        const float* a = x.data<float>().data();
        const float* w = dense.data<float>().data();
        for (std::int64_t i = 0; i < x.size(0); ++i)
            for (std::int64_t o = 0; o < dense.size(0); ++o) {
                double sum = 0;
                double bound = 1e-4;
                for (std::int64_t group = 0; group < depth; group += 32) {
                    double peak = 0;
                    double size = 0;
                    for (std::int64_t k = group; k < group + 32; ++k) {
                        const double value = a[i * depth + k];
                        const double weight = w[o * depth + k];
                        peak = std::max(peak, std::abs(value));
                        size += std::abs(weight);
                        sum += value * weight;
                        bound += 1e-6 * std::abs(value * weight); // sums in f32
                    }
                    if (sixteenBits)
                        bound += size * peak / 65534;
                }
                values.push_back(sum);
                bounds.push_back(bound);
            }
    }
};

/// From decoding (one row) over the limit of few rows to many; depths with a rest in the small formats.
TEST(BlockProduct, IsTheProductWithinItsBound) {
    Generator generator(2);
    for (const BlockFormat format : allBlockFormats)
        for (const Sizes sizes : {Sizes{1, 1, 1}, Sizes{1, 9, 40}, Sizes{3, 3, 5}, Sizes{4, 8, 33},
                                  Sizes{blockRowLimit, 2, 7}, Sizes{blockRowLimit + 1, 3, 97}}) {
            const std::int64_t depth = sizes.blocks * blockElements(format);
            const BlockMatrix matrix = randomBlocks(format, sizes.outputs, depth, generator);
            const Tensor x = randomTensor({sizes.rows, depth}, generator);
            x.mutableData<float>()[0] = 300; // an outlier coarsens its own group only
            const Expected expected(x, matrix.toDense(), sizes.rows <= blockRowLimit);
            const Tensor bias = randomTensor({sizes.outputs}, generator);
            const Tensor residual = randomTensor({sizes.rows, sizes.outputs}, generator);
            forEachIsa([&](Isa set) {
                const Tensor out = residual.clone();
                BlockProduct product;
                product.weights = &matrix;
                product.x = x.rawData();
                product.xStride = depth;
                product.rows = sizes.rows;
                product.out = out.mutableRawData();
                product.outStride = sizes.outputs;
                product.bias = bias.data<float>().data();
                product.residual = out.rawData();
                product.residualStride = sizes.outputs;
                multiplyBlocks(product);
                const auto got = out.data<float>();
                const auto before = residual.data<float>();
                for (std::size_t at = 0; at < got.size(); ++at) {
                    const double added = bias.data<float>()[at % bias.data<float>().size()] + before[at];
                    ASSERT_NEAR(got[at], expected.values[at] + added, expected.bounds[at])
                        << orrery::name(format) << " " << name(set) << " " << sizes.rows << " x " << depth;
                }
            });
        }
}

TEST(BlockProduct, TakesOtherDtypesStridesAndOrders) {
    Generator generator(3);
    BlockMatrix matrix = randomBlocks(BlockFormat::Q51, 10, 64, generator);
    matrix.order =
        std::make_shared<std::vector<std::int32_t>>(std::vector<std::int32_t>{9, 3, 1, 0, 2, 4, 5, 6, 7, 8});
    const Tensor dense = matrix.toDense();
    for (const std::int64_t rows : {2, 18})
        for (const bool halfIn : {false, true})
            for (const bool halfOut : {false, true}) {
                const Tensor x =
                    test::spread(randomTensor({rows, 64}, generator, halfIn ? DType::BF16 : DType::F32), 6);
                const Tensor out =
                    test::spread(Tensor::zeros({rows, 10}, halfOut ? DType::BF16 : DType::F32), 4);
                BlockProduct product;
                product.weights = &matrix;
                product.x = x.rawData();
                product.xBf16 = halfIn;
                product.xStride = x.strides()[0];
                product.rows = rows;
                product.out = out.mutableRawData();
                product.outBf16 = halfOut;
                product.outStride = out.strides()[0];
                product.activation = Activation::Relu;
                multiplyBlocks(product);
                for (std::int64_t i = 0; i < rows; ++i)
                    for (std::int64_t o = 0; o < 10; ++o) {
                        double sum = 0;
                        for (std::int64_t k = 0; k < 64; ++k)
                            sum += x.at({i, k}) * dense.at({o, k});
                        ASSERT_NEAR(out.at({i, o}), std::max(sum, 0.0),
                                    1e-3 + (halfOut ? std::abs(sum) / 128 : 0.0));
                    }
            }
}

TEST(BlockProduct, ANumberThatIsNoneMakesItsRowNoneAndNoOther) {
    Generator generator(4);
    const BlockMatrix matrix = randomBlocks(BlockFormat::Q80, 4, 96, generator);
    forEachIsa([&](Isa) {
        for (const float bad :
             {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
            const Tensor x = randomTensor({2, 96}, generator);
            x.mutableData<float>()[40] = bad;
            const Tensor out = Tensor::empty({2, 4});
            BlockProduct product;
            product.weights = &matrix;
            product.x = x.rawData();
            product.xStride = 96;
            product.rows = 2;
            product.out = out.mutableRawData();
            product.outStride = 4;
            multiplyBlocks(product);
            EXPECT_FALSE(std::isfinite(out.at({0, 1})));
            EXPECT_TRUE(std::isfinite(out.at({1, 1})));
        }
    });
}

} // namespace
} // namespace orrery::kernels
