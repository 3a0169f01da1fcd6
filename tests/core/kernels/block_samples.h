// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/random.h"
#include "tensor/block_matrix.h"

#include <cstring>

namespace orrery {

/// Blocks of random bits with scales that are numbers: every format, also those that Orrery does not write.
inline BlockMatrix randomBlocks(BlockFormat format, std::int64_t rows, std::int64_t columns,
                                Generator& generator) {
    BlockMatrix matrix;
    matrix.format = format;
    matrix.rows = rows;
    matrix.columns = columns;
    matrix.byteOffset = 6; // blocks are never aligned
    matrix.storage = Storage::allocate(matrix.bytes() + matrix.byteOffset);
    auto* bytes = reinterpret_cast<std::uint8_t*>(matrix.storage->data());
    for (std::size_t i = 0; i < matrix.storage->bytes(); ++i)
        bytes[i] = static_cast<std::uint8_t>(generator.next());
    const auto put = [&](std::uint8_t* at, double size) {
        const Float16 scale(static_cast<float>(generator.normal() * size));
        std::memcpy(at, &scale.bits, 2);
    };
    const bool hasMinimum = format == BlockFormat::Q41 || format == BlockFormat::Q51 ||
                            format == BlockFormat::Q4K || format == BlockFormat::Q5K;
    for (std::uint8_t* block = bytes + matrix.byteOffset; block < bytes + matrix.storage->bytes();
         block += blockBytes(format)) {
        if (format == BlockFormat::Q6K) {
            put(block + 208, 1e-4);
            continue;
        }
        put(block, blockElements(format) == 256 ? 1e-3 : 0.02);
        if (hasMinimum)
            put(block + 2, blockElements(format) == 256 ? 1e-3 : 0.1);
    }
    return matrix;
}

} // namespace orrery
