// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace orrery {

/// Sizes or strides of a tensor: up to 8 numbers, held in place.
class Shape {
public:
    static constexpr int maxRank = 8;

    Shape() = default;
    Shape(std::initializer_list<std::int64_t> sizes) : Shape(std::span(sizes.begin(), sizes.size())) {}
    explicit Shape(std::span<const std::int64_t> sizes);

    [[nodiscard]] int rank() const noexcept { return m_rank; }
    /// Size of a dimension; negative counts from the back (-1 is the last).
    [[nodiscard]] std::int64_t operator[](int dimension) const { return m_sizes[index(dimension)]; }
    std::int64_t& operator[](int dimension) { return m_sizes[index(dimension)]; }
    [[nodiscard]] std::int64_t elements() const noexcept; ///< product; 1 for rank 0
    [[nodiscard]] std::span<const std::int64_t> sizes() const noexcept {
        return {m_sizes.data(), static_cast<std::size_t>(m_rank)};
    }
    [[nodiscard]] Shape contiguousStrides() const; ///< row-major, in elements
    [[nodiscard]] Shape without(int dimension) const;
    [[nodiscard]] Shape with(int dimension, std::int64_t size) const;
    void append(std::int64_t size);
    [[nodiscard]] std::string toText() const; ///< "[2, 3]"

    friend bool operator==(const Shape& a, const Shape& b) noexcept {
        if (a.m_rank != b.m_rank)
            return false;
        for (int i = 0; i < a.m_rank; ++i)
            if (a.m_sizes[static_cast<std::size_t>(i)] != b.m_sizes[static_cast<std::size_t>(i)])
                return false;
        return true;
    }

private:
    [[nodiscard]] std::size_t index(int dimension) const; ///< checked
    std::array<std::int64_t, maxRank> m_sizes{};
    int m_rank = 0;
};

} // namespace orrery
