// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/json.h"

#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace orrery {

enum class OptionType { Boolean, Integer, Real, Text, Choice, IntegerList, RealList, TextList, Path };

/// The value of an option; Text, Choice and Path are strings.
using OptionValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>,
                                 std::vector<double>, std::vector<std::string>>;

/// One declared option. This one declaration makes the command line's --set, the form in the window, the JSON
/// of a recipe, the record in the workspace and the help text.
class Option {
public:
    Option(std::string name, OptionType type, OptionValue defaultValue, std::string help);

    // Declaration, to be chained: schema.real("damping", 0.5, "...").range(0, 1).unit("1/s");
    Option& range(double low, double high);
    Option& unit(std::string text);
    Option& choice(std::string value, std::string help); ///< adds an allowed value of a Choice
    Option& advanced();                                  ///< folded away in forms

    [[nodiscard]] const std::string& name() const { return m_name; }
    [[nodiscard]] OptionType type() const { return m_type; }
    [[nodiscard]] const OptionValue& defaultValue() const { return m_default; }
    [[nodiscard]] const std::string& help() const { return m_help; }
    [[nodiscard]] const std::string& unit() const { return m_unit; }
    [[nodiscard]] double low() const { return m_low; }   ///< -infinity when unbounded
    [[nodiscard]] double high() const { return m_high; } ///< +infinity when unbounded
    /// (value, help) of a Choice, in order of declaration.
    [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& choices() const {
        return m_choices;
    }
    [[nodiscard]] bool isAdvanced() const { return m_advanced; }

    /// Reads a value as a person types it ("0.5", "true", "1,2,4", "128-1024*2"); UsageError with the remedy.
    [[nodiscard]] OptionValue parse(std::string_view text) const;
    /// UsageError when the value is of another type, out of range or not among the choices.
    void check(const OptionValue& value) const;
    /// What a person would type for the value.
    [[nodiscard]] static std::string toText(const OptionValue& value);
    [[nodiscard]] static OrderedJson toJson(const OptionValue& value);
    [[nodiscard]] OptionValue fromJson(const Json& json) const;

private:
    std::string m_name;
    OptionType m_type;
    OptionValue m_default;
    std::string m_help;
    std::string m_unit;
    double m_low = -std::numeric_limits<double>::infinity();
    double m_high = std::numeric_limits<double>::infinity();
    std::vector<std::pair<std::string, std::string>> m_choices;
    bool m_advanced = false;
};

/// The options that a part, job or command declares.
class OptionSchema {
public:
    Option& boolean(std::string name, bool defaultValue, std::string help);
    Option& integer(std::string name, std::int64_t defaultValue, std::string help);
    Option& real(std::string name, double defaultValue, std::string help);
    Option& text(std::string name, std::string defaultValue, std::string help);
    Option& choice(std::string name, std::string defaultValue, std::string help);
    Option& integers(std::string name, std::vector<std::int64_t> defaultValue, std::string help);
    Option& reals(std::string name, std::vector<double> defaultValue, std::string help);
    Option& texts(std::string name, std::vector<std::string> defaultValue, std::string help);
    Option& path(std::string name, std::string defaultValue, std::string help);

    [[nodiscard]] const std::deque<Option>& all() const { return m_options; }
    [[nodiscard]] const Option* find(std::string_view name) const;
    /// The option, or UsageError naming the nearest declared one.
    [[nodiscard]] const Option& require(std::string_view name) const;
    /// Indented lines for --help, one option each: name, type, range, default, help.
    [[nodiscard]] std::string helpText() const;
    [[nodiscard]] OrderedJson toJson() const;

private:
    Option& add(Option option);
    std::deque<Option> m_options; ///< a deque: references returned while declaring stay valid
};

/// Values for a schema: the defaults, changed by what was set.
class OptionValues {
public:
    OptionValues() = default;
    explicit OptionValues(const OptionSchema& schema);

    /// "name=value" as given to --set; UsageError when unknown or bad.
    void assign(std::string_view assignment);
    void set(std::string_view name, OptionValue value);
    void setText(std::string_view name, std::string_view text);
    void setJson(const Json& object);
    void reset(std::string_view name);

    [[nodiscard]] const OptionValue& value(std::string_view name) const;
    [[nodiscard]] bool boolean(std::string_view name) const { return std::get<bool>(value(name)); }
    [[nodiscard]] std::int64_t integer(std::string_view name) const {
        return std::get<std::int64_t>(value(name));
    }
    [[nodiscard]] double real(std::string_view name) const { return std::get<double>(value(name)); }
    [[nodiscard]] const std::string& text(std::string_view name) const {
        return std::get<std::string>(value(name));
    }
    [[nodiscard]] const std::vector<std::int64_t>& integers(std::string_view name) const {
        return std::get<std::vector<std::int64_t>>(value(name));
    }
    [[nodiscard]] const std::vector<double>& reals(std::string_view name) const {
        return std::get<std::vector<double>>(value(name));
    }
    [[nodiscard]] const std::vector<std::string>& texts(std::string_view name) const {
        return std::get<std::vector<std::string>>(value(name));
    }
    [[nodiscard]] bool isDefault(std::string_view name) const;
    [[nodiscard]] const OptionSchema& schema() const { return m_schema; }
    [[nodiscard]] OrderedJson toJson() const;

private:
    OptionSchema m_schema;
    std::map<std::string, OptionValue, std::less<>> m_values;
};

/// Ranges as llama-bench writes them: "1,2,4", "128-1024+128" (steps), "512-8192*2" (factors), mixed by
/// commas. UsageError when malformed or longer than 10000 values.
std::vector<std::int64_t> parseIntegerRange(std::string_view text, std::string_view optionName);

/// The candidate nearest to name by edit distance, when near enough to be a slip of the hand.
std::optional<std::string> nearestName(std::string_view name, const std::vector<std::string>& candidates);

} // namespace orrery
