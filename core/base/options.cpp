// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/options.h"

#include "base/error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>

namespace orrery {
namespace {

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\n");
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto end = text.find(separator);
        parts.push_back(trimmed(text.substr(0, end)));
        if (end == std::string_view::npos)
            return parts;
        text.remove_prefix(end + 1);
    }
}

std::int64_t parseInteger(std::string_view text, std::string_view option) {
    std::int64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || end != text.data() + text.size() || text.empty())
        throw UsageError(fmt::format("Option '{}' takes a whole number, not '{}'.", option, text));
    return value;
}

double parseReal(std::string_view text, std::string_view option) {
    double value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || end != text.data() + text.size() || text.empty() || !std::isfinite(value))
        throw UsageError(fmt::format("Option '{}' takes a finite number, not '{}'.", option, text));
    return value;
}

const char* typeName(OptionType type) {
    switch (type) {
    case OptionType::Boolean:
        return "true|false";
    case OptionType::Integer:
        return "integer";
    case OptionType::Real:
        return "number";
    case OptionType::Text:
        return "text";
    case OptionType::Choice:
        return "choice";
    case OptionType::IntegerList:
        return "integers";
    case OptionType::RealList:
        return "numbers";
    case OptionType::TextList:
        return "texts";
    case OptionType::Path:
        return "path";
    }
    return "";
}

bool holds(OptionType type, const OptionValue& value) {
    switch (type) {
    case OptionType::Boolean:
        return std::holds_alternative<bool>(value);
    case OptionType::Integer:
        return std::holds_alternative<std::int64_t>(value);
    case OptionType::Real:
        return std::holds_alternative<double>(value);
    case OptionType::Text:
    case OptionType::Choice:
    case OptionType::Path:
        return std::holds_alternative<std::string>(value);
    case OptionType::IntegerList:
        return std::holds_alternative<std::vector<std::int64_t>>(value);
    case OptionType::RealList:
        return std::holds_alternative<std::vector<double>>(value);
    case OptionType::TextList:
        return std::holds_alternative<std::vector<std::string>>(value);
    }
    return false;
}

std::string rangeText(const Option& option) {
    const bool low = std::isfinite(option.low());
    const bool high = std::isfinite(option.high());
    if (low && high)
        return fmt::format("{} to {}", option.low(), option.high());
    if (low)
        return fmt::format("at least {}", option.low());
    if (high)
        return fmt::format("at most {}", option.high());
    return {};
}

} // namespace

Option::Option(std::string name, OptionType type, OptionValue defaultValue, std::string help)
    : m_name(std::move(name)), m_type(type), m_default(std::move(defaultValue)), m_help(std::move(help)) {}

Option& Option::range(double low, double high) {
    m_low = low;
    m_high = high;
    return *this;
}

Option& Option::unit(std::string text) {
    m_unit = std::move(text);
    return *this;
}

Option& Option::choice(std::string value, std::string help) {
    m_choices.emplace_back(std::move(value), std::move(help));
    return *this;
}

Option& Option::advanced() {
    m_advanced = true;
    return *this;
}

OptionValue Option::parse(std::string_view text) const {
    text = m_type == OptionType::Text ? text : trimmed(text);
    OptionValue value;
    switch (m_type) {
    case OptionType::Boolean:
        if (text == "true" || text == "1" || text == "yes" || text == "on")
            value = true;
        else if (text == "false" || text == "0" || text == "no" || text == "off")
            value = false;
        else
            throw UsageError(fmt::format("Option '{}' takes true or false, not '{}'.", m_name, text));
        break;
    case OptionType::Integer:
        value = parseInteger(text, m_name);
        break;
    case OptionType::Real:
        value = parseReal(text, m_name);
        break;
    case OptionType::Text:
    case OptionType::Choice:
    case OptionType::Path:
        value = std::string(text);
        break;
    case OptionType::IntegerList:
        value = text.empty() ? std::vector<std::int64_t>{} : parseIntegerRange(text, m_name);
        break;
    case OptionType::RealList: {
        std::vector<double> list;
        if (!text.empty())
            for (const auto part : split(text, ','))
                list.push_back(parseReal(part, m_name));
        value = std::move(list);
        break;
    }
    case OptionType::TextList: {
        std::vector<std::string> list;
        if (!text.empty())
            for (const auto part : split(text, ','))
                list.emplace_back(part);
        value = std::move(list);
        break;
    }
    }
    check(value);
    return value;
}

