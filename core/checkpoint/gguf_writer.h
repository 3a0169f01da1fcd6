// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/progress.h"
#include "checkpoint/gguf.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace orrery::checkpoint {

/// A value to be written: the whole numbers as u32 and i64, numbers as f32, lists of one type.
using GgufOutput = std::variant<std::uint32_t, std::int64_t, float, bool, std::string,
                                std::vector<std::string>, std::vector<float>, std::vector<std::int32_t>>;
using GgufSettings = std::vector<std::pair<std::string, GgufOutput>>; ///< in the order of the file

/// A tensor to be written; its numbers are asked for when it is its turn, so that a model larger than memory
/// can be written.
struct GgufTensor {
    std::string name;
    Shape shape; ///< as Orrery counts: the last dimension is dense
    const GgufTensorType* type = nullptr;
    std::function<Tensor()> values; ///< any dtype and strides, this shape
};

/// Writes version 3. Numbers are converted or quantised, a few rows at a time. UsageError for doubled names,
/// types that are not written, and rows that are no whole blocks; Error when the file cannot be written.
void writeGguf(const std::filesystem::path& file, const GgufSettings& settings,
               std::span<const GgufTensor> tensors, const Progress& progress = {});

} // namespace orrery::checkpoint
