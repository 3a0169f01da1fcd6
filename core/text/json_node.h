// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/json.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::text {

/// A value of a JSON file together with where it stands, so that whatever is wrong with it can be said in a
/// sentence that names file and key. The file name and the document must outlive it.
class JsonNode {
public:
    JsonNode(const Json& value, const std::string& file, std::string path = {})
        : m_value(&value), m_file(&file), m_path(std::move(path)) {}

    /// The member; InputError when this is not an object or has no such member.
    [[nodiscard]] JsonNode at(std::string_view key) const;
    /// The member; none when it is missing or null.
    [[nodiscard]] std::optional<JsonNode> find(std::string_view key) const;
    /// The elements; InputError when this is not an array.
    [[nodiscard]] std::vector<JsonNode> elements() const;

    [[nodiscard]] std::string text() const;
    [[nodiscard]] bool boolean() const;
    [[nodiscard]] std::int64_t integer(std::int64_t low, std::int64_t high) const;
    [[nodiscard]] char32_t character() const; ///< a text of one character

    // Members with a default for what is missing or null.
    [[nodiscard]] bool boolean(std::string_view key, bool otherwise) const;
    [[nodiscard]] std::string text(std::string_view key, const std::string& otherwise) const;
    [[nodiscard]] std::int64_t integer(std::string_view key, std::int64_t low, std::int64_t high,
                                       std::int64_t otherwise) const;

    [[nodiscard]] const Json& json() const { return *m_value; }
    /// "model.vocab of FILE"
    [[nodiscard]] std::string where() const;
    /// "model.vocab["x"] of FILE", without making nodes of a hundred thousand entries.
    [[nodiscard]] std::string whereOf(std::string_view key) const;
    /// Throws InputError "PATH of FILE PROBLEM."
    [[noreturn]] void fail(const std::string& problem) const;

private:
    [[nodiscard]] JsonNode child(const Json& value, const std::string& step) const;

    const Json* m_value;
    const std::string* m_file;
    std::string m_path;
};

} // namespace orrery::text
