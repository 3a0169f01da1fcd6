// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/config.h"

#include "checkpoint/shown_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace orrery::checkpoint {
namespace {

constexpr std::size_t maxConfigBytes = std::size_t{64} << 20U;
constexpr std::int64_t maxLabels = 1'000'000;

/// A value as a sentence shows it: JSON, plain ASCII, not endless.
std::string shown(const Json& value) {
    std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
    if (text.size() > 60)
        text.replace(57, std::string::npos, "...");
    return text;
}

/// Python writes NaN and Infinity bare, which is not JSON; the form that newer versions of transformers write
/// ({"__float__": "Infinity"}) says the same.
std::string withoutBareFloats(std::string_view text) {
    constexpr std::array<std::string_view, 3> bare{"-Infinity", "Infinity", "NaN"};
    std::string result;
    bool inString = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (inString && text[i] == '\\' && i + 1 < text.size()) {
            result += text[i++];
        } else if (text[i] == '"') {
            inString = !inString;
        } else if (!inString && (text[i] == '-' || text[i] == 'I' || text[i] == 'N')) {
            const auto* const word = std::find_if(bare.begin(), bare.end(), [&](std::string_view candidate) {
                return text.substr(i).starts_with(candidate);
            });
            if (word != bare.end()) {
                result += fmt::format("{{\"__float__\":\"{}\"}}", *word);
                i += word->size() - 1;
                continue;
            }
        }
        result += text[i];
    }
    return result;
}

/// What {"__float__": "..."} says.
std::optional<double> spelledFloat(const Json& value) {
    const auto word = value.is_object() ? value.find("__float__") : value.end();
    if (!value.is_object() || word == value.end() || !word->is_string())
        return {};
    const auto& text = word->get_ref<const std::string&>();
    if (text == "Infinity")
        return std::numeric_limits<double>::infinity();
    if (text == "-Infinity")
        return -std::numeric_limits<double>::infinity();
    if (text == "NaN")
        return std::numeric_limits<double>::quiet_NaN();
    return {};
}

} // namespace

ModelConfig::ModelConfig(Json json, std::string fileName)
    : m_json(std::move(json)), m_fileName(std::move(fileName)) {
    if (!m_json.is_object())
        throw InputError(fmt::format("{} is {} where an object of settings is needed; download it again.",
                                     m_fileName, shown(m_json)));
}

ModelConfig ModelConfig::read(const std::filesystem::path& folderOrFile) {
    std::error_code failure;
    const bool isFolder = std::filesystem::is_directory(folderOrFile, failure);
    const auto file = isFolder ? folderOrFile / "config.json" : folderOrFile;
    if (isFolder && !std::filesystem::exists(file, failure))
        throw InputError(
            fmt::format("The folder {} holds no config.json, which says what kind of model it is; "
                        "download it into this folder.",
                        folderOrFile.string()));
    return parse(readTextFile(file, maxConfigBytes), file.string());
}

ModelConfig ModelConfig::parse(std::string_view text, std::string fileName) {
    Json json = parseJson(withoutBareFloats(text), fileName);
    return {std::move(json), std::move(fileName)};
}

ModelConfig::Found ModelConfig::find(Keys keys) const {
    for (const auto key : keys) {
        const auto found = m_json.find(key);
        if (found != m_json.end() && !found->is_null())
            return {std::string(key), &*found};
    }
    return {};
}

ModelConfig::Found ModelConfig::require(Keys keys, std::string_view kind) const {
    auto found = find(keys);
    if (found.value)
        return found;
    std::string others;
    for (const auto* key = keys.begin() + 1; keys.size() > 1 && key != keys.end(); ++key)
        others += fmt::format("{}\"{}{}\"", others.empty() ? "" : " or ", m_prefix, *key);
    throw InputError(fmt::format("{} lacks \"{}{}\"{} ({}); add it, or download the file again.", m_fileName,
                                 m_prefix, *keys.begin(), others.empty() ? "" : ", also called " + others,
                                 kind));
}

InputError ModelConfig::wrong(const Found& found, std::string_view expected) const {
    return InputError(fmt::format("{}: \"{}{}\" is {}, where {} is needed; correct it, or download the file "
                                  "again.",
                                  m_fileName, m_prefix, shownText(found.key), shown(*found.value), expected));
}

