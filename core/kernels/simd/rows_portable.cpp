// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/simd/row_kernel.h"

namespace orrery::kernels {

const RowTable rowsPortable = ORRERY_SIMD::rowTable;

} // namespace orrery::kernels
