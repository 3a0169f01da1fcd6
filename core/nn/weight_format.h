// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/activation.h"
#include "tensor/tensor.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace orrery::nn {

using kernels::Activation;
/// From config.json's spelling ("gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu", "swish", "tanh");
/// InputError naming the known ones otherwise.
[[nodiscard]] Activation activationFromName(std::string_view name, const std::string& where);

/// What follows the product, fused by formats that can: y = activation(x W^T + bias) + residual.
struct LinearEpilogue {
    Tensor bias{}; ///< [out] f32 or undefined
    Activation activation = Activation::None;
    Tensor residual{}; ///< [rows, out] f32 or undefined; may be the output itself
};

/// How the matrix of a Linear is stored and multiplied. Compressors swap formats; what they gain is measured
/// on the real thing. Immutable after construction (lazy packing inside is synchronised); thread safe.
class WeightFormat {
public:
    virtual ~WeightFormat() = default;
    [[nodiscard]] virtual std::string name() const = 0; ///< "dense_f32", "dense_bf16", "int8_dynamic", ...
    [[nodiscard]] virtual std::int64_t inputs() const = 0;
    [[nodiscard]] virtual std::int64_t outputs() const = 0;
    /// The dtype in which apply() likes x best; F32 is always taken.
    [[nodiscard]] virtual DType inputType() const { return DType::F32; }
    /// y = x W^T and the epilogue. x: [rows, inputs] f32 (or bf16 where the format says so), row stride free;
    /// out: [rows, outputs] f32 or bf16, row stride free, written.
    virtual void apply(const Tensor& x, const LinearEpilogue& epilogue, const Tensor& out) const = 0;
    /// Bytes of the weights as they are multiplied.
    [[nodiscard]] virtual std::size_t bytes() const = 0;
    /// Memory that the first product will still take for a form of its own; 0 when it has it, or needs none.
    [[nodiscard]] virtual std::size_t bytesToPack() const { return 0; }
    /// Operations of a product with this many rows, counted for this format.
    [[nodiscard]] virtual double operations(std::int64_t rows) const {
        return 2.0 * static_cast<double>(rows) * static_cast<double>(inputs()) *
               static_cast<double>(outputs());
    }
    /// [outputs, inputs] f32: what the format stands for.
    [[nodiscard]] virtual Tensor toDense() const = 0;
    /// Tensors to be written to a checkpoint, by suffix ("weight", "weight_scale", ...).
    [[nodiscard]] virtual std::map<std::string, Tensor> save() const = 0;
};

/// The usual format: a matrix in a checkpoint, mapped, converted and packed when first multiplied.
/// weight is [outputs, inputs], or [inputs, outputs] when transposed (GPT-2's Conv1D). compute is F32 or BF16
/// (bf16 weights and products, f32 accumulation).
[[nodiscard]] std::shared_ptr<const WeightFormat> denseFormat(Tensor weight, bool transposed,
                                                              DType compute = DType::F32);
/// Several matrices [outputs_i, inputs] stacked over one another: one product for queries, keys and values.
[[nodiscard]] std::shared_ptr<const WeightFormat> stackedFormat(std::vector<Tensor> weights,
                                                                DType compute = DType::F32);

} // namespace orrery::nn