InputError ModelConfig::error(std::string_view key, std::string_view problem) const {
    const auto found = m_json.find(key);
    return InputError(fmt::format("{}: \"{}{}\" is {}, {}.", m_fileName, m_prefix, key,
                                  found == m_json.end() ? std::string("missing") : shown(*found), problem));
}

bool ModelConfig::has(std::string_view key) const {
    const auto found = m_json.find(key);
    return found != m_json.end() && !found->is_null();
}

bool ModelConfig::has(Keys keys) const {
    return find(keys).value != nullptr;
}

std::int64_t ModelConfig::toInteger(const Found& found, Range range) const {
    const Json& value = *found.value;
    std::optional<std::int64_t> number;
    if (value.is_number_unsigned()) {
        if (value.get<std::uint64_t>() <= static_cast<std::uint64_t>(INT64_MAX))
            number = value.get<std::int64_t>();
    } else if (value.is_number_integer()) {
        number = value.get<std::int64_t>();
    } else if (value.is_number_float()) { // some tools write 768.0
        const double real = value.get<double>();
        if (real == std::floor(real) && std::abs(real) < 9e15)
            number = static_cast<std::int64_t>(real);
    }
    if (!number || *number < range.low || *number > range.high)
        throw wrong(found, fmt::format("a whole number from {} to {}", range.low, range.high));
    return *number;
}

std::int64_t ModelConfig::integer(Keys keys, std::int64_t fallback) const {
    return integerIn(keys, Range{}, fallback);
}

std::int64_t ModelConfig::integerIn(Keys keys, Range range) const {
    return toInteger(require(keys, "a whole number"), range);
}

std::int64_t ModelConfig::integerIn(Keys keys, Range range, std::int64_t fallback) const {
    const auto found = find(keys);
    return found.value ? toInteger(found, range) : fallback;
}

std::int64_t ModelConfig::positive(Keys keys) const {
    return integerIn(keys, {1, Range{}.high});
}

std::int64_t ModelConfig::positive(Keys keys, std::int64_t fallback) const {
    return integerIn(keys, {1, Range{}.high}, fallback);
}

std::optional<std::int64_t> ModelConfig::optionalInteger(Keys keys) const {
    const auto found = find(keys);
    return found.value ? std::optional(toInteger(found, Range{})) : std::nullopt;
}

double ModelConfig::toReal(const Found& found) const {
    if (found.value->is_number()) {
        const double value = found.value->get<double>();
        if (std::isfinite(value))
            return value;
    } else if (const auto spelled = spelledFloat(*found.value); spelled && !std::isnan(*spelled)) {
        return *spelled;
    }
    throw wrong(found, "a number");
}

double ModelConfig::real(Keys keys) const {
    return toReal(require(keys, "a number"));
}

double ModelConfig::real(Keys keys, double fallback) const {
    const auto found = find(keys);
    return found.value ? toReal(found) : fallback;
}

bool ModelConfig::boolean(Keys keys) const {
    const auto found = require(keys, "true or false");
    if (!found.value->is_boolean())
        throw wrong(found, "true or false");
    return found.value->get<bool>();
}

bool ModelConfig::boolean(Keys keys, bool fallback) const {
    return has(keys) ? boolean(keys) : fallback;
}

std::string ModelConfig::text(Keys keys) const {
    const auto found = require(keys, "a text");
    if (!found.value->is_string())
        throw wrong(found, "a text");
    return found.value->get<std::string>();
}

std::string ModelConfig::text(Keys keys, std::string_view fallback) const {
    return has(keys) ? text(keys) : std::string(fallback);
}

std::vector<std::int64_t> ModelConfig::integers(Keys keys) const {
    const auto found = require(keys, "a list of whole numbers");
    if (!found.value->is_array())
        return {toInteger(found, Range{})};
    std::vector<std::int64_t> values;
    for (const auto& item : *found.value)
        values.push_back(toInteger({fmt::format("{}[{}]", found.key, values.size()), &item}, Range{}));
    return values;
}

std::vector<std::int64_t> ModelConfig::integers(Keys keys, std::vector<std::int64_t> fallback) const {
    return has(keys) ? integers(keys) : std::move(fallback);
}

