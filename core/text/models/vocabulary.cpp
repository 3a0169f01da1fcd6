// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/models/vocabulary.h"

#include "base/error.h"

#include <fmt/format.h>

namespace orrery::text {

Vocabulary::Vocabulary(const JsonNode& node) {
    if (!node.json().is_object())
        node.fail("must be an object of tokens and ids");
    m_ids.reserve(node.json().size());
    m_tokens.reserve(node.json().size());
    for (const auto& [token, id] : node.json().items()) {
        if (!id.is_number_integer() ||
            (id.is_number_unsigned() ? id.get<std::uint64_t>() >= idLimit : id.get<std::int64_t>() < 0))
            throw InputError(
                fmt::format("{} is {} where an id from 0 to {} is needed; download the file again.",
                            node.whereOf(token), id.dump().substr(0, 60), idLimit - 1));
        add(token, id.get<std::uint32_t>());
    }
}

void Vocabulary::add(std::string_view token, std::uint32_t id) {
    const auto [entry, inserted] = m_ids.insert_or_assign(std::string(token), id);
    if (id >= m_tokens.size())
        m_tokens.resize(std::size_t{id} + 1, nullptr);
    m_tokens[id] = &entry->first;
}

std::optional<std::uint32_t> Vocabulary::find(std::string_view token) const {
    const auto found = m_ids.find(token);
    return found == m_ids.end() ? std::nullopt : std::optional(found->second);
}

} // namespace orrery::text
