// SPDX-License-Identifier: GPL-3.0-or-later
#include "measure/expectation.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace orrery::measure {

/// A node of the expression: a number, a metric, an operation on children.
struct Expectation::Node {
    std::string
        kind; ///< "number", "metric", "+", "-", "*", "/", "negate", "min", "max", "abs", or a comparison
    double number = 0;
    std::string metric{};
    std::map<std::string, std::string> settings{};
    std::vector<std::unique_ptr<Node>> children{};
};

namespace {

using Node = Expectation::Node;
constexpr int deepest = 64;

/// Recursive descent over the text; depth is bounded, so no text can exhaust the stack.
class Parser {
public:
    explicit Parser(const std::string& text) : m_text(text) {}

    std::vector<std::unique_ptr<Node>> conjunction() {
        std::vector<std::unique_ptr<Node>> parts;
        do
            parts.push_back(comparison());
        while (word("and"));
        skip();
        if (m_at != m_text.size())
            fail("an operator or the end");
        return parts;
    }

private:
    std::unique_ptr<Node> comparison() {
        auto left = sum();
        skip();
        for (const char* sign : {"<=", ">=", "<", ">"})
            if (m_text.compare(m_at, std::char_traits<char>::length(sign), sign) == 0) {
                m_at += std::char_traits<char>::length(sign);
                return make(sign, std::move(left), sum());
            }
        fail("a comparison (<, <=, >, >=)");
    }
    std::unique_ptr<Node> sum() {
        auto left = product();
        while (true) {
            if (sign('+'))
                left = make("+", std::move(left), product());
            else if (sign('-'))
                left = make("-", std::move(left), product());
            else
                return left;
        }
    }
    std::unique_ptr<Node> product() {
        auto left = factor();
        while (true) {
            if (sign('*'))
                left = make("*", std::move(left), factor());
            else if (sign('/'))
                left = make("/", std::move(left), factor());
            else
                return left;
        }
    }
    std::unique_ptr<Node> factor() {
        if (++m_depth > deepest)
            fail("less nesting");
        auto result = primary();
        --m_depth;
        return result;
    }
    std::unique_ptr<Node> primary() {
        if (sign('-')) {
            auto node = std::make_unique<Node>();
            node->kind = "negate";
            node->children.push_back(factor());
            return node;
        }
        if (sign('(')) {
            auto inner = sum();
            need(')');
            return inner;
        }
        skip();
        if (m_at < m_text.size() &&
            (std::isdigit(static_cast<unsigned char>(m_text[m_at])) != 0 || m_text[m_at] == '.'))
            return number();
        const std::string name = identifier();
        if (name.empty())
            fail("a number, a metric or a parenthesis");
        if ((name == "min" || name == "max" || name == "abs") && sign('(')) {
            auto node = std::make_unique<Node>();
            node->kind = name;
            do
                node->children.push_back(sum());
            while (sign(','));
            need(')');
            return node;
        }
        return metric(name);
    }
    std::unique_ptr<Node> number() {
        auto node = std::make_unique<Node>();
        node->kind = "number";
        const auto [end, failure] =
            std::from_chars(m_text.data() + m_at, m_text.data() + m_text.size(), node->number);
        if (failure != std::errc())
            fail("a number");
        m_at = static_cast<std::size_t>(end - m_text.data());
        return node;
    }
    std::unique_ptr<Node> metric(const std::string& name) {
        auto node = std::make_unique<Node>();
        node->kind = "metric";
        node->metric = name;
        if (!sign('{'))
            return node;
        do {
            skip();
            const std::string key = identifier();
            need('=');
            skip();
            const std::size_t begin = m_at;
            while (m_at < m_text.size() && m_text[m_at] != ',' && m_text[m_at] != '}')
                ++m_at;
            std::string value = m_text.substr(begin, m_at - begin);
            while (!value.empty() && value.back() == ' ')
                value.pop_back();
            if (key.empty() || value.empty())
                fail("name=value");
            node->settings[key] = value;
        } while (sign(','));
        need('}');
        return node;
    }
    std::string identifier() {
        const std::size_t begin = m_at;
        while (m_at < m_text.size() && (std::isalnum(static_cast<unsigned char>(m_text[m_at])) != 0 ||
                                        m_text[m_at] == '_' || m_text[m_at] == '.'))
            ++m_at;
        return m_text.substr(begin, m_at - begin);
    }
    void skip() {
        while (m_at < m_text.size() && (m_text[m_at] == ' ' || m_text[m_at] == '\t'))
            ++m_at;
    }
    bool sign(char c) {
        skip();
        if (m_at >= m_text.size() || m_text[m_at] != c)
            return false;
        ++m_at;
        return true;
    }
    bool word(const std::string& text) {
        skip();
        if (m_text.compare(m_at, text.size(), text) != 0)
            return false;
        m_at += text.size();
        return true;
    }
    void need(char c) {
        if (!sign(c))
            fail(fmt::format("'{}'", c));
    }
    [[noreturn]] void fail(const std::string& wanted) const {
        throw UsageError(
            fmt::format("The expectation '{}' needs {} at position {}.", m_text, wanted, m_at + 1));
    }
    static std::unique_ptr<Node> make(const char* kind, std::unique_ptr<Node> left,
                                      std::unique_ptr<Node> right) {
        auto node = std::make_unique<Node>();
        node->kind = kind;
        node->children.push_back(std::move(left));
        node->children.push_back(std::move(right));
        return node;
    }

