// SPDX-License-Identifier: GPL-3.0-or-later
#include "tensor/tensor.h"

#include "tensor/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace orrery {

GradNode::~GradNode() {
    // A chain of a hundred thousand ops must not unwind on the stack: take over what would be freed.
    std::vector<std::shared_ptr<GradNode>> pending = std::move(inputs);
    backward = nullptr;
    while (!pending.empty()) {
        std::shared_ptr<GradNode> node = std::move(pending.back());
        pending.pop_back();
        if (node && node.use_count() == 1) {
            for (auto& input : node->inputs)
                pending.push_back(std::move(input));
            node->inputs.clear();
        }
    }
}

Tensor Tensor::empty(const Shape& shape, DType dtype) {
    std::size_t bytes = itemSize(dtype);
    for (const auto size : shape.sizes()) {
        ORRERY_CHECK(size >= 0, "sizes are not negative");
        if (__builtin_mul_overflow(bytes, static_cast<std::size_t>(size), &bytes))
            throw Error(fmt::format("A tensor of shape {} is larger than any memory.", shape.toText()));
    }
    Tensor result;
    result.m_storage = Storage::allocate(bytes);
    result.m_shape = shape;
    result.m_strides = shape.contiguousStrides();
    result.m_dtype = dtype;
    return result;
}

Tensor Tensor::zeros(const Shape& shape, DType dtype) {
    Tensor result = empty(shape, dtype);
    std::memset(result.mutableRawData(), 0, result.bytes());
    return result;
}

Tensor Tensor::full(const Shape& shape, double value, DType dtype) {
    Tensor result = empty(shape, dtype);
    result.fill(value);
    return result;
}

Tensor Tensor::view(std::shared_ptr<Storage> storage, std::size_t byteOffset, const Shape& shape,
                    DType dtype) {
    std::size_t bytes = itemSize(dtype);
    bool fits = true;
    for (const auto size : shape.sizes())
        fits = fits && size >= 0 && !__builtin_mul_overflow(bytes, static_cast<std::size_t>(size), &bytes);
    ORRERY_CHECK(fits && storage && byteOffset <= storage->bytes() && bytes <= storage->bytes() - byteOffset,
                 "a view lies inside its storage");
    Tensor result;
    result.m_storage = std::move(storage);
    result.m_byteOffset = byteOffset;
    result.m_shape = shape;
    result.m_strides = shape.contiguousStrides();
    result.m_dtype = dtype;
    return result;
}

Tensor Tensor::view(std::shared_ptr<Storage> storage, std::size_t byteOffset, const Shape& shape,
                    const Shape& strides, DType dtype) {
    ORRERY_CHECK(shape.rank() == strides.rank(), "a stride for every dimension");
    std::size_t furthest = 1; // elements from the first to just behind the last one
    std::size_t count = 1;
    bool fits = true;
    for (int i = 0; i < shape.rank(); ++i) {
        fits = fits && shape[i] >= 0 && strides[i] >= 0;
        std::size_t reach = 0;
        fits = fits && !__builtin_mul_overflow(count, static_cast<std::size_t>(shape[i]), &count) &&
               !__builtin_mul_overflow(static_cast<std::size_t>(std::max<std::int64_t>(shape[i], 1) - 1),
                                       static_cast<std::size_t>(strides[i]), &reach) &&
               !__builtin_add_overflow(furthest, reach, &furthest);
    }
    std::size_t bytes = 0;
    std::size_t ownBytes = 0;
    fits = fits && !__builtin_mul_overflow(count, itemSize(dtype), &ownBytes) &&
           !__builtin_mul_overflow(count == 0 ? 0 : furthest, itemSize(dtype), &bytes);
    ORRERY_CHECK(fits && storage && byteOffset <= storage->bytes() && bytes <= storage->bytes() - byteOffset,
                 "a view lies inside its storage");
    Tensor result;
    result.m_storage = std::move(storage);
    result.m_byteOffset = byteOffset;
    result.m_shape = shape;
    result.m_strides = strides;
    result.m_dtype = dtype;
    return result;
}

bool Tensor::isContiguous() const noexcept {
    std::int64_t step = 1;
    for (int i = rank() - 1; i >= 0; --i) {
        if (m_shape[i] != 1 && m_strides[i] != step)
            return elements() == 0;
        step *= m_shape[i];
    }
    return true;
}

std::byte* Tensor::mutableRawData() const {
    ORRERY_CHECK(m_storage && m_storage->writable(), "mapped weights are read-only");
    return m_storage->data() + m_byteOffset;
}

Tensor Tensor::reshape(const Shape& shape) const {
    Shape target = shape;
    std::int64_t known = 1;
    int open = -1;
    for (int i = 0; i < shape.rank(); ++i) {
        if (shape[i] == -1) {
            ORRERY_CHECK(open < 0, "only one size of a reshape may be -1");
            open = i;
        } else {
            known *= shape[i];
        }
    }
    if (open >= 0)
        target[open] = known == 0 ? 0 : elements() / known;
    ORRERY_CHECK(target.elements() == elements(),
                 fmt::format("{} reshapes to {}", m_shape.toText(), shape.toText()));
    checkContiguous();
    Tensor result = detached();
    result.m_shape = target;
    result.m_strides = target.contiguousStrides();
    return result;
}

