// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/simd/block_kernel.h"

namespace orrery::kernels {

const BlockTable blocksAvx512 = ORRERY_SIMD::blockTable;

} // namespace orrery::kernels
