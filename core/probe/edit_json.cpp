// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "probe/edit.h"

#include <fmt/format.h>

#include <cmath>

namespace orrery::probe {
namespace {

constexpr std::int64_t maxValueElements = std::int64_t{1} << 22; // as text: tens of megabytes

OrderedJson valueToJson(const Tensor& value) {
    OrderedJson shape = OrderedJson::array();
    for (const std::int64_t size : value.shape().sizes())
        shape.push_back(size);
    OrderedJson numbers = OrderedJson::array();
    for (const float number : value.toFloats())
        numbers.push_back(number);
    return {{"shape", std::move(shape)}, {"values", std::move(numbers)}};
}

Tensor valueFromJson(const Json& json) {
    if (!json.is_object() || !json.contains("shape") || !json.contains("values") ||
        !json["shape"].is_array() || !json["values"].is_array() ||
        json["shape"].size() > static_cast<std::size_t>(Shape::maxRank))
        throw InputError("The value of an edit must be an object with \"shape\" and \"values\", both lists.");
    Shape shape;
    std::int64_t elements = 1;
    for (const Json& size : json["shape"]) {
        if (!size.is_number_integer() || size.get<std::int64_t>() < 0 ||
            size.get<std::int64_t>() > maxValueElements)
            throw InputError("The shape of an edit's value must be a list of sizes.");
        elements *= size.get<std::int64_t>();
        if (elements > maxValueElements)
            throw InputError(
                fmt::format("The value of an edit holds more than {} numbers.", maxValueElements));
        shape.append(size.get<std::int64_t>());
    }
    if (json["values"].size() != static_cast<std::size_t>(elements))
        throw InputError(fmt::format("The value of an edit has {} numbers where its shape {} needs {}.",
                                     json["values"].size(), shape.toText(), elements));
    Tensor result = Tensor::empty(shape);
    const auto out = result.mutableData<float>();
    for (std::size_t i = 0; i < out.size(); ++i) {
        const Json& number = json["values"][i];
        if (!number.is_number())
            throw InputError("The values of an edit must be numbers.");
        out[i] = number.get<float>();
    }
    return result;
}

std::vector<std::int64_t> integersFromJson(const Json& json, std::string_view key) {
    std::vector<std::int64_t> result;
    if (!json.contains(key))
        return result;
    const Json& list = json[std::string(key)];
    if (!list.is_array())
        throw InputError(fmt::format("\"{}\" of an edit must be a list of whole numbers.", key));
    for (const Json& item : list) {
        if (!item.is_number_integer())
            throw InputError(fmt::format("\"{}\" of an edit must be a list of whole numbers.", key));
        result.push_back(item.get<std::int64_t>());
    }
    return result;
}

} // namespace

OrderedJson Edit::toJson() const {
    if (kind == EditKind::Function)
        throw UsageError(fmt::format("The edit of \"{}\" is a function and cannot be written down.", site));
    OrderedJson json{{"site", site}, {"kind", name(kind)}};
    if (head)
        json["head"] = *head;
    if (!positions.empty())
        json["positions"] = positions;
    if (!batchItems.empty())
        json["batch"] = batchItems;
    if (kind == EditKind::Scale)
        json["factor"] = factor;
    if (value.defined())
        json["value"] = valueToJson(value);
    if (!sourceText.empty())
        json["source_text"] = sourceText;
    return json;
}

Edit Edit::fromJson(const Json& json) {
    if (!json.is_object() || !json.contains("site") || !json["site"].is_string() || !json.contains("kind") ||
        !json["kind"].is_string())
        throw InputError("An edit must be an object with the texts \"site\" and \"kind\".");
    Edit edit;
    edit.site = json["site"].get<std::string>();
    const auto kindName = json["kind"].get<std::string>();
    bool known = false;
    for (int i = 0; i < static_cast<int>(EditKind::Function) && !known; ++i)
        if (name(static_cast<EditKind>(i)) == kindName) {
            edit.kind = static_cast<EditKind>(i);
            known = true;
        }
    if (!known)
        throw InputError(fmt::format(
            "\"{}\" is not a kind of edit; known are zero, mean, replace, scale and patch.", kindName));
    if (json.contains("head")) {
        if (!json["head"].is_number_integer())
            throw InputError("\"head\" of an edit must be a whole number.");
        const auto head = json["head"].get<std::int64_t>();
        if (head < 0 || head > 1'000'000)
            throw InputError(fmt::format("\"head\" of an edit is {}, which no model has.", head));
        edit.head = static_cast<int>(head);
    }
    edit.positions = integersFromJson(json, "positions");
    edit.batchItems = integersFromJson(json, "batch");
    if (json.contains("factor")) {
        if (!json["factor"].is_number() || !std::isfinite(json["factor"].get<double>()))
            throw InputError("\"factor\" of an edit must be a number.");
        edit.factor = json["factor"].get<double>();
    }
    if (json.contains("value"))
        edit.value = valueFromJson(json["value"]);
    if (json.contains("source_text") && json["source_text"].is_string())
        edit.sourceText = json["source_text"].get<std::string>();
    return edit;
}

OrderedJson Edits::toJson() const {
    OrderedJson json = OrderedJson::array();
    for (const Edit& edit : m_edits)
        json.push_back(edit.toJson());
    return json;
}

Edits Edits::fromJson(const Json& json) {
    if (!json.is_array())
        throw InputError("Edits must be a list of objects.");
    Edits edits;
    for (const Json& item : json)
        edits.add(Edit::fromJson(item));
    return edits;
}

} // namespace orrery::probe
