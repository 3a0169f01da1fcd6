// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

#include <cstdint>

// Linear recurrences of state space models over a sequence. Tensors are f32; those with a time dimension
// [B, L, ..] may be strided views whose last dimension is dense. The state is read and left behind, so that a
// sequence can be taken in pieces of any length, which is how long ones stay cancellable and how decoding
// goes on; it lies state first, so that one step runs along the channels.
namespace orrery::kernels {

/// The selective scan of Mamba (Gu & Dao 2023, equation 2a with the discretisation of algorithm 2): for each
/// channel c and each of its N states n
///   h[n, c] = exp(step[c] rate[n, c]) h[n, c] + step[c] in[n] x[c];   y[c] = sum_n out[n] h[n, c] + skip[c]
///   x[c].
struct SelectiveScan {
    Tensor x;     ///< [B, L, C]
    Tensor step;  ///< [B, L, C], positive
    Tensor rate;  ///< [N, C], negative
    Tensor in;    ///< [B, L, N]
    Tensor out;   ///< [B, L, N]
    Tensor skip;  ///< [C]
    Tensor state; ///< [B, N, C], updated
    Tensor y;     ///< [B, L, C], written
};
void selectiveScan(const SelectiveScan& scan);

/// Mamba-2's (Dao & Gu 2024, equation 1 with a scalar times identity for A): the channels are H heads of
/// equal width with one step and one rate each, and G groups of heads share in and out; H is a multiple of G.
struct ScalarScan {
    Tensor x;     ///< [B, L, C]
    Tensor step;  ///< [B, L, H], positive
    Tensor rate;  ///< [H], negative
    Tensor in;    ///< [B, L, G N]
    Tensor out;   ///< [B, L, G N]
    Tensor skip;  ///< [H]
    Tensor state; ///< [B, N, C], updated
    Tensor y;     ///< [B, L, C], written
};
void scalarScan(const ScalarScan& scan);

/// What a scan costs: operations of the recurrence as it is written above, an exponential being one, and the
/// least traffic (operands read once, the state read and left, y written).
struct ScanCount {
    double operations = 0;
    double bytes = 0;
};
/// Operations: B L C (7 N + 2).
[[nodiscard]] ScanCount selectiveScanCount(std::int64_t batch, std::int64_t length, std::int64_t channels,
                                           std::int64_t states);
/// Operations: B L (2 H + C (5 N + 2)).
[[nodiscard]] ScanCount scalarScanCount(std::int64_t batch, std::int64_t length, std::int64_t channels,
                                        std::int64_t states, std::int64_t heads, std::int64_t groups);

} // namespace orrery::kernels
