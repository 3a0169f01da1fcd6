// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "core/kernels/block_samples.h"
#include "nn/block_weights.h"
#include "nn/linear.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace orrery::nn {
namespace {

Tensor random(const Shape& shape, Generator& generator) {
    Tensor tensor = Tensor::empty(shape);
    for (float& value : tensor.mutableData<float>())
        value = static_cast<float>(generator.normal());
    return tensor;
}

TEST(BlockWeights, StackedPartsOfSeveralFormatsAreOneLinear) {
    Generator generator(1);
    const std::vector<BlockMatrix> parts{randomBlocks(BlockFormat::Q4K, 6, 256, generator),
                                         randomBlocks(BlockFormat::Q6K, 4, 256, generator),
                                         randomBlocks(BlockFormat::Q4K, 3, 256, generator)};
    for (const DType compute : {DType::F32, DType::BF16}) {
        const auto format = blockWeights(parts, compute);
        EXPECT_EQ(format->name(), "q4_k+q6_k");
        EXPECT_EQ(format->outputs(), 13);
        EXPECT_EQ(format->inputs(), 256);
        EXPECT_EQ(format->bytes(), 9U * 144 + 4 * 210);
        EXPECT_EQ(format->operations(2), 2.0 * 2 * 13 * 256);
        const Tensor dense = format->toDense();
        EXPECT_EQ(dense.at({7, 9}), parts[1].toDense().at({1, 9}));
        const Linear linear("blocks.0.attn.qkv", format, random({13}, generator));
        for (const std::int64_t rows : {1, 50}) {
            const Tensor x = random({rows, 256}, generator);
            const Tensor residual = random({rows, 13}, generator);
            const Tensor y = residual.clone();
            linear.run(x, y, Activation::Gelu, y);
            const Tensor want = residual.clone();
            Linear("dense", denseFormat(dense, false), linear.bias()).run(x, want, Activation::Gelu, want);
            for (std::int64_t i = 0; i < rows; ++i)
                for (std::int64_t o = 0; o < 13; ++o)
                    ASSERT_NEAR(y.at({i, o}), want.at({i, o}),
                                compute == DType::F32 || rows == 1 ? 2e-3 : 0.1);
        }
    }
}

TEST(BlockWeights, WhatIsSavedIsLoadedAgain) {
    Generator generator(2);
    BlockMatrix second = randomBlocks(BlockFormat::Q50, 4, 64, generator);
    second.order = std::make_shared<std::vector<std::int32_t>>(std::vector<std::int32_t>{3, 1, 0, 2});
    const auto format = blockWeights({randomBlocks(BlockFormat::Q80, 5, 64, generator), second});
    auto saved = format->save();
    ASSERT_EQ(saved.size(), 2U);
    EXPECT_EQ(saved.at("blocks.1.q5_0").shape(), (Shape{4, 44}));
    EXPECT_EQ(blockWeightsFrom(saved, "x")->toDense().toFloats(), format->toDense().toFloats());

    const auto refuse = [&](const std::map<std::string, Tensor>& parts, const char* what) {
        try {
            (void)blockWeightsFrom(parts, "FILE");
            ADD_FAILURE() << what;
        } catch (const InputError& error) {
            EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("FILE"), testing::HasSubstr(what)));
        }
    };
    refuse({}, "no quantised blocks");
    refuse({{"blocks.1.q5_0", saved.at("blocks.1.q5_0")}}, "part 0");
    refuse({{"blocks.0.q9", saved.at("blocks.1.q5_0")}}, "part 0");
    refuse({{"blocks.0.q8_0", saved.at("blocks.1.q5_0")}}, "no rows of q8_0");
    saved.at("blocks.1.q5_0") = Tensor::zeros({4, 22}, DType::U8);
    refuse(saved, "32 wide");
}

} // namespace
} // namespace orrery::nn
