// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/json_node.h"

#include "base/error.h"
#include "text/utf8.h"

#include <fmt/format.h>

namespace orrery::text {
namespace {

std::string shortened(std::string text) {
    constexpr std::size_t longest = 60;
    if (text.size() <= longest)
        return text;
    std::size_t end = longest;
    while (end > 0 && isContinuationByte(text[end]))
        --end;
    return text.substr(0, end) + "...";
}

} // namespace

JsonNode JsonNode::child(const Json& value, const std::string& step) const {
    return {value, *m_file, m_path.empty() || step.front() == '[' ? m_path + step : m_path + "." + step};
}

JsonNode JsonNode::at(std::string_view key) const {
    if (!m_value->is_object())
        fail("must be an object");
    const auto found = m_value->find(key);
    if (found == m_value->end())
        fail(fmt::format("lacks the key \"{}\"", key));
    return child(*found, std::string(key));
}

std::optional<JsonNode> JsonNode::find(std::string_view key) const {
    if (!m_value->is_object())
        fail("must be an object");
    const auto found = m_value->find(key);
    if (found == m_value->end() || found->is_null())
        return std::nullopt;
    return child(*found, std::string(key));
}

std::vector<JsonNode> JsonNode::elements() const {
    if (!m_value->is_array())
        fail("must be a list");
    std::vector<JsonNode> nodes;
    nodes.reserve(m_value->size());
    for (std::size_t i = 0; i < m_value->size(); ++i)
        nodes.push_back(child((*m_value)[i], fmt::format("[{}]", i)));
    return nodes;
}

std::string JsonNode::text() const {
    if (!m_value->is_string())
        fail("must be a text");
    return m_value->get<std::string>();
}

bool JsonNode::boolean() const {
    if (!m_value->is_boolean())
        fail("must be true or false");
    return m_value->get<bool>();
}

std::int64_t JsonNode::integer(std::int64_t low, std::int64_t high) const {
    if (!m_value->is_number_integer())
        fail("must be a whole number");
    // Above 2^63 the value is stored unsigned and would turn negative.
    const bool huge = m_value->is_number_unsigned() &&
                      m_value->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
    const std::int64_t value = huge ? INT64_MAX : m_value->get<std::int64_t>();
    if (huge || value < low || value > high)
        fail(fmt::format("is {}, which is not between {} and {}", m_value->dump(), low, high));
    return value;
}

char32_t JsonNode::character() const {
    const std::string value = text();
    std::size_t end = 0;
    const char32_t c = value.empty() ? U'\0' : nextCharacter(value, end);
    if (value.empty() || end != value.size())
        fail("must be a text of one character");
    return c;
}

bool JsonNode::boolean(std::string_view key, bool otherwise) const {
    const auto node = find(key);
    return node ? node->boolean() : otherwise;
}

std::string JsonNode::text(std::string_view key, const std::string& otherwise) const {
    const auto node = find(key);
    return node ? node->text() : otherwise;
}

std::int64_t JsonNode::integer(std::string_view key, std::int64_t low, std::int64_t high,
                               std::int64_t otherwise) const {
    const auto node = find(key);
    return node ? node->integer(low, high) : otherwise;
}

std::string JsonNode::where() const {
    return m_path.empty() ? *m_file : fmt::format("{} of {}", m_path, *m_file);
}

std::string JsonNode::whereOf(std::string_view key) const {
    return fmt::format("{}[\"{}\"] of {}", m_path, shortened(std::string(key)), *m_file);
}

void JsonNode::fail(const std::string& problem) const {
    throw InputError(fmt::format("{} {}; download the file again or correct it.", where(), problem));
}

} // namespace orrery::text
