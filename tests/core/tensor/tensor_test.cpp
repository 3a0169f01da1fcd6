// SPDX-License-Identifier: GPL-3.0-or-later
#include "tensor/tensor.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>

namespace orrery {
namespace {

TEST(Tensor, ViewsShareAndDoNotCopy) {
    const Tensor a = Tensor::of<float>({2, 3}, {0, 1, 2, 3, 4, 5});
    const Tensor t = a.transpose(0, 1);
    EXPECT_EQ(t.shape(), (Shape{3, 2}));
    EXPECT_EQ(t.storage(), a.storage());
    EXPECT_EQ(t.at({2, 1}), 5);
    EXPECT_EQ(t.toFloats(), (std::vector<float>{0, 3, 1, 4, 2, 5}));
    EXPECT_EQ(a.slice(1, 1, 3).select(0, 1).toFloats(), (std::vector<float>{4, 5}));
    EXPECT_EQ(a.select(0, 1).expand({2, 3}).toFloats(), (std::vector<float>{3, 4, 5, 3, 4, 5}));
    EXPECT_EQ(a.reshape({3, -1}).shape(), (Shape{3, 2}));
    EXPECT_THROW((void)t.reshape({6}), Error);
    EXPECT_THROW((void)a.slice(0, 1, 3), Error);
    EXPECT_THROW((void)a.pointer<double>(), Error);
}

TEST(Tensor, ViewsOutsideTheirStorageAreRefused) {
    const auto storage = Storage::allocate(16);
    EXPECT_NO_THROW((void)Tensor::view(storage, 0, {4}, DType::F32));
    EXPECT_THROW((void)Tensor::view(storage, 4, {4}, DType::F32), Error);
    EXPECT_THROW((void)Tensor::view(storage, 0, {std::int64_t{1} << 62, 8}, DType::F32), Error);
    EXPECT_THROW((void)Tensor::view(storage, 0, {-1}, DType::F32), Error);
    EXPECT_THROW((void)Tensor::empty({std::int64_t{1} << 62, 8}), Error);
}

TEST(Tensor, MappedFilesAreReadOnly) {
    const auto file = std::filesystem::temp_directory_path() / "orrery-tensor-test.bin";
    std::ofstream(file, std::ios::binary) << "abcdefgh";
    const Tensor t = Tensor::view(Storage::mapFile(file), 0, {2}, DType::F32);
    EXPECT_EQ(std::memcmp(t.rawData(), "abcdefgh", 8), 0);
    EXPECT_THROW(t.fill(0), Error);
    std::filesystem::remove(file);
    EXPECT_THROW((void)Storage::mapFile("/nonexistent"), InputError);
    EXPECT_THROW((void)Storage::mapFile("/tmp"), InputError);
}

TEST(Tensor, ConversionsAgreeWithTheirDefinition) {
    rc::check("f16 and bf16 round to nearest", [](float value) {
        if (std::isfinite(value) && std::fabs(value) < 60000.0F) {
            const float half = static_cast<float>(Float16(value));
            RC_ASSERT(std::fabs(half - value) <= std::max(std::fabs(value) * 0x1p-11F, 0x1p-25F));
            RC_ASSERT(Float16(half).bits == Float16(value).bits);
        }
        if (std::isfinite(value) && std::fabs(value) < 3e38F) {
            const float brain = static_cast<float>(BFloat16(value));
            RC_ASSERT(std::fabs(brain - value) <= std::max(std::fabs(value) * 0x1p-8F, 1e-38F));
        }
    });
    for (std::uint32_t bits = 0; bits < 65536; ++bits) {
        Float16 half;
        half.bits = static_cast<std::uint16_t>(bits);
        const float wide = static_cast<float>(half);
        if (!std::isnan(wide)) {
            ASSERT_EQ(Float16(wide).bits, half.bits);
        }
    }
    const Tensor wild =
        Tensor::of<float>({4}, {std::numeric_limits<float>::quiet_NaN(), 1e30F, -1e30F, -2.7F});
    EXPECT_EQ(wild.to(DType::I64).toIntegers(),
              (std::vector<std::int64_t>{0, std::numeric_limits<std::int64_t>::max(),
                                         std::numeric_limits<std::int64_t>::min(), -2}));
}

TEST(Tensor, PermutingBackGivesTheOriginal) {
    rc::check([](std::uint8_t a, std::uint8_t b, std::uint8_t c) {
        const Shape shape{a % 5 + 1, b % 5 + 1, c % 5 + 1};
        Tensor t = Tensor::empty(shape);
        float next = 0;
        for (auto& value : t.mutableData<float>())
            value = next++;
        const std::array order{2, 0, 1};
        const std::array back{1, 2, 0};
        RC_ASSERT(t.permute(order).clone().permute(back).toFloats() == t.toFloats());
    });
}

TEST(Storage, OwnedBytesAreCounted) {
    const std::size_t before = ownedBytes();
    {
        const Tensor t = Tensor::empty({1000});
        EXPECT_EQ(ownedBytes(), before + 4000);
    }
    EXPECT_EQ(ownedBytes(), before);
}

} // namespace
} // namespace orrery
