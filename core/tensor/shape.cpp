// SPDX-License-Identifier: GPL-3.0-or-later
#include "tensor/shape.h"

#include "base/error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace orrery {

Shape::Shape(std::span<const std::int64_t> sizes) {
    for (const auto size : sizes)
        append(size);
}

std::size_t Shape::index(int dimension) const {
    const int position = dimension < 0 ? dimension + m_rank : dimension;
    ORRERY_CHECK(position >= 0 && position < m_rank,
                 fmt::format("dimension {} of shape {}", dimension, toText()));
    return static_cast<std::size_t>(position);
}

std::int64_t Shape::elements() const noexcept {
    std::int64_t product = 1;
    for (const auto size : sizes())
        product *= size;
    return product;
}

Shape Shape::contiguousStrides() const {
    Shape strides = *this;
    std::int64_t step = 1;
    for (int i = m_rank - 1; i >= 0; --i) {
        strides[i] = step;
        step *= (*this)[i];
    }
    return strides;
}

Shape Shape::without(int dimension) const {
    const auto skipped = index(dimension);
    Shape result;
    for (std::size_t i = 0; i < static_cast<std::size_t>(m_rank); ++i)
        if (i != skipped)
            result.append(m_sizes[i]);
    return result;
}

Shape Shape::with(int dimension, std::int64_t size) const {
    Shape result = *this;
    result[dimension] = size;
    return result;
}

void Shape::append(std::int64_t size) {
    ORRERY_CHECK(m_rank < maxRank, "a tensor has at most 8 dimensions");
    m_sizes[static_cast<std::size_t>(m_rank++)] = size;
}

std::string Shape::toText() const {
    return fmt::format("[{}]", fmt::join(sizes(), ", "));
}

} // namespace orrery
