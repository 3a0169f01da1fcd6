// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::measure {

/// What a recipe says will be seen, over named metrics of the run:
///     seconds{dtype=bf16, length=128} / seconds{dtype=f32, length=128} <= 0.8
///     accuracy >= 0.9 and loss < 1.5
/// Numbers, metric names with an optional selection of settings in braces, + - * / ( ), min(), max(), abs(),
/// the comparisons < <= > >=, joined by "and".
class Expectation {
public:
    /// UsageError with the place of the fault.
    explicit Expectation(std::string text);
    ~Expectation();
    Expectation(Expectation&&) noexcept;
    Expectation& operator=(Expectation&&) noexcept;

    /// The value of a metric under settings; nothing when it was not measured.
    using Lookup = std::function<std::optional<double>(const std::string& metric,
                                                       const std::map<std::string, std::string>& settings)>;
    struct Outcome {
        bool holds = false;
        /// "seconds{...} / ... <= 0.8: 0.62 <= 0.8 holds", or which metric is missing.
        std::string sentence;
    };
    [[nodiscard]] Outcome check(const Lookup& lookup) const;
    [[nodiscard]] const std::string& text() const { return m_text; }
    struct Node;

private:
    std::string m_text;
    std::vector<std::unique_ptr<Node>> m_parts;
};

} // namespace orrery::measure