Tensor Tensor::transpose(int a, int b) const {
    Tensor result = detached();
    std::swap(result.m_shape[a], result.m_shape[b]);
    std::swap(result.m_strides[a], result.m_strides[b]);
    return result;
}

Tensor Tensor::permute(std::span<const int> order) const {
    ORRERY_CHECK(static_cast<int>(order.size()) == rank(), "a permutation names every dimension");
    Tensor result = detached();
    std::array<bool, Shape::maxRank> seen{};
    for (int i = 0; i < rank(); ++i) {
        const int from = order[static_cast<std::size_t>(i)];
        ORRERY_CHECK(from >= 0 && from < rank() && !seen[static_cast<std::size_t>(from)], "a permutation");
        seen[static_cast<std::size_t>(from)] = true;
        result.m_shape[i] = m_shape[from];
        result.m_strides[i] = m_strides[from];
    }
    return result;
}

Tensor Tensor::slice(int dimension, std::int64_t begin, std::int64_t end) const {
    ORRERY_CHECK(begin >= 0 && begin <= end && end <= m_shape[dimension],
                 fmt::format("slice {}:{} of dimension {} of {}", begin, end, dimension, m_shape.toText()));
    Tensor result = detached();
    result.m_byteOffset += static_cast<std::size_t>(begin * m_strides[dimension]) * itemSize(m_dtype);
    result.m_shape[dimension] = end - begin;
    return result;
}

Tensor Tensor::select(int dimension, std::int64_t index) const {
    Tensor result = slice(dimension, index, index + 1);
    result.m_shape = result.m_shape.without(dimension);
    result.m_strides = result.m_strides.without(dimension);
    return result;
}

Tensor Tensor::expand(const Shape& shape) const {
    ORRERY_CHECK(shape.rank() >= rank(), "expand keeps the dimensions there are");
    Tensor result = detached();
    result.m_shape = shape;
    result.m_strides = shape;
    for (int i = 0; i < shape.rank(); ++i) {
        const int own = i - (shape.rank() - rank());
        const bool repeats = own < 0 || (m_shape[own] == 1 && shape[i] != 1);
        ORRERY_CHECK(repeats || m_shape[own] == shape[i],
                     fmt::format("{} expands to {}", m_shape.toText(), shape.toText()));
        result.m_strides[i] = repeats ? 0 : m_strides[own];
    }
    return result;
}

Tensor Tensor::unsqueeze(int dimension) const {
    const int position = dimension < 0 ? dimension + rank() + 1 : dimension;
    ORRERY_CHECK(position >= 0 && position <= rank(), "unsqueeze inside the shape");
    Tensor result = detached();
    Shape shape;
    Shape strides;
    for (int i = 0; i <= rank(); ++i) {
        if (i == position) {
            shape.append(1);
            strides.append(1);
        }
        if (i < rank()) {
            shape.append(m_shape[i]);
            strides.append(m_strides[i]);
        }
    }
    result.m_shape = shape;
    result.m_strides = strides;
    return result;
}

Tensor Tensor::clone() const {
    Tensor result = empty(m_shape, m_dtype);
    result.copyFrom(*this);
    return result;
}

Tensor Tensor::contiguous() const {
    return isContiguous() ? *this : clone();
}

Tensor Tensor::to(DType dtype) const {
    if (dtype == m_dtype)
        return contiguous();
    Tensor result = empty(m_shape, dtype);
    result.copyFrom(*this);
    return result;
}

void Tensor::copyFrom(const Tensor& source) const {
    ORRERY_CHECK(source.shape() == m_shape,
                 fmt::format("copy of {} into {}", source.shape().toText(), m_shape.toText()));
    convertElements(source, *this);
}

void Tensor::fill(double value) const {
    const Tensor scalar = of<double>({}, {value});
    convertElements(scalar.expand(m_shape), *this);
}

std::vector<float> Tensor::toFloats() const {
    const Tensor floats = to(DType::F32);
    const auto values = floats.data<float>();
    return {values.begin(), values.end()};
}

std::vector<std::int64_t> Tensor::toIntegers() const {
    const Tensor integers = to(DType::I64);
    const auto values = integers.data<std::int64_t>();
    return {values.begin(), values.end()};
}

double Tensor::at(std::initializer_list<std::int64_t> indices) const {
    ORRERY_CHECK(static_cast<int>(indices.size()) == rank(), "one index a dimension");
    Tensor element = *this;
    for (const auto index : indices)
        element = element.select(0, index);
    return element.item();
}

double Tensor::item() const {
    ORRERY_CHECK(elements() == 1, "item() is of a tensor with one element");
    return clone().reshape({1}).to(DType::F64).data<double>()[0];
}

Tensor Tensor::withGradNode(std::shared_ptr<GradNode> node) const {
    Tensor result = *this;
    result.m_gradNode = std::move(node);
    return result;
}

void Tensor::checkType(DType wanted) const {
    ORRERY_CHECK(
        m_storage && m_dtype == wanted,
        fmt::format("a {} tensor where {} is needed", m_storage ? name(m_dtype) : "missing", name(wanted)));
}

void Tensor::checkContiguous() const {
    ORRERY_CHECK(isContiguous(), fmt::format("a contiguous tensor of shape {}", m_shape.toText()));
}

} // namespace orrery
