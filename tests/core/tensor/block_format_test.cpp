// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/random.h"
#include "tensor/block_format.h"
#include "tensor/block_matrix.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace orrery {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::vector<float> read(BlockFormat format, const Bytes& bytes) {
    const std::int64_t blocks = static_cast<std::int64_t>(bytes.size()) / blockBytes(format);
    std::vector<float> values(static_cast<std::size_t>(blocks * blockElements(format)));
    dequantise(format, reinterpret_cast<const std::byte*>(bytes.data()), values.data(),
               static_cast<std::int64_t>(values.size()));
    return values;
}

// Blocks by hand; 0x3800 is 0.5, 0x3c00 is 1, 0x4000 is 2 in binary16.
Bytes block(BlockFormat format, std::initializer_list<int> beginning) {
    Bytes bytes(static_cast<std::size_t>(blockBytes(format)));
    std::size_t i = 0;
    for (const int byte : beginning)
        bytes[i++] = static_cast<std::uint8_t>(byte);
    return bytes;
}

TEST(BlockFormat, SmallBlocksAreReadAsPublished) {
    auto y = read(BlockFormat::Q40, block(BlockFormat::Q40, {0x00, 0x38, 0xf0, 0x19}));
    EXPECT_EQ(y[0], -4);     // (0 - 8) / 2
    EXPECT_EQ(y[16], 3.5F);  // (15 - 8) / 2
    EXPECT_EQ(y[1], 0.5F);   // 9
    EXPECT_EQ(y[17], -3.5F); // 1
    y = read(BlockFormat::Q41, block(BlockFormat::Q41, {0x00, 0x40, 0x00, 0x3c, 0x52}));
    EXPECT_EQ(y[0], 5);   // 2 * 2 + 1
    EXPECT_EQ(y[16], 11); // 5 * 2 + 1
    EXPECT_EQ(y[31], 1);
    // Fifth bits: number 0 and number 17.
    y = read(BlockFormat::Q50, block(BlockFormat::Q50, {0x00, 0x3c, 0x01, 0x00, 0x02, 0x00, 0x21, 0x43}));
    EXPECT_EQ(y[0], 1);    // 1 + 16 - 16
    EXPECT_EQ(y[16], -14); // 2 - 16
    EXPECT_EQ(y[1], -13);  // 3 - 16
    EXPECT_EQ(y[17], 4);   // 4 + 16 - 16
    y = read(BlockFormat::Q51,
             block(BlockFormat::Q51, {0x00, 0x3c, 0x00, 0x38, 0x01, 0x00, 0x02, 0x00, 0x21, 0x43}));
    EXPECT_EQ(y[0], 17.5F);
    EXPECT_EQ(y[16], 2.5F);
    EXPECT_EQ(y[17], 20.5F);
    y = read(BlockFormat::Q80, block(BlockFormat::Q80, {0x00, 0x38, 0x7f, 0x80, 0xff}));
    EXPECT_EQ(y[0], 63.5F);
    EXPECT_EQ(y[1], -64);
    EXPECT_EQ(y[2], -0.5F);
}

/// A large block, written field by field from the layout's description.
TEST(BlockFormat, LargeBlocksAreReadAsPublished) {
    const int scales[8] = {1, 2, 3, 63, 5, 33, 17, 48};
    const int minima[8] = {0, 1, 62, 3, 63, 16, 31, 40};
    for (const BlockFormat format : {BlockFormat::Q4K, BlockFormat::Q5K}) {
        Bytes bytes = block(format, {0x00, 0x38, 0x00, 0x3c}); // 0.5 and 1
        for (std::size_t j = 0; j < 4; ++j) {
            bytes[4 + j] = static_cast<std::uint8_t>(scales[j] | (scales[j + 4] >> 4) << 6);
            bytes[8 + j] = static_cast<std::uint8_t>(minima[j] | (minima[j + 4] >> 4) << 6);
            bytes[12 + j] = static_cast<std::uint8_t>((scales[j + 4] & 15) | (minima[j + 4] & 15) << 4);
        }
        Generator generator(3);
        int q[256];
        const bool five = format == BlockFormat::Q5K;
        for (std::size_t i = 0; i < 256; ++i) {
            q[i] = static_cast<int>(generator.next() % (five ? 32U : 16U));
            const std::size_t group = i / 32;
            bytes[(five ? 48 : 16) + group / 2 * 32 + i % 32] |=
                static_cast<std::uint8_t>((q[i] & 15) << (4 * (group % 2)));
            if (five)
                bytes[16 + i % 32] |= static_cast<std::uint8_t>((q[i] >> 4) << group);
        }
        const auto y = read(format, bytes);
        for (std::size_t i = 0; i < 256; ++i) {
            const std::size_t group = i / 32;
            const auto scaled = static_cast<float>(scales[group] * q[i]);
            ASSERT_EQ(y[i], 0.5F * scaled - static_cast<float>(minima[group])) << name(format) << " " << i;
        }
    }
    Bytes bytes = block(BlockFormat::Q6K, {});
    bytes[208] = 0x00;
    bytes[209] = 0x38;
    Generator generator(4);
    int q[256];
    for (std::size_t i = 0; i < 256; ++i) {
        q[i] = static_cast<int>(generator.next() % 64U);
        const std::size_t part = i / 128;
        const std::size_t group = i % 128 / 32;
        bytes[64 * part + (group % 2) * 32 + i % 32] |=
            static_cast<std::uint8_t>((q[i] & 15) << (group < 2 ? 0 : 4));
        bytes[128 + 32 * part + i % 32] |= static_cast<std::uint8_t>((q[i] >> 4) << (2 * group));
    }
    for (std::size_t j = 0; j < 16; ++j)
        bytes[192 + j] = static_cast<std::uint8_t>(static_cast<int>(j) * 17 - 128);
    const auto y = read(BlockFormat::Q6K, bytes);
    for (std::size_t i = 0; i < 256; ++i)
        ASSERT_EQ(y[i], 0.5F * static_cast<float>((static_cast<int>(i / 16) * 17 - 128) * (q[i] - 32))) << i;
}

