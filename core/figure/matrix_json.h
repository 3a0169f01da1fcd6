// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/json.h"
#include "figure/matrix_source.h"
#include "figure/serialize.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::figure {

/// A matrix in memory, pooled when factor is above 1.
struct Materialised {
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    std::vector<float> values; ///< row-major
};
[[nodiscard]] Materialised materialise(const MatrixSource& source, std::int64_t factor);

/// The smallest factor with which matrices of these sizes have at most maxCells cells together.
[[nodiscard]] std::int64_t poolingFactorOf(const std::vector<const MatrixSource*>& matrices,
                                           std::int64_t maxCells);

/// Numbers as JSON, non-finite ones as "NaN", "Infinity", "-Infinity".
[[nodiscard]] OrderedJson numberToJson(double value);
[[nodiscard]] double numberFromJson(const Json& json, const std::string& where);

[[nodiscard]] OrderedJson matrixToJson(const MatrixSource* source, MatrixEncoding encoding,
                                       std::int64_t factor);
/// Null for a JSON null.
[[nodiscard]] std::shared_ptr<const MatrixSource> matrixFromJson(const Json& json, const std::string& where);

} // namespace orrery::figure
