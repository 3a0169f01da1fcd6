// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/gguf_metadata.h"

#include "base/error.h"
#include "checkpoint/shown_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

namespace orrery::checkpoint {
namespace {

constexpr std::array<std::string_view, 13> typeNames{"u8",   "i8",   "u16",   "i16", "u32", "i32", "f32",
                                                     "bool", "text", "array", "u64", "i64", "f64"};

/// Bytes of a value of fixed size; 0 for texts and lists.
std::uint64_t fixedBytes(GgufType type) {
    switch (type) {
    case GgufType::U8:
    case GgufType::I8:
    case GgufType::Bool:
        return 1;
    case GgufType::U16:
    case GgufType::I16:
        return 2;
    case GgufType::U32:
    case GgufType::I32:
    case GgufType::F32:
        return 4;
    case GgufType::U64:
    case GgufType::I64:
    case GgufType::F64:
        return 8;
    case GgufType::Text:
    case GgufType::Array:
        return 0;
    }
    return 0;
}

GgufType typeAt(GgufCursor& cursor, std::string_view key) {
    const auto number = cursor.number<std::uint32_t>("the type of a value");
    if (number >= typeNames.size())
        throw InputError(
            fmt::format("{}: the value of \"{}\" has the unknown type {}; the file is damaged or "
                        "newer than Orrery.",
                        cursor.fileName(), shownText(key), number));
    return static_cast<GgufType>(number);
}

template <typename T>
T raw(std::string_view bytes) {
    T value{};
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

/// A value of fixed size from its bytes.
GgufValue fixedValue(GgufType type, std::string_view bytes) {
    switch (type) {
    case GgufType::U8:
        return std::uint64_t{raw<std::uint8_t>(bytes)};
    case GgufType::I8:
        return std::int64_t{raw<std::int8_t>(bytes)};
    case GgufType::U16:
        return std::uint64_t{raw<std::uint16_t>(bytes)};
    case GgufType::I16:
        return std::int64_t{raw<std::int16_t>(bytes)};
    case GgufType::U32:
        return std::uint64_t{raw<std::uint32_t>(bytes)};
    case GgufType::I32:
        return std::int64_t{raw<std::int32_t>(bytes)};
    case GgufType::F32:
        return static_cast<double>(raw<float>(bytes));
    case GgufType::Bool:
        return raw<std::uint8_t>(bytes) != 0;
    case GgufType::U64:
        return raw<std::uint64_t>(bytes);
    case GgufType::I64:
        return raw<std::int64_t>(bytes);
    case GgufType::F64:
        return raw<double>(bytes);
    case GgufType::Text:
    case GgufType::Array:
        break;
    }
    return false;
}

GgufArray arrayAt(GgufCursor& cursor, std::string_view all, std::string_view key) {
    GgufArray array;
    array.type = typeAt(cursor, key);
    array.count = cursor.number<std::uint64_t>("the length of a list");
    if (array.type == GgufType::Array)
        throw InputError(fmt::format("{}: \"{}\" is a list of lists, which no model needs; the file is "
                                     "damaged.",
                                     cursor.fileName(), shownText(key)));
    // A text takes 8 bytes at least.
    const std::uint64_t each = array.type == GgufType::Text ? 8 : fixedBytes(array.type);
    if (array.count > cursor.left() / each)
        throw InputError(fmt::format("{}: the list \"{}\" announces {} elements, more than the rest of the "
                                     "file can hold; it is cut short or damaged, download it again.",
                                     cursor.fileName(), shownText(key), array.count));
    const std::uint64_t begin = cursor.position();
    if (array.type == GgufType::Text)
        for (std::uint64_t i = 0; i < array.count; ++i)
            (void)cursor.text("a text of a list");
    else
        (void)cursor.take(array.count * each, "a list");
    array.bytes = all.substr(begin, cursor.position() - begin);
    return array;
}

std::optional<std::int64_t> asInteger(const GgufValue& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value))
        return *number;
    const auto* number = std::get_if<std::uint64_t>(&value);
    if (number != nullptr && *number <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return static_cast<std::int64_t>(*number);
    return {};
}

std::optional<double> asReal(const GgufValue& value) {
    if (const auto* number = std::get_if<double>(&value))
        return *number;
    if (const auto* number = std::get_if<std::uint64_t>(&value))
        return static_cast<double>(*number);
    if (const auto* number = std::get_if<std::int64_t>(&value))
        return static_cast<double>(*number);
    return {};
}

} // namespace

std::string_view GgufCursor::take(std::uint64_t bytes, const char* what) {
    if (bytes > left())
        throw InputError(
            fmt::format("{} is cut short or damaged: {} at byte {} needs {} bytes, but only {} are "
                        "left; download it again.",
                        m_fileName, what, m_position, bytes, left()));
    const std::string_view taken = m_bytes.substr(m_position, bytes);
    m_position += bytes;
    return taken;
}

std::string_view GgufCursor::text(const char* what) {
    const auto length = number<std::uint64_t>(what);
    return take(length, what);
}

GgufMetadata::GgufMetadata(GgufCursor& cursor, std::uint64_t count) : m_fileName(cursor.fileName()) {
    constexpr std::uint64_t smallest = 8 + 4 + 1; // an empty key, a type, one byte
    if (count > cursor.left() / smallest)
        throw InputError(
            fmt::format("{} announces {} settings, more than the file can hold; it is cut short or "
                        "damaged, download it again.",
                        m_fileName, count));
    // The cursor counts from the beginning of the file.
    const std::string_view all(cursor.take(0, "").data() - cursor.position(),
                               cursor.position() + cursor.left());
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::string_view key = cursor.text("the name of a setting");
        const GgufType type = typeAt(cursor, key);
        GgufValue value = false;
        if (type == GgufType::Text)
            value = cursor.text("a text");
        else if (type == GgufType::Array)
            value = arrayAt(cursor, all, key);
        else
            value = fixedValue(type, cursor.take(fixedBytes(type), "a value"));
        if (!m_values.emplace(key, value).second)
            throw InputError(
                fmt::format("{} holds the setting \"{}\" twice; the file is damaged, download it "
                            "again.",
                            m_fileName, shownText(key)));
    }
}