    const std::string& m_text;
    std::size_t m_at = 0;
    int m_depth = 0;
};

std::string describe(const Node& node) {
    std::string text = node.metric;
    std::string separator = "{";
    for (const auto& [key, value] : node.settings) {
        text += separator + key + "=" + value;
        separator = ", ";
    }
    return node.settings.empty() ? text : text + "}";
}

double evaluate(const Node& node, const Expectation::Lookup& lookup, std::string& missing) {
    if (node.kind == "number")
        return node.number;
    if (node.kind == "metric") {
        if (const auto value = lookup(node.metric, node.settings))
            return *value;
        if (missing.empty())
            missing = describe(node);
        return NAN;
    }
    std::vector<double> values;
    for (const auto& child : node.children)
        values.push_back(evaluate(*child, lookup, missing));
    if (node.kind == "negate")
        return -values[0];
    if (node.kind == "abs")
        return std::fabs(values[0]);
    if (node.kind == "min")
        return *std::min_element(values.begin(), values.end());
    if (node.kind == "max")
        return *std::max_element(values.begin(), values.end());
    switch (node.kind[0]) {
    case '+':
        return values[0] + values[1];
    case '-':
        return values[0] - values[1];
    case '*':
        return values[0] * values[1];
    default:
        return values[0] / values[1];
    }
}

bool compared(const std::string& sign, double left, double right) {
    if (sign == "<")
        return left < right;
    if (sign == "<=")
        return left <= right;
    return sign == ">" ? left > right : left >= right;
}

} // namespace

Expectation::Expectation(std::string text) : m_text(std::move(text)) {
    m_parts = Parser(m_text).conjunction();
}
Expectation::~Expectation() = default;
Expectation::Expectation(Expectation&&) noexcept = default;
Expectation& Expectation::operator=(Expectation&&) noexcept = default;

Expectation::Outcome Expectation::check(const Lookup& lookup) const {
    Outcome outcome{true, m_text + ":"};
    for (const auto& part : m_parts) {
        std::string missing;
        const double left = evaluate(*part->children[0], lookup, missing);
        const double right = evaluate(*part->children[1], lookup, missing);
        if (!missing.empty()) {
            outcome.holds = false;
            outcome.sentence += fmt::format(" {} was not measured;", missing);
            continue;
        }
        const bool holds = compared(part->kind, left, right);
        outcome.holds = outcome.holds && holds;
        outcome.sentence +=
            fmt::format(" {:.4g} {} {:.4g} {};", left, part->kind, right, holds ? "holds" : "does not hold");
    }
    outcome.sentence.pop_back();
    return outcome;
}

} // namespace orrery::measure
