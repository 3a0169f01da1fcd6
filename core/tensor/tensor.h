// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/error.h"
#include "tensor/dtype.h"
#include "tensor/grad_node.h"
#include "tensor/shape.h"
#include "tensor/storage.h"

#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace orrery {

/// A view of shared storage: dtype, shape, strides. Copying a Tensor copies the view, never the numbers.
/// A default-made Tensor is empty (defined() is false) and stands for "none".
class Tensor {
public:
    Tensor() = default;
    /// A new contiguous tensor with uninitialised elements.
    static Tensor empty(const Shape& shape, DType dtype = DType::F32);
    static Tensor zeros(const Shape& shape, DType dtype = DType::F32);
    static Tensor full(const Shape& shape, double value, DType dtype = DType::F32);
    /// A view of existing storage. byteOffset + the furthest element must lie inside; checked.
    static Tensor view(std::shared_ptr<Storage> storage, std::size_t byteOffset, const Shape& shape,
                       DType dtype);
    /// The same with strides of its own, in elements, none negative (checkpoints store transposed views).
    static Tensor view(std::shared_ptr<Storage> storage, std::size_t byteOffset, const Shape& shape,
                       const Shape& strides, DType dtype);
    template <typename T>
    static Tensor of(const Shape& shape, std::span<const T> values) {
        Tensor result = empty(shape, DTypeOf<T>::value);
        ORRERY_CHECK(static_cast<std::size_t>(shape.elements()) == values.size(),
                     "as many values as elements");
        std::copy(values.begin(), values.end(), result.mutableData<T>().begin());
        return result;
    }
    template <typename T>
    static Tensor of(const Shape& shape, std::initializer_list<T> values) {
        return of<T>(shape, std::span<const T>(values.begin(), values.size()));
    }

    [[nodiscard]] bool defined() const noexcept { return m_storage != nullptr; }
    [[nodiscard]] DType dtype() const noexcept { return m_dtype; }
    [[nodiscard]] const Shape& shape() const noexcept { return m_shape; }
    [[nodiscard]] const Shape& strides() const noexcept { return m_strides; } ///< in elements
    [[nodiscard]] int rank() const noexcept { return m_shape.rank(); }
    [[nodiscard]] std::int64_t size(int dimension) const { return m_shape[dimension]; }
    [[nodiscard]] std::int64_t elements() const noexcept { return m_shape.elements(); }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return static_cast<std::size_t>(elements()) * itemSize(m_dtype);
    }
    [[nodiscard]] bool isContiguous() const noexcept;
    [[nodiscard]] const std::shared_ptr<Storage>& storage() const noexcept { return m_storage; }
    [[nodiscard]] std::size_t byteOffset() const noexcept { return m_byteOffset; }

    /// Address of the first element, whatever the strides.
    [[nodiscard]] const std::byte* rawData() const noexcept { return m_storage->data() + m_byteOffset; }
    [[nodiscard]] std::byte* mutableRawData() const;
    /// Pointer to the first element; dtype checked, strides are the caller's business.
    template <typename T>
    [[nodiscard]] const T* pointer() const {
        checkType(DTypeOf<T>::value);
        return reinterpret_cast<const T*>(rawData());
    }
    template <typename T>
    [[nodiscard]] T* mutablePointer() const {
        checkType(DTypeOf<T>::value);
        return reinterpret_cast<T*>(mutableRawData());
    }
    /// All elements of a contiguous tensor; dtype and contiguity checked.
    template <typename T>
    [[nodiscard]] std::span<const T> data() const {
        checkContiguous();
        return {pointer<T>(), static_cast<std::size_t>(elements())};
    }
    template <typename T>
    [[nodiscard]] std::span<T> mutableData() const {
        checkContiguous();
        return {mutablePointer<T>(), static_cast<std::size_t>(elements())};
    }

    // Views: no numbers are copied. They keep no gradient node; differentiable views are in ops.
    [[nodiscard]] Tensor
    reshape(const Shape& shape) const; ///< one size may be -1; the tensor must be contiguous
    [[nodiscard]] Tensor transpose(int a, int b) const;
    [[nodiscard]] Tensor permute(std::span<const int> order) const;
    [[nodiscard]] Tensor slice(int dimension, std::int64_t begin, std::int64_t end) const;
    [[nodiscard]] Tensor select(int dimension, std::int64_t index) const; ///< removes the dimension
    [[nodiscard]] Tensor expand(const Shape& shape) const; ///< size-1 dimensions repeat with stride 0
    [[nodiscard]] Tensor unsqueeze(int dimension) const;

    // Copies.
    [[nodiscard]] Tensor clone() const;         ///< always a new contiguous tensor
    [[nodiscard]] Tensor contiguous() const;    ///< itself when it already is
    [[nodiscard]] Tensor to(DType dtype) const; ///< contiguous, converted; itself when nothing is to do
    void copyFrom(const Tensor& source) const;  ///< same shape; converts between dtypes
    void fill(double value) const;
    /// Elements as float, in row-major order, whatever dtype and strides.
    [[nodiscard]] std::vector<float> toFloats() const;
    [[nodiscard]] std::vector<std::int64_t> toIntegers() const;
    /// One element as double.
    [[nodiscard]] double at(std::initializer_list<std::int64_t> indices) const;
    [[nodiscard]] double item() const; ///< of a tensor with one element

    // The tape (see ops/record.h).
    [[nodiscard]] const std::shared_ptr<GradNode>& gradNode() const noexcept { return m_gradNode; }
    [[nodiscard]] bool tracked() const noexcept { return m_gradNode != nullptr; }
    [[nodiscard]] Tensor withGradNode(std::shared_ptr<GradNode> node) const;
    [[nodiscard]] Tensor detached() const { return withGradNode(nullptr); }

private:
    void checkType(DType wanted) const;
    void checkContiguous() const;

    std::shared_ptr<Storage> m_storage;
    std::shared_ptr<GradNode> m_gradNode;
    std::size_t m_byteOffset = 0;
    Shape m_shape;
    Shape m_strides;
    DType m_dtype = DType::F32;
};

} // namespace orrery
