// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/activation.h"
#include "tensor/tensor.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace orrery::onednn {

using kernels::Activation;

/// How a weight matrix lies in its checkpoint.
enum class WeightLayout {
    OutIn, ///< [out, in]: torch.nn.Linear
    InOut, ///< [in, out]: GPT-2's Conv1D
};

/// Who multiplies: chosen by what is fastest on this machine, or told so in tests and comparisons.
enum class Backend { Automatic, Kernels, OneDnn };

/// What follows a product, fused into it: y = activation(x W + bias) + residual.
struct Epilogue {
    Tensor bias{}; ///< [out] f32, or undefined
    Activation activation = Activation::None;
    Tensor residual{}; ///< like out in shape, f32 or bf16, row stride free, or undefined; may be out itself
};

/// A weight matrix that is packed for the engine when it is first multiplied, once, and never before: the
/// original (usually mapped from a file) is only referred to. Thread safe; copies share the packed form.
class PackedWeight {
public:
    PackedWeight() = default;
    /// weight: rank 2 in the given layout, f32, bf16 or f16, any strides. compute: F32 (weights widened to
    /// f32) or BF16 (weights rounded to bf16, products summed in f32).
    explicit PackedWeight(Tensor weight, WeightLayout layout = WeightLayout::OutIn,
                          DType compute = DType::F32, Backend backend = Backend::Automatic);
    /// Several matrices of the same inputs side by side: the outputs of one product are those of the first,
    /// then of the second ... (queries, keys and values).
    explicit PackedWeight(std::vector<Tensor> weights, WeightLayout layout = WeightLayout::OutIn,
                          DType compute = DType::F32, Backend backend = Backend::Automatic);

    [[nodiscard]] bool defined() const { return m_state != nullptr; }
    [[nodiscard]] std::int64_t inputs() const;
    [[nodiscard]] std::int64_t outputs() const;
    [[nodiscard]] DType compute() const;
    [[nodiscard]] const std::vector<Tensor>& originals() const;
    [[nodiscard]] WeightLayout layout() const;
    /// Bytes that a product reads: those of the packed form (known before it is made).
    [[nodiscard]] std::size_t bytes() const;
    [[nodiscard]] bool packed() const; ///< already
    void pack() const;                 ///< now rather than at the first product
    /// [out, in] f32, a copy: what is multiplied by (rounded to bf16 if compute is BF16).
    [[nodiscard]] Tensor toDense() const;

    struct State;
    [[nodiscard]] const State& state() const { return *m_state; }

private:
    std::shared_ptr<State> m_state;
};

/// out = activation(x W + bias) + residual. x [.., in] f32 or bf16 (converted on the way to the compute
/// type), out [.., out] f32 or bf16, written; both dense in the last dimension, leading dimensions collapse
/// to rows of one stride. out may not overlap x. Row strides that are multiples of 4096 bytes cost cache
/// conflicts, which are avoided by a packed copy of x.
void linear(const Tensor& x, const PackedWeight& weight, const Epilogue& epilogue, const Tensor& out);

/// Signed 8-bit weights with one scale for each output; inputs are quantised on the way, one scale for each
/// row (symmetric, absolute maximum / 127), sums in s32: y = scale_x scale_w (q_x . q_w).
class Int8Weight {
public:
    Int8Weight() = default;
    /// Quantises: scale[o] = max |w[o, :]| / 127, q = round(w / scale) to nearest even.
    static Int8Weight quantise(const Tensor& weight, WeightLayout layout = WeightLayout::OutIn);
    /// From stored parts: values [out, in] s8, scales [out] f32; InputError when they do not fit.
    static Int8Weight fromParts(const Tensor& values, const Tensor& scales);

    [[nodiscard]] bool defined() const { return m_state != nullptr; }
    [[nodiscard]] std::int64_t inputs() const;
    [[nodiscard]] std::int64_t outputs() const;
    [[nodiscard]] std::size_t bytes() const;    ///< of the packed form: what a product reads
    [[nodiscard]] Tensor values() const;        ///< [out, in] s8
    [[nodiscard]] const Tensor& scales() const; ///< [out] f32
    [[nodiscard]] Tensor toDense() const;       ///< [out, in] f32

    struct State;
    [[nodiscard]] const State& state() const { return *m_state; }

private:
    std::shared_ptr<const State> m_state;
};

/// As linear above, by int8 products.
void linear(const Tensor& x, const Int8Weight& weight, const Epilogue& epilogue, const Tensor& out);

/// out = a b, batched: a [.., m, k] ([.., k, m] with transposeA), b [.., k, n] ([.., n, k] with transposeB),
/// out [.., m, n] dense, written (out = a b + out when accumulate). Leading dimensions of a and b broadcast
/// to those of out (sizes equal or 1, or missing). Any strides; what oneDNN cannot read in place is copied.
/// f32 or bf16 operands of one dtype, out f32 or bf16; sums in f32. f64 all three: plain loops, for gradient
/// checks.
void matmul(const Tensor& a, const Tensor& b, bool transposeA, bool transposeB, const Tensor& out,
            bool accumulate = false);

} // namespace orrery::onednn
