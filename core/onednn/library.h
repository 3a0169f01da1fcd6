// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/activation.h"
#include "tensor/tensor.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

// What this room asks of oneDNN, without its types: only library.cpp knows them, so that another major
// version of it is supported there alone.
namespace orrery::onednn {

/// One operand of a batched product: sizes and strides (in elements) of up to 6 batch dimensions, rows and
/// columns. Batch sizes are 1 or those of the result.
struct Operand {
    void* data = nullptr;
    DType dtype = DType::F32; ///< F32 or BF16
    Shape sizes;              ///< [batch .., rows, columns]
    Shape strides;
};

/// c = a b (+ c). Every operand has a stride of 1 in one of its last two dimensions; c in the last. Returns
/// the name of the implementation.
std::string libraryMatmul(const Operand& a, const Operand& b, const Operand& c, bool accumulate);

/// Weights in the form that oneDNN chose for itself.
class LibraryWeight {
public:
    virtual ~LibraryWeight() = default;
    [[nodiscard]] virtual std::size_t bytes() const = 0;
};

/// Packs dense f32 or bf16 weights [out, in] (null: oneDNN has no product for this type here).
[[nodiscard]] std::shared_ptr<const LibraryWeight> packForLibrary(const Tensor& dense);

/// out = activation(x W + bias), plus what out held when addToOut. x and out dense in the last dimension, x
/// of the weights' dtype, out f32 or bf16.
struct LibraryProduct {
    const void* x = nullptr;
    std::int64_t rows = 0;
    std::int64_t xStride = 0;
    void* out = nullptr;
    DType outType = DType::F32;
    std::int64_t outStride = 0;
    const float* bias = nullptr;
    kernels::Activation activation = kernels::Activation::None;
    bool addToOut = false;
};
/// Returns the name of the implementation; empty when oneDNN has none for these sizes with weights of this
/// form (nothing is written then).
std::string libraryLinear(const LibraryProduct& product, const LibraryWeight& weight);

/// The forms of one convolution's kernel that oneDNN asked for (usually one). Thread safe.
class LibraryKernelForms {
public:
    virtual ~LibraryKernelForms() = default;
    [[nodiscard]] virtual bool any() const = 0; ///< one has been made
};
[[nodiscard]] std::shared_ptr<LibraryKernelForms> makeKernelForms();

/// out = activation(x * kernel + bias), maps [B, H, W, C] f32 dense.
struct LibraryConvolution {
    const float* x = nullptr;
    Shape xShape;
    float* out = nullptr;
    Shape outShape;
    Shape kernel; ///< [out, in, H, W], or [groups, out / groups, in / groups, H, W]
    const float* bias = nullptr;
    kernels::Activation activation = kernels::Activation::None;
    std::array<std::int64_t, 2> stride{1, 1}; ///< [vertical, horizontal]
    std::array<std::int64_t, 2> before{0, 0}; ///< zeros above and to the left
    std::array<std::int64_t, 2> dilation{1, 1};
};
/// dense gives the kernel, f32 dense, when a form has to be made. Returns the name of the implementation.
std::string libraryConvolution(const LibraryConvolution& convolution, LibraryKernelForms& forms,
                               const std::function<Tensor()>& dense);

} // namespace orrery::onednn
