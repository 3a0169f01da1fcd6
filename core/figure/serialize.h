// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/json.h"
#include "figure/figure.h"

#include <cstdint>
#include <optional>
#include <string>

namespace orrery::figure {

/// How the numbers of matrices are written: readable, or compact and fast (base64 of little-endian f32). Both
/// are lossless and fromJson() reads both.
enum class MatrixEncoding { Numbers, Base64 };

/// All matrices of one figure together are written in at most this many cells; a figure with more is pooled
/// (block means) by the smallest factor that fits, and the factor and the true sizes are recorded.
constexpr std::int64_t defaultMaxCells = std::int64_t{4} << 20U;

/// The figure as JSON. Lossless (also NaN and infinities) but for pooling beyond maxCells.
[[nodiscard]] OrderedJson toJson(const Figure& figure, MatrixEncoding encoding = MatrixEncoding::Numbers,
                                 std::int64_t maxCells = defaultMaxCells);
/// Reads what toJson() wrote; name is used in the InputError when it is not a figure. Matrices come back as
/// DenseMatrix (of the pooled sizes when they were pooled).
[[nodiscard]] Figure fromJson(const Json& json, const std::string& name);

/// The numbers as CSV (RFC 4180, UTF-8, header line). Heatmap: a row per row; HeadGrid and AttentionLines:
/// long form (layer, head, query, key, value); TokenStrip: a row per token; Series: a row per point; Bars: a
/// row per category; Table: itself; Text: one cell. NaN is an empty field.
[[nodiscard]] std::string toCsv(const Figure& figure, std::int64_t maxCells = defaultMaxCells);

/// A NumPy .npy file (format 1.0, little-endian f32, C order) of the figure's matrices: Heatmap [rows,
/// columns], HeadGrid [layers, heads, rows, columns], AttentionLines [heads, rows, columns]. Nothing for
/// other kinds and when the maps differ in size.
[[nodiscard]] std::optional<std::string> toNpy(const Figure& figure, std::int64_t maxCells = defaultMaxCells);

/// The factor by which toJson(), toCsv() and toNpy() pool this figure: 1 when it is written whole.
[[nodiscard]] std::int64_t poolingFactor(const Figure& figure, std::int64_t maxCells = defaultMaxCells);

} // namespace orrery::figure
