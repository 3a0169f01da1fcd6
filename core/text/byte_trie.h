// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "text/flat_map.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace orrery::text {

/// A prefix tree over bytes: finds all keys that a text begins with, shortest first.
class ByteTrie {
public:
    /// The same key again replaces its value.
    void add(std::string_view key, std::uint32_t value) {
        if (key.empty())
            return;
        m_first[static_cast<unsigned char>(key.front())] = true;
        std::uint32_t node = 0;
        for (const char byte : key) {
            const std::uint64_t edge = edgeOf(node, byte);
            if (const std::uint64_t* next = m_edges.get(edge)) {
                node = static_cast<std::uint32_t>(*next);
            } else {
                m_values.push_back(none);
                const auto created = static_cast<std::uint32_t>(m_values.size() - 1);
                m_edges.set(edge, created);
                node = created;
            }
        }
        m_values[node] = value;
    }

    [[nodiscard]] bool empty() const { return m_values.size() == 1; }
    /// Whether any key begins with this byte.
    [[nodiscard]] bool begins(char byte) const { return m_first[static_cast<unsigned char>(byte)]; }

    /// Calls found(length, value) for every key that text begins with.
    template <class Found>
    void prefixes(std::string_view text, const Found& found) const {
        std::uint32_t node = 0;
        for (std::size_t i = 0; i < text.size(); ++i) {
            const std::uint64_t* next = m_edges.get(edgeOf(node, text[i]));
            if (next == nullptr)
                return;
            node = static_cast<std::uint32_t>(*next);
            if (m_values[node] != none)
                found(i + 1, m_values[node]);
        }
    }

private:
    static constexpr std::uint32_t none = 0xFFFFFFFFU;
    static std::uint64_t edgeOf(std::uint32_t node, char byte) {
        return std::uint64_t{node} << 8U | static_cast<unsigned char>(byte);
    }

    FlatMap m_edges;
    std::vector<std::uint32_t> m_values{none};
    std::array<bool, 256> m_first{};
};

} // namespace orrery::text