void Option::check(const OptionValue& value) const {
    if (!holds(m_type, value))
        throw UsageError(fmt::format("Option '{}' takes a value of type {}.", m_name, typeName(m_type)));
    const auto inRange = [this](double number) {
        if (!(number >= m_low && number <= m_high))
            throw UsageError(fmt::format("Option '{}' must be {}{}{}; {} is not.", m_name, rangeText(*this),
                                         m_unit.empty() ? "" : " ", m_unit, number));
    };
    if (const auto* integer = std::get_if<std::int64_t>(&value))
        inRange(static_cast<double>(*integer));
    else if (const auto* real = std::get_if<double>(&value))
        inRange(*real);
    else if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&value))
        for (const auto number : *integers)
            inRange(static_cast<double>(number));
    else if (const auto* reals = std::get_if<std::vector<double>>(&value))
        for (const auto number : *reals)
            inRange(number);
    if (m_type == OptionType::Choice) {
        const auto& chosen = std::get<std::string>(value);
        std::vector<std::string> names;
        for (const auto& [name, help] : m_choices) {
            if (name == chosen)
                return;
            names.push_back(name);
        }
        throw UsageError(fmt::format("Option '{}' takes one of {}; '{}' is none of them.", m_name,
                                     fmt::join(names, ", "), chosen));
    }
}

std::string Option::toText(const OptionValue& value) {
    return std::visit(
        [](const auto& held) -> std::string {
            using Held = std::decay_t<decltype(held)>;
            if constexpr (std::is_same_v<Held, bool>)
                return held ? "true" : "false";
            else if constexpr (std::is_same_v<Held, std::string>)
                return held;
            else if constexpr (std::is_arithmetic_v<Held>)
                return fmt::format("{}", held);
            else
                return fmt::format("{}", fmt::join(held, ","));
        },
        value);
}

OrderedJson Option::toJson(const OptionValue& value) {
    return std::visit([](const auto& held) { return OrderedJson(held); }, value);
}

OptionValue Option::fromJson(const Json& json) const {
    try {
        OptionValue value;
        switch (m_type) {
        case OptionType::Boolean:
            value = json.get<bool>();
            break;
        case OptionType::Integer:
            if (!json.is_number_integer())
                throw UsageError(
                    fmt::format("Option '{}' takes a whole number, not {}.", m_name, json.dump()));
            value = json.get<std::int64_t>();
            break;
        case OptionType::Real:
            value = json.get<double>();
            break;
        case OptionType::Text:
        case OptionType::Choice:
        case OptionType::Path:
            value = json.get<std::string>();
            break;
        case OptionType::IntegerList:
            if (json.is_string())
                return parse(json.get<std::string>());
            value = json.get<std::vector<std::int64_t>>();
            break;
        case OptionType::RealList:
            value = json.get<std::vector<double>>();
            break;
        case OptionType::TextList:
            value = json.get<std::vector<std::string>>();
            break;
        }
        check(value);
        return value;
    } catch (const Json::exception&) {
        throw UsageError(fmt::format("Option '{}' takes a value of type {}, not {}.", m_name,
                                     typeName(m_type),
                                     json.dump(-1, ' ', false, Json::error_handler_t::replace)));
    }
}

Option& OptionSchema::add(Option option) {
    ORRERY_CHECK(!find(option.name()), "option '" + option.name() + "' is declared twice");
    return m_options.emplace_back(std::move(option));
}