const GgufValue* GgufMetadata::find(std::string_view key) const {
    const auto found = m_values.find(key);
    return found == m_values.end() ? nullptr : &found->second;
}

void GgufMetadata::wrong(std::string_view key, std::string_view wanted) const {
    throw InputError(fmt::format("{}: the setting \"{}\" is not {}; the file is damaged, download it again.",
                                 m_fileName, shownText(key), wanted));
}

std::optional<std::int64_t> GgufMetadata::integer(std::string_view key) const {
    const GgufValue* value = find(key);
    if (value == nullptr)
        return {};
    const auto number = asInteger(*value);
    if (!number)
        wrong(key, "a whole number");
    return number;
}

std::optional<double> GgufMetadata::real(std::string_view key) const {
    const GgufValue* value = find(key);
    if (value == nullptr)
        return {};
    const auto number = asReal(*value);
    if (!number)
        wrong(key, "a number");
    return number;
}

std::optional<bool> GgufMetadata::boolean(std::string_view key) const {
    const GgufValue* value = find(key);
    if (value == nullptr)
        return {};
    if (!std::holds_alternative<bool>(*value))
        wrong(key, "true or false");
    return std::get<bool>(*value);
}

std::optional<std::string_view> GgufMetadata::text(std::string_view key) const {
    const GgufValue* value = find(key);
    if (value == nullptr)
        return {};
    if (!std::holds_alternative<std::string_view>(*value))
        wrong(key, "a text");
    return std::get<std::string_view>(*value);
}

std::optional<std::vector<std::int64_t>> GgufMetadata::integers(std::string_view key) const {
    const GgufValue* value = find(key);
    if (value == nullptr)
        return {};
    const auto* array = std::get_if<GgufArray>(value);
    const std::uint64_t each = array ? fixedBytes(array->type) : 0;
    if (each == 0)
        wrong(key, "a list of whole numbers");
    std::vector<std::int64_t> result;
    result.reserve(array->count);
    for (std::uint64_t i = 0; i < array->count; ++i) {
        const auto number = asInteger(fixedValue(array->type, array->bytes.substr(i * each, each)));
        if (!number)
            wrong(key, "a list of whole numbers");
        result.push_back(*number);
    }
    return result;
}

std::optional<std::vector<double>> GgufMetadata::reals(std::string_view key) const {
    const GgufValue* value = find(key);
    if (value == nullptr)
        return {};
    const auto* array = std::get_if<GgufArray>(value);
    const std::uint64_t each = array ? fixedBytes(array->type) : 0;
    if (each == 0)
        wrong(key, "a list of numbers");
    std::vector<double> result;
    result.reserve(array->count);
    for (std::uint64_t i = 0; i < array->count; ++i) {
        const auto number = asReal(fixedValue(array->type, array->bytes.substr(i * each, each)));
        if (!number)
            wrong(key, "a list of numbers");
        result.push_back(*number);
    }
    return result;
}

std::optional<std::vector<std::string_view>> GgufMetadata::texts(std::string_view key) const {
    const GgufValue* value = find(key);
    if (value == nullptr)
        return {};
    const auto* array = std::get_if<GgufArray>(value);
    if (array == nullptr || array->type != GgufType::Text)
        wrong(key, "a list of texts");
    std::vector<std::string_view> result;
    result.reserve(array->count);
    GgufCursor cursor(array->bytes, m_fileName);
    for (std::uint64_t i = 0; i < array->count; ++i)
        result.push_back(cursor.text("a text of a list"));
    return result;
}

Metadata GgufMetadata::shown() const {
    Metadata result;
    for (const auto& [key, value] : m_values) {
        std::string text;
        if (const auto* string = std::get_if<std::string_view>(&value))
            text = *string;
        else if (const auto* array = std::get_if<GgufArray>(&value))
            text = fmt::format("{} of {}", array->count, typeNames[static_cast<std::size_t>(array->type)]);
        else if (const auto* flag = std::get_if<bool>(&value))
            text = *flag ? "true" : "false";
        else if (const auto* real = std::get_if<double>(&value))
            text = fmt::format("{}", static_cast<float>(*real));
        else if (const auto* large = std::get_if<std::uint64_t>(&value))
            text = fmt::format("{}", *large);
        else
            text = fmt::format("{}", std::get<std::int64_t>(value));
        result.emplace(key, std::move(text));
    }
    return result;
}

} // namespace orrery::checkpoint
