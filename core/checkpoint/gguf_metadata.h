// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "checkpoint/source.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace orrery::checkpoint {

/// The types of values, as the file numbers them.
enum class GgufType : std::uint32_t { U8, I8, U16, I16, U32, I32, F32, Bool, Text, Array, U64, I64, F64 };

/// A list in the file: one type, not nested. The bytes stay in the mapped file.
struct GgufArray {
    GgufType type = GgufType::U8;
    std::uint64_t count = 0;
    std::string_view bytes; ///< of all elements, texts with their lengths
};

using GgufValue = std::variant<std::int64_t, std::uint64_t, double, bool, std::string_view, GgufArray>;

/// Reads a file from front to back; every step is checked against what is left, and a step outside is an
/// InputError that names the file and what was to be read.
class GgufCursor {
public:
    GgufCursor(std::string_view bytes, const std::string& fileName) : m_bytes(bytes), m_fileName(fileName) {}

    template <typename T>
    T number(const char* what) {
        T value{};
        const std::string_view bytes = take(sizeof value, what);
        __builtin_memcpy(&value, bytes.data(), sizeof value);
        return value;
    }
    std::string_view text(const char* what); ///< a length of 8 bytes and as many bytes
    std::string_view take(std::uint64_t bytes, const char* what);
    [[nodiscard]] std::uint64_t position() const { return m_position; }
    [[nodiscard]] std::uint64_t left() const { return m_bytes.size() - m_position; }
    [[nodiscard]] const std::string& fileName() const { return m_fileName; }

private:
    std::string_view m_bytes;
    const std::string& m_fileName;
    std::uint64_t m_position = 0;
};

/// The keys and values at the beginning of a GGUF file. Texts and lists are views of the mapped file. Getters
/// give none for a missing key and an InputError naming file and key for one of another type.
class GgufMetadata {
public:
    GgufMetadata() = default;
    GgufMetadata(GgufCursor& cursor, std::uint64_t count);

    [[nodiscard]] const std::map<std::string, GgufValue, std::less<>>& values() const { return m_values; }
    [[nodiscard]] bool has(std::string_view key) const { return m_values.contains(key); }
    [[nodiscard]] std::optional<std::int64_t> integer(std::string_view key) const;
    [[nodiscard]] std::optional<double> real(std::string_view key) const;
    [[nodiscard]] std::optional<bool> boolean(std::string_view key) const;
    [[nodiscard]] std::optional<std::string_view> text(std::string_view key) const;
    [[nodiscard]] std::optional<std::vector<std::int64_t>> integers(std::string_view key) const;
    [[nodiscard]] std::optional<std::vector<double>> reals(std::string_view key) const;
    [[nodiscard]] std::optional<std::vector<std::string_view>> texts(std::string_view key) const;
    /// What people are shown: texts and numbers; of lists how many of what.
    [[nodiscard]] Metadata shown() const;
    [[nodiscard]] const std::string& fileName() const { return m_fileName; }

private:
    [[nodiscard]] const GgufValue* find(std::string_view key) const;
    [[noreturn]] void wrong(std::string_view key, std::string_view wanted) const;

    std::map<std::string, GgufValue, std::less<>> m_values;
    std::string m_fileName;
};

} // namespace orrery::checkpoint
