// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/records.h"

#include <array>

namespace orrery::store {
namespace {
constexpr std::array<std::string_view, 5> runStatuses{"running", "done", "failed", "cancelled",
                                                      "interrupted"};
constexpr std::array<std::string_view, 3> cellStatuses{"pending", "done", "failed"};
} // namespace

std::string_view name(RunStatus status) {
    return runStatuses[static_cast<std::size_t>(status)];
}

std::optional<RunStatus> runStatusFromName(std::string_view name) {
    for (std::size_t i = 0; i < runStatuses.size(); ++i)
        if (runStatuses[i] == name)
            return static_cast<RunStatus>(i);
    return std::nullopt;
}

std::string_view name(CellStatus status) {
    return cellStatuses[static_cast<std::size_t>(status)];
}

} // namespace orrery::store
