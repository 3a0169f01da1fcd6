// SPDX-License-Identifier: GPL-3.0-or-later
#include "figure/figure.h"

#include <array>

namespace orrery::figure {

std::string_view kindName(const Figure& figure) {
    static constexpr std::array<std::string_view, std::variant_size_v<Body>> names{
        "heatmap", "head_grid", "token_strip", "attention_lines", "series", "bars", "table", "text"};
    return names[figure.body.index()];
}

} // namespace orrery::figure