Option& OptionSchema::boolean(std::string name, bool value, std::string help) {
    return add({std::move(name), OptionType::Boolean, value, std::move(help)});
}
Option& OptionSchema::integer(std::string name, std::int64_t value, std::string help) {
    return add({std::move(name), OptionType::Integer, value, std::move(help)});
}
Option& OptionSchema::real(std::string name, double value, std::string help) {
    return add({std::move(name), OptionType::Real, value, std::move(help)});
}
Option& OptionSchema::text(std::string name, std::string value, std::string help) {
    return add({std::move(name), OptionType::Text, std::move(value), std::move(help)});
}
Option& OptionSchema::choice(std::string name, std::string value, std::string help) {
    return add({std::move(name), OptionType::Choice, std::move(value), std::move(help)});
}
Option& OptionSchema::integers(std::string name, std::vector<std::int64_t> value, std::string help) {
    return add({std::move(name), OptionType::IntegerList, std::move(value), std::move(help)});
}
Option& OptionSchema::reals(std::string name, std::vector<double> value, std::string help) {
    return add({std::move(name), OptionType::RealList, std::move(value), std::move(help)});
}
Option& OptionSchema::texts(std::string name, std::vector<std::string> value, std::string help) {
    return add({std::move(name), OptionType::TextList, std::move(value), std::move(help)});
}
Option& OptionSchema::path(std::string name, std::string value, std::string help) {
    return add({std::move(name), OptionType::Path, std::move(value), std::move(help)});
}

const Option* OptionSchema::find(std::string_view name) const {
    for (const auto& option : m_options)
        if (option.name() == name)
            return &option;
    return nullptr;
}

const Option& OptionSchema::require(std::string_view name) const {
    if (const Option* option = find(name))
        return *option;
    std::vector<std::string> names;
    for (const auto& option : m_options)
        names.push_back(option.name());
    if (const auto near = nearestName(name, names))
        throw UsageError(fmt::format("There is no option '{}'; did you mean '{}'?", name, *near));
    if (names.empty())
        throw UsageError(fmt::format("There is no option '{}' here: this part takes none.", name));
    throw UsageError(fmt::format("There is no option '{}'; there are: {}.", name, fmt::join(names, ", ")));
}

std::string OptionSchema::helpText() const {
    std::string text;
    for (const auto& option : m_options) {
        text += fmt::format("  {}={}  ({}", option.name(), Option::toText(option.defaultValue()),
                            typeName(option.type()));
        if (const auto range = rangeText(option); !range.empty())
            text += ", " + range;
        if (!option.unit().empty())
            text += ", in " + option.unit();
        text += fmt::format(")\n      {}\n", option.help());
        for (const auto& [value, help] : option.choices())
            text += fmt::format("        {}: {}\n", value, help);
    }
    return text;
}

OrderedJson OptionSchema::toJson() const {
    OrderedJson list = OrderedJson::array();
    for (const auto& option : m_options) {
        OrderedJson entry{{"name", option.name()},
                          {"type", typeName(option.type())},
                          {"default", Option::toJson(option.defaultValue())},
                          {"help", option.help()}};
        if (std::isfinite(option.low()))
            entry["low"] = option.low();
        if (std::isfinite(option.high()))
            entry["high"] = option.high();
        if (!option.unit().empty())
            entry["unit"] = option.unit();
        for (const auto& [value, help] : option.choices())
            entry["choices"].push_back({{"value", value}, {"help", help}});
        list.push_back(std::move(entry));
    }
    return list;
}

OptionValues::OptionValues(const OptionSchema& schema) : m_schema(schema) {
    for (const auto& option : m_schema.all())
        m_values.emplace(option.name(), option.defaultValue());
}

void OptionValues::assign(std::string_view assignment) {
    const auto equals = assignment.find('=');
    if (equals == std::string_view::npos || equals == 0)
        throw UsageError(fmt::format("'{}' is not of the form name=value.", assignment));
    setText(trimmed(assignment.substr(0, equals)), assignment.substr(equals + 1));
}