std::vector<double> ModelConfig::reals(Keys keys) const {
    const auto found = require(keys, "a list of numbers");
    if (!found.value->is_array())
        return {toReal(found)};
    std::vector<double> values;
    for (const auto& item : *found.value)
        values.push_back(toReal({fmt::format("{}[{}]", found.key, values.size()), &item}));
    return values;
}

std::vector<double> ModelConfig::reals(Keys keys, std::vector<double> fallback) const {
    return has(keys) ? reals(keys) : std::move(fallback);
}

std::vector<std::string> ModelConfig::texts(Keys keys) const {
    const auto found = require(keys, "a list of texts");
    if (!found.value->is_array())
        throw wrong(found, "a list of texts");
    std::vector<std::string> values;
    for (const auto& item : *found.value) {
        if (!item.is_string())
            throw wrong({fmt::format("{}[{}]", found.key, values.size()), &item}, "a text");
        values.push_back(item.get<std::string>());
    }
    return values;
}

std::vector<std::string> ModelConfig::texts(Keys keys, std::vector<std::string> fallback) const {
    return has(keys) ? texts(keys) : std::move(fallback);
}

std::int64_t ModelConfig::quotient(Keys whole, Keys parts) const {
    const std::int64_t dividend = positive(whole);
    const std::int64_t divisor = positive(parts);
    if (dividend % divisor != 0)
        throw InputError(
            fmt::format("{}: \"{}{}\" is {}, which \"{}{}\" = {} does not divide; correct one of "
                        "them, or download the file again.",
                        m_fileName, m_prefix, find(whole).key, dividend, m_prefix, find(parts).key, divisor));
    return dividend / divisor;
}

ModelConfig ModelConfig::section(std::string_view key) const {
    ModelConfig inner;
    inner.m_fileName = m_fileName;
    inner.m_prefix = fmt::format("{}{}.", m_prefix, key);
    const auto found = m_json.find(key);
    if (found == m_json.end() || found->is_null())
        return inner;
    if (!found->is_object())
        throw wrong({std::string(key), &*found}, "an object of settings");
    inner.m_json = *found;
    return inner;
}

std::vector<ModelConfig> ModelConfig::sections(std::string_view key) const {
    std::vector<ModelConfig> result;
    const auto found = m_json.find(key);
    if (found == m_json.end() || found->is_null())
        return result;
    if (!found->is_array())
        throw wrong({std::string(key), &*found}, "a list of objects");
    for (const auto& item : *found) {
        if (!item.is_object())
            throw wrong({fmt::format("{}[{}]", key, result.size()), &item}, "an object of settings");
        ModelConfig inner;
        inner.m_json = item;
        inner.m_fileName = m_fileName;
        inner.m_prefix = fmt::format("{}{}[{}].", m_prefix, key, result.size());
        result.push_back(std::move(inner));
    }
    return result;
}

std::string ModelConfig::modelType() const {
    return text({"model_type"});
}

std::vector<std::string> ModelConfig::architectures() const {
    return texts({"architectures"}, std::vector<std::string>{});
}

std::vector<std::string> ModelConfig::labels() const {
    const auto found = find({"id2label"});
    std::vector<std::string> labels;
    if (!found.value) {
        const auto count = integerIn({"num_labels", "_num_labels"}, {0, maxLabels}, 2);
        for (std::int64_t i = 0; i < count; ++i)
            labels.push_back(fmt::format("LABEL_{}", i));
        return labels;
    }
    if (!found.value->is_object())
        throw wrong(found, "an object from ids to labels");
    for (const auto& [key, label] : found.value->items()) {
        std::int64_t id = -1;
        const auto [end, failure] = std::from_chars(key.data(), key.data() + key.size(), id);
        if (failure != std::errc() || end != key.data() + key.size() || id < 0 || id >= maxLabels ||
            !label.is_string())
            throw wrong({fmt::format("id2label.{}", key), &label},
                        fmt::format("a text under an id from 0 to {}", maxLabels - 1));
        for (auto next = static_cast<std::int64_t>(labels.size()); next <= id; ++next)
            labels.push_back(fmt::format("LABEL_{}", next));
        labels[static_cast<std::size_t>(id)] = label.get<std::string>();
    }
    return labels;
}

} // namespace orrery::checkpoint
