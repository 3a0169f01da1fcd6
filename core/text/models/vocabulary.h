// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "text/json_node.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace orrery::text {

/// Tokens and their ids, both ways.
class Vocabulary {
public:
    /// Ids from here on are refused: no vocabulary is near, and tables by id must stay affordable.
    static constexpr std::int64_t idLimit = std::int64_t{1} << 24U;

    Vocabulary() = default;
    /// {"token": id, ...}; InputError for ids that are none.
    explicit Vocabulary(const JsonNode& node);
    Vocabulary(Vocabulary&&) = default;
    Vocabulary& operator=(Vocabulary&&) = default;
    Vocabulary(const Vocabulary&) = delete;
    Vocabulary& operator=(const Vocabulary&) = delete;

    /// The same token again gets the new id.
    void add(std::string_view token, std::uint32_t id);
    [[nodiscard]] std::optional<std::uint32_t> find(std::string_view token) const;
    /// Null when there is no such id.
    [[nodiscard]] const std::string* token(std::int64_t id) const {
        const auto index = static_cast<std::size_t>(id);
        return id >= 0 && index < m_tokens.size() ? m_tokens[index] : nullptr;
    }
    /// One more than the highest id.
    [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(m_tokens.size()); }
    [[nodiscard]] std::size_t count() const { return m_ids.size(); }
    [[nodiscard]] const auto& ids() const { return m_ids; }

private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };
    std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> m_ids;
    std::vector<const std::string*> m_tokens; ///< into the keys of m_ids, which do not move
};

} // namespace orrery::text
