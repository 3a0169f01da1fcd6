// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "analyze/analyzer.h"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace orrery::lenses {

enum class Detector { PreviousToken, DuplicateToken, Induction, FirstToken };
constexpr int detectors = 4;
[[nodiscard]] std::string_view title(Detector detector); ///< "previous token"

/// For every query the keys that a head of this kind attends to (ascending, no later than the query); empty
/// lists where there are none.
std::vector<std::vector<std::int64_t>> targets(Detector detector, std::span<const std::int64_t> ids);

class HeadDetectors final : public analyze::Analyzer {
public:
    [[nodiscard]] PartInfo info() const override;
    [[nodiscard]] OptionSchema options() const override;
    [[nodiscard]] analyze::Prediction predict(const analyze::Request& request) const override;
    [[nodiscard]] std::vector<figure::Figure> analyze(const analyze::Request& request) const override;
};

} // namespace orrery::lenses