void OptionValues::set(std::string_view name, OptionValue value) {
    const Option& option = m_schema.require(name);
    option.check(value);
    m_values.insert_or_assign(option.name(), std::move(value));
}

void OptionValues::setText(std::string_view name, std::string_view text) {
    const Option& option = m_schema.require(name);
    m_values.insert_or_assign(option.name(), option.parse(text));
}

void OptionValues::setJson(const Json& object) {
    if (!object.is_object())
        throw UsageError("Options are given as a JSON object of names and values.");
    for (const auto& [name, value] : object.items()) {
        const Option& option = m_schema.require(name);
        m_values.insert_or_assign(option.name(), option.fromJson(value));
    }
}

void OptionValues::reset(std::string_view name) {
    const Option& option = m_schema.require(name);
    m_values.insert_or_assign(option.name(), option.defaultValue());
}

const OptionValue& OptionValues::value(std::string_view name) const {
    const auto found = m_values.find(name);
    ORRERY_CHECK(found != m_values.end(), fmt::format("option '{}' was never declared", name));
    return found->second;
}

bool OptionValues::isDefault(std::string_view name) const {
    return value(name) == m_schema.require(name).defaultValue();
}

OrderedJson OptionValues::toJson() const {
    OrderedJson object = OrderedJson::object();
    for (const auto& option : m_schema.all())
        object[option.name()] = Option::toJson(value(option.name()));
    return object;
}

std::vector<std::int64_t> parseIntegerRange(std::string_view text, std::string_view optionName) {
    constexpr std::size_t most = 10000;
    std::vector<std::int64_t> values;
    for (const auto part : split(text, ',')) {
        const auto dash = part.find('-', 1); // a leading minus is a sign
        if (dash == std::string_view::npos) {
            values.push_back(parseInteger(part, optionName));
        } else {
            const std::int64_t first = parseInteger(part.substr(0, dash), optionName);
            const auto rest = part.substr(dash + 1);
            const auto mark = rest.find_first_of("+*");
            const std::int64_t last = parseInteger(rest.substr(0, mark), optionName);
            const bool factor = mark != std::string_view::npos && rest[mark] == '*';
            const std::int64_t step =
                mark == std::string_view::npos ? 1 : parseInteger(rest.substr(mark + 1), optionName);
            if (step < 1 || (factor && (step < 2 || first < 1)) || last < first)
                throw UsageError(
                    fmt::format("'{}' in option '{}' is not a range: write first-last+step with a step of 1 "
                                "or more, or first-last*factor with a factor of 2 or more.",
                                part, optionName));
            for (std::int64_t value = first; value <= last && values.size() <= most;) {
                values.push_back(value);
                if (factor ? value > last / step : value > last - step)
                    break;
                value = factor ? value * step : value + step;
            }
        }
        if (values.size() > most)
            throw UsageError(fmt::format("Option '{}' stands for more than {} values; use larger steps.",
                                         optionName, most));
    }
    return values;
}

std::optional<std::string> nearestName(std::string_view name, const std::vector<std::string>& candidates) {
    std::optional<std::string> best;
    std::size_t bestDistance = std::max<std::size_t>(2, name.size() / 3) + 1;
    for (const auto& candidate : candidates) {
        std::vector<std::size_t> row(candidate.size() + 1);
        for (std::size_t j = 0; j < row.size(); ++j)
            row[j] = j;
        for (std::size_t i = 1; i <= name.size(); ++i) {
            std::size_t diagonal = row[0];
            row[0] = i;
            for (std::size_t j = 1; j < row.size(); ++j) {
                const std::size_t above = row[j];
                row[j] = std::min(
                    {above + 1, row[j - 1] + 1, diagonal + (name[i - 1] == candidate[j - 1] ? 0 : 1)});
                diagonal = above;
            }
        }
        if (row.back() < bestDistance) {
            bestDistance = row.back();
            best = candidate;
        }
    }
    return best;
}

} // namespace orrery
