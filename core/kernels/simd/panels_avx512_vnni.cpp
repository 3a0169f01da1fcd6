// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/simd/interleave.h"
#include "kernels/simd/panel_kernel.h"
#include "kernels/simd/panel_table.h"

namespace orrery::kernels {

const PanelTable panelsAvx512Vnni{ORRERY_SIMD::maxStripRows, &ORRERY_SIMD::multiplyUnits,
                                  &ORRERY_SIMD::interleaveRows};

} // namespace orrery::kernels
