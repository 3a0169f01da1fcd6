// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/activation.h"

#include <cstdint>

// Functions of one row of contiguous numbers, in a version for each instruction set. bf16 is passed as its
// bits. Source and target may be the same.
namespace orrery::kernels {

struct NormRow {
    const float* weight = nullptr; ///< null: ones
    const float* bias = nullptr;   ///< null: zeros
    float epsilon = 0;
    bool centred = true; ///< layer norm; RMS norm otherwise
    float mean = 0;      ///< results of the forward pass, inputs of the backward pass
    float scale = 0;
};

struct RowTable {
    void (*narrow)(const float* x, std::uint16_t* out, std::int64_t n);
    void (*widen)(const std::uint16_t* x, float* out, std::int64_t n);
    void (*add)(const float* a, const float* b, float* out, std::int64_t n);
    void (*activate)(Activation kind, const float* x, float* out, std::int64_t n);
    void (*activateBackward)(Activation kind, const float* x, const float* dOut, float* dx, std::int64_t n);
    void (*exponential)(const float* x, float* out, std::int64_t n);
    /// Log-sum-exp of a row; out (may be null) receives the softmax, zeros for a row of -infinity.
    float (*softmax)(const float* x, float* out, std::int64_t n);
    /// Normalises s into out and leaves mean and scale in norm.
    void (*norm)(const float* s, float* out, std::int64_t n, NormRow& norm);
    /// dx of one row; adds to dWeight and dBias (null: not wanted).
    void (*normBackward)(const float* s, const float* dOut, float* dx, float* dWeight, float* dBias,
                         std::int64_t n, const NormRow& norm);
    /// out = activation(gate) * up
    void (*gate)(Activation kind, const float* gate, const float* up, float* out, std::int64_t n);
    /// Turns the pairs (x[i], x[i + half]) or, when adjacent, (x[2 i], x[2 i + 1]) by the angles of cosine
    /// and sine, in place.
    void (*rotate)(float* x, const float* cosine, const float* sine, std::int64_t half, bool adjacent);
    /// max |x|
    float (*absoluteMaximum)(const float* x, std::int64_t n);
    /// round(x * factor) + 128, to nearest even, within 1 .. 255
    void (*quantise)(const float* x, float factor, std::uint8_t* out, std::int64_t n);
    /// One step of a linear recurrence: h = decay h + u in, y += h out.
    void (*recur)(const float* decay, const float* u, float in, float out, float* h, float* y,
                  std::int64_t n);
    /// The same with decay = exp(step rate).
    void (*recurSelected)(const float* step, const float* rate, const float* u, float in, float out, float* h,
                          float* y, std::int64_t n);
};

extern const RowTable rowsPortable;
extern const RowTable rowsAvx2;
extern const RowTable rowsAvx512;

/// The table for isa().
[[nodiscard]] const RowTable& rowKernels() noexcept;

} // namespace orrery::kernels