RC_GTEST_PROP(BlockFormat, QuantisingStaysWithinItsBound, ()) {
    Generator generator(*rc::gen::arbitrary<std::uint64_t>());
    const auto format = *rc::gen::element(BlockFormat::Q80, BlockFormat::Q40);
    const double size = std::pow(10.0, *rc::gen::inRange(-6, 5));
    std::vector<float> x(64);
    for (float& value : x)
        value = static_cast<float>(generator.normal() * size);
    if (*rc::gen::arbitrary<bool>())
        std::fill(x.begin(), x.begin() + 32, 0.0F);
    Bytes bytes(static_cast<std::size_t>(2 * blockBytes(format)));
    quantise(format, x.data(), reinterpret_cast<std::byte*>(bytes.data()), 64);
    const auto y = read(format, bytes);
    for (std::size_t i = 0; i < 64; ++i) {
        double peak = 0;
        for (std::size_t j = i / 32 * 32; j < i / 32 * 32 + 32; ++j)
            peak = std::max(peak, std::abs(static_cast<double>(x[j])));
        const double steps = format == BlockFormat::Q80 ? 127 : 8;
        // Half a step in Q8_0; up to a step at Q4_0's short end; the scale itself is rounded to binary16.
        const double scaleError = std::max(peak / steps * 0x1p-11, 0x1p-25);
        const double bound = peak / steps * (format == BlockFormat::Q80 ? 0.5 : 1) + steps * scaleError;
        RC_ASSERT(std::abs(y[i] - x[i]) <= bound * 1.0001);
    }
    if (size < 0.1) // scales below binary16's normal numbers are coarse
        return;
    // What is written is read and written again as it was.
    Bytes again(bytes.size());
    quantise(format, y.data(), reinterpret_cast<std::byte*>(again.data()), 64);
    const auto twice = read(format, again);
    for (std::size_t i = 0; i < 64; ++i)
        RC_ASSERT(std::abs(twice[i] - y[i]) <= 1e-3 * std::abs(y[i]) + 1e-6);
}

TEST(BlockFormat, NumbersThatAreNoneDoNotSpread) {
    std::vector<float> x(32, 1.0F);
    x[3] = std::numeric_limits<float>::infinity();
    x[4] = std::numeric_limits<float>::quiet_NaN();
    for (const BlockFormat format : {BlockFormat::Q80, BlockFormat::Q40}) {
        Bytes bytes(static_cast<std::size_t>(blockBytes(format)));
        quantise(format, x.data(), reinterpret_cast<std::byte*>(bytes.data()), 32);
        for (const float value : read(format, bytes))
            EXPECT_TRUE(std::isfinite(value));
    }
    std::byte none[210];
    EXPECT_THROW(quantise(BlockFormat::Q6K, x.data(), none, 0), UsageError);
}

TEST(BlockMatrix, ReadsItsRowsInTheGivenOrderAndNothingOutside) {
    const auto storage = Storage::allocate(3 * 34 + 1);
    std::memset(storage->data(), 0, storage->bytes());
    for (std::size_t row = 0; row < 3; ++row) {
        storage->data()[1 + row * 34 + 1] = std::byte{0x3c};
        storage->data()[1 + row * 34 + 2] = static_cast<std::byte>(row + 1);
    }
    BlockMatrix matrix{BlockFormat::Q80, storage, 1, 3, 32};
    matrix.check();
    EXPECT_EQ(matrix.bytes(), 102U);
    EXPECT_EQ(matrix.toDense().at({2, 0}), 3);
    matrix.order = std::make_shared<std::vector<std::int32_t>>(std::vector<std::int32_t>{2, 0, 1});
    matrix.check();
    EXPECT_EQ(matrix.toDense().at({0, 0}), 3);
    EXPECT_EQ(matrix.toDense().at({2, 0}), 2);
    matrix.order = std::make_shared<std::vector<std::int32_t>>(std::vector<std::int32_t>{3, 0, 1});
    EXPECT_THROW(matrix.check(), Error);
    matrix.order = nullptr;
    matrix.byteOffset = 2;
    EXPECT_THROW(matrix.check(), Error);
}

} // namespace
} // namespace orrery
