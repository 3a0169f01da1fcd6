// SPDX-License-Identifier: GPL-3.0-or-later
#include "figure/matrix_json.h"

#include "base/error.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

namespace orrery::figure {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string toBase64(std::span<const float> values) {
    std::string text;
    text.reserve(values.size() * 4 * 4 / 3 + 4);
    std::uint32_t bits = 0;
    int held = 0;
    const auto flush = [&](std::uint8_t byte) {
        bits = (bits << 8U) | byte;
        held += 8;
        while (held >= 6) {
            held -= 6;
            text += alphabet[(bits >> static_cast<unsigned>(held)) & 63U];
        }
    };
    for (const float value : values) {
        const auto word = std::bit_cast<std::uint32_t>(value);
        for (unsigned shift = 0; shift < 32; shift += 8)
            flush(static_cast<std::uint8_t>(word >> shift));
    }
    if (held > 0)
        text += alphabet[(bits << static_cast<unsigned>(6 - held)) & 63U];
    while (text.size() % 4 != 0)
        text += '=';
    return text;
}

std::vector<float> fromBase64(std::string_view text, std::size_t count, const std::string& where) {
    static constexpr auto values = [] {
        std::array<std::int8_t, 256> table{};
        table.fill(-1);
        for (std::size_t i = 0; i < alphabet.size(); ++i)
            table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
        return table;
    }();
    while (!text.empty() && text.back() == '=')
        text.remove_suffix(1);
    if (text.size() != (count * 4 * 8 + 5) / 6)
        throw InputError(fmt::format("{}: the base64 data has {} digits where {} numbers need {}.", where,
                                     text.size(), count, (count * 4 * 8 + 5) / 6));
    std::vector<float> result(count);
    std::uint32_t bits = 0;
    int held = 0;
    std::size_t byte = 0;
    std::uint32_t word = 0;
    for (const char digit : text) {
        const std::int8_t value = values[static_cast<unsigned char>(digit)];
        if (value < 0)
            throw InputError(
                fmt::format("{}: the base64 data holds a character that is none of its digits.", where));
        bits = (bits << 6U) | static_cast<std::uint32_t>(value);
        held += 6;
        if (held >= 8) {
            held -= 8;
            word |= ((bits >> static_cast<unsigned>(held)) & 255U) << (8 * (byte % 4));
            if (++byte % 4 == 0) {
                result[byte / 4 - 1] = std::bit_cast<float>(word);
                word = 0;
            }
        }
    }
    return result;
}

/// The shortest double that becomes this float again: half as many digits as the float's exact value has.
double shortest(float value) {
    std::array<char, 32> buffer{};
    const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    double result = 0;
    std::from_chars(buffer.data(), written.ptr, result);
    return static_cast<float>(result) == value ? result : static_cast<double>(value);
}

} // namespace

Materialised materialise(const MatrixSource& source, std::int64_t factor) {
    Materialised result;
    if (factor > 1) {
        result.values = source.pooled(factor);
        result.rows = (source.rows() + factor - 1) / factor;
        result.columns = (source.columns() + factor - 1) / factor;
        return result;
    }
    result.rows = source.rows();
    result.columns = source.columns();
    result.values.resize(static_cast<std::size_t>(result.rows * result.columns));
    source.tile(0, 0, result.rows, result.columns, result.values);
    return result;
}

std::int64_t poolingFactorOf(const std::vector<const MatrixSource*>& matrices, std::int64_t maxCells) {
    const auto cells = [&](std::int64_t factor) {
        double sum = 0; // a product of sizes may leave 64 bits
        for (const MatrixSource* matrix : matrices)
            if (matrix)
                sum += static_cast<double>((matrix->rows() + factor - 1) / factor) *
                       static_cast<double>((matrix->columns() + factor - 1) / factor);
        return sum;
    };
    const auto most = static_cast<double>(std::max<std::int64_t>(maxCells, 1));
    std::int64_t largest = 1;
    for (const MatrixSource* matrix : matrices)
        if (matrix)
            largest = std::max({largest, matrix->rows(), matrix->columns()});
    std::int64_t factor = 1;
    while (factor < largest && cells(factor) > most)
        ++factor;
    return factor;
}

OrderedJson numberToJson(double value) {
    if (std::isfinite(value))
        return value;
    return std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}

double numberFromJson(const Json& json, const std::string& where) {
    if (json.is_number())
        return json.get<double>();
    if (json == "NaN")
        return std::numeric_limits<double>::quiet_NaN();
    if (json == "Infinity")
        return std::numeric_limits<double>::infinity();
    if (json == "-Infinity")
        return -std::numeric_limits<double>::infinity();
    throw InputError(fmt::format("{} holds something that is not a number where one is needed.", where));
}

OrderedJson matrixToJson(const MatrixSource* source, MatrixEncoding encoding, std::int64_t factor) {
    if (!source)
        return nullptr;
    const Materialised matrix = materialise(*source, factor);
    OrderedJson json{{"rows", matrix.rows}, {"columns", matrix.columns}};
    if (factor > 1) {
        json["pooledBy"] = factor;
        json["trueRows"] = source->rows();
        json["trueColumns"] = source->columns();
    }
    if (encoding == MatrixEncoding::Base64) {
        json["f32"] = toBase64(matrix.values);
    } else {
        OrderedJson values = OrderedJson::array();
        for (const float value : matrix.values)
            values.push_back(std::isfinite(value) ? OrderedJson(shortest(value)) : numberToJson(value));
        json["values"] = std::move(values);
    }
    return json;
}

std::shared_ptr<const MatrixSource> matrixFromJson(const Json& json, const std::string& where) {
    if (json.is_null())
        return nullptr;
    const auto rows = json.at("rows").get<std::int64_t>();
    const auto columns = json.at("columns").get<std::int64_t>();
    constexpr std::int64_t most = std::int64_t{1} << 31U;
    if (rows < 0 || columns < 0 || rows > most || columns > most || (columns > 0 && rows > most / columns))
        throw InputError(fmt::format("{}: a matrix of {} x {} is not possible here.", where, rows, columns));
    const auto count = static_cast<std::size_t>(rows * columns);
    std::vector<float> values;
    if (json.contains("f32")) {
        const auto& text = json.at("f32").get_ref<const std::string&>();
        if (count > text.size()) // before anything is allocated for the sizes that a file claims
            throw InputError(
                fmt::format("{}: the data is too short for {} x {} numbers.", where, rows, columns));
        values = fromBase64(text, count, where);
    } else {
        const Json& list = json.at("values");
        if (!list.is_array() || list.size() != count)
            throw InputError(
                fmt::format("{}: a matrix of {} x {} needs {} values.", where, rows, columns, count));
        values.reserve(count);
        for (const Json& value : list)
            values.push_back(static_cast<float>(numberFromJson(value, where)));
    }
    return std::make_shared<DenseMatrix>(rows, columns, std::move(values));
}

} // namespace orrery::figure
