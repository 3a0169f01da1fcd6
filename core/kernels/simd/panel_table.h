// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/panel_product.h"

// The versions of the inner part of multiplyPanels, one for each instruction set.
namespace orrery::kernels {

struct PanelTable {
    int stripRows;
    void (*multiply)(const PanelProduct& product, std::int64_t beginUnit, std::int64_t endUnit);
    /// An F32 panel of 32 rows of numbers, stride apart: panel[k * 32 + column] = rows[column * stride + k].
    void (*interleave)(const float* rows, std::int64_t stride, std::int64_t depth, float* panel);
};

extern const PanelTable panelsPortable;
extern const PanelTable panelsAvx2;
extern const PanelTable panelsAvx512;
extern const PanelTable panelsAvx512Vnni;
extern const PanelTable panelsAvx512Bf16;

} // namespace orrery::kernels
