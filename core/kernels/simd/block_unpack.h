// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/simd/vec.h"
#include "tensor/block_format.h"

// Up to 256 quantised numbers as integers of 16 bits with their scales: what differs between the formats. The
// loops have fixed lengths, so that the compiler makes vector code of them for each instruction set.
namespace orrery::kernels::ORRERY_SIMD {

using std::int16_t;
using std::int8_t;
using std::uint8_t;

/// value = scale * q - minimum.
struct Chunk {
    static constexpr int groups = 8; ///< of 32 numbers
    alignas(64) int16_t q[32 * groups];
    alignas(64) float scale[2 * groups]; ///< of every 32, or of every 16
    alignas(64) float minimum[groups];   ///< of every 32; zero where the format has none
};

/// binary16 to f32. The flags of every set but the portable one include F16C.
ORRERY_INLINE float half(const uint8_t* at) {
    uint16_t bits;
    __builtin_memcpy(&bits, at, 2);
#if defined(__F16C__)
    return _cvtsh_ss(bits);
#else
    const uint32_t sign = (bits & 0x8000U) << 16U;
    const uint32_t exponent = (bits >> 10U) & 31U;
    const uint32_t mantissa = bits & 1023U;
    if (exponent == 0) {
        const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
        return sign != 0 ? -magnitude : magnitude;
    }
    const uint32_t wide = exponent == 31 ? 0x7f800000U : (exponent + 112U) << 23U;
    return __builtin_bit_cast(float, sign | wide | (mantissa << 13U));
#endif
}

template <BlockFormat format>
struct Layout; // elements and bytes of a block; halves: scales for every 16

#define ORRERY_LAYOUT(FORMAT, ELEMENTS, BYTES, HALVES, MINIMA)                                               \
    template <>                                                                                              \
    struct Layout<BlockFormat::FORMAT> {                                                                     \
        static constexpr int elements = ELEMENTS;                                                            \
        static constexpr int bytes = BYTES;                                                                  \
        static constexpr bool halves = HALVES;                                                               \
        static constexpr bool minima = MINIMA;                                                               \
    };
ORRERY_LAYOUT(Q4_0, 32, 18, false, false)
ORRERY_LAYOUT(Q4_1, 32, 20, false, true)
ORRERY_LAYOUT(Q5_0, 32, 22, false, false)
ORRERY_LAYOUT(Q5_1, 32, 24, false, true)
ORRERY_LAYOUT(Q8_0, 32, 34, false, false)
ORRERY_LAYOUT(Q4K, 256, 144, false, true)
ORRERY_LAYOUT(Q5K, 256, 176, false, true)
ORRERY_LAYOUT(Q6K, 256, 210, true, false)
#undef ORRERY_LAYOUT

ORRERY_INLINE void unpackNibbles(const uint8_t* quants, int16_t* q, int zero) {
    for (int i = 0; i < 16; ++i)
        q[i] = static_cast<int16_t>((quants[i] & 15) - zero);
    for (int i = 0; i < 16; ++i)
        q[16 + i] = static_cast<int16_t>((quants[i] >> 4) - zero);
}

ORRERY_INLINE void unpackFiveBits(const uint8_t* fifth, const uint8_t* quants, int16_t* q, int zero) {
    uint32_t high;
    __builtin_memcpy(&high, fifth, 4);
    for (uint32_t i = 0; i < 16; ++i)
        q[i] = static_cast<int16_t>((quants[i] & 15) + static_cast<int>((high >> i & 1U) << 4U) - zero);
    for (uint32_t i = 0; i < 16; ++i)
        q[16 + i] =
            static_cast<int16_t>((quants[i] >> 4) + static_cast<int>((high >> (16 + i) & 1U) << 4U) - zero);
}

/// The eight scales and minima of Q4_K and Q5_K.
ORRERY_INLINE void unpackScales(const uint8_t* block, Chunk& chunk) {
    const float scale = half(block);
    const float minimum = half(block + 2);
    const uint8_t* packed = block + 4;
    for (int j = 0; j < 4; ++j) {
        chunk.scale[j] = scale * static_cast<float>(packed[j] & 63);
        chunk.minimum[j] = minimum * static_cast<float>(packed[j + 4] & 63);
        chunk.scale[j + 4] = scale * static_cast<float>((packed[j + 8] & 15) | (packed[j] >> 6) << 4);
        chunk.minimum[j + 4] = minimum * static_cast<float>((packed[j + 8] >> 4) | (packed[j + 4] >> 6) << 4);
    }
}

template <BlockFormat format>
ORRERY_INLINE void unpackGroup(const uint8_t* block, int group, Chunk& chunk) {
    int16_t* q = chunk.q + 32 * group;
    chunk.scale[group] = half(block);
    if constexpr (Layout<format>::minima)
        chunk.minimum[group] = -half(block + 2);
    if constexpr (format == BlockFormat::Q4_0)
        unpackNibbles(block + 2, q, 8);
    else if constexpr (format == BlockFormat::Q4_1)
        unpackNibbles(block + 4, q, 0);
    else if constexpr (format == BlockFormat::Q5_0)
        unpackFiveBits(block + 2, block + 6, q, 16);
    else if constexpr (format == BlockFormat::Q5_1)
        unpackFiveBits(block + 4, block + 8, q, 0);
    else
        for (int i = 0; i < 32; ++i)
            q[i] = static_cast<int8_t>(block[2 + i]);
}

ORRERY_INLINE void unpackSixBits(const uint8_t* block, Chunk& chunk) {
    const float scale = half(block + 208);
    for (int j = 0; j < 16; ++j)
        chunk.scale[j] = scale * static_cast<float>(static_cast<int8_t>(block[192 + j]));
    for (int part = 0; part < 2; ++part) {
        const uint8_t* low = block + 64 * part;
        const uint8_t* high = block + 128 + 32 * part;
        int16_t* q = chunk.q + 128 * part;
        for (int i = 0; i < 32; ++i)
            q[i] = static_cast<int16_t>(((low[i] & 15) | (high[i] & 3) << 4) - 32);
        for (int i = 0; i < 32; ++i)
            q[32 + i] = static_cast<int16_t>(((low[32 + i] & 15) | (high[i] & 12) << 2) - 32);
        for (int i = 0; i < 32; ++i)
            q[64 + i] = static_cast<int16_t>((low[i] >> 4 | (high[i] & 48)) - 32);
        for (int i = 0; i < 32; ++i)
            q[96 + i] = static_cast<int16_t>((low[32 + i] >> 4 | (high[i] & 192) >> 2) - 32);
    }
}

/// The next `groups` (at most 8; all 8 where a block is that large) groups of 32.
template <BlockFormat format>
ORRERY_INLINE void unpack(const uint8_t* blocks, int groups, Chunk& chunk) {
    if constexpr (Layout<format>::elements == 32) {
        for (int group = 0; group < groups; ++group)
            unpackGroup<format>(blocks + Layout<format>::bytes * group, group, chunk);
    } else if constexpr (format == BlockFormat::Q6K) {
        unpackSixBits(blocks, chunk);
    } else {
        unpackScales(blocks, chunk);
        const uint8_t* quants = blocks + (format == BlockFormat::Q5K ? 48 : 16);
        for (int pair = 0; pair < 4; ++pair) {
            int16_t* q = chunk.q + 64 * pair;
            const uint8_t* from = quants + 32 * pair;
            for (int i = 0; i < 32; ++i)
                q[i] = static_cast<int16_t>(from[i] & 15);
            for (int i = 0; i < 32; ++i)
                q[32 + i] = static_cast<int16_t>(from[i] >> 4);
            if constexpr (format == BlockFormat::Q5K) {
                const uint8_t* fifth = blocks + 16;
                for (int i = 0; i < 32; ++i)
                    q[i] = static_cast<int16_t>(q[i] + ((fifth[i] >> (2 * pair) & 1) << 4));
                for (int i = 0; i < 32; ++i)
                    q[32 + i] = static_cast<int16_t>(q[32 + i] + ((fifth[i] >> (2 * pair + 1) & 1) << 4));
            }
        }
    }
}

template <typename Work>
ORRERY_INLINE void withFormat(BlockFormat format, const Work& work) {
    switch (format) {
    case BlockFormat::Q4_0:
        return work.template operator()<BlockFormat::Q4_0>();
    case BlockFormat::Q4_1:
        return work.template operator()<BlockFormat::Q4_1>();
    case BlockFormat::Q5_0:
        return work.template operator()<BlockFormat::Q5_0>();
    case BlockFormat::Q5_1:
        return work.template operator()<BlockFormat::Q5_1>();
    case BlockFormat::Q8_0:
        return work.template operator()<BlockFormat::Q8_0>();
    case BlockFormat::Q4K:
        return work.template operator()<BlockFormat::Q4K>();
    case BlockFormat::Q5K:
        return work.template operator()<BlockFormat::Q5K>();
    case BlockFormat::Q6K:
        return work.template operator()<BlockFormat::Q6K>();
    }
}

} // namespace orrery::kernels::ORRERY_SIMD
