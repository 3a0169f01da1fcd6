// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "text/flat_map.h"

#include <cstdint>
#include <vector>

namespace orrery::text {

/// A part of a word while it is being merged.
struct Symbol {
    std::uint32_t id = 0;
    std::uint32_t length = 0; ///< bytes
};

/// The merges of a byte-pair encoding: of two neighbours, which symbol they become and how early.
class Merges {
public:
    /// Later rules for the same pair replace earlier ones.
    void add(std::uint32_t left, std::uint32_t right, std::uint32_t rank, std::uint32_t result) {
        m_rules.set(keyOf(left, right), std::uint64_t{rank} << 32U | result);
    }
    /// Merges the pair of lowest rank, the leftmost first, until none is left (Sennrich et al. 2016). Takes
    /// O(n log n) for n symbols.
    void apply(std::vector<Symbol>& symbols) const;
    [[nodiscard]] std::size_t size() const { return m_rules.size(); }

private:
    static constexpr std::uint64_t noRule = ~std::uint64_t{0};
    static std::uint64_t keyOf(std::uint32_t left, std::uint32_t right) {
        return std::uint64_t{left} << 32U | right;
    }
    /// rank << 32 | result
    [[nodiscard]] std::uint64_t ruleOf(const Symbol& left, const Symbol& right) const {
        const std::uint64_t* rule = m_rules.get(keyOf(left.id, right.id));
        return rule == nullptr ? noRule : *rule;
    }
    void applyToFew(std::vector<Symbol>& symbols) const;
    void applyToMany(std::vector<Symbol>& symbols) const;

    FlatMap m_rules;
};

} // namespace orrery::text
